"""Photos for the tests, made by numpy: a grey grating with a little noise, and the same with a dark spot. Models of them, and what another
program would have saved of one."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import numpy.typing as npt
import pytest

import patchcore
from patchcore.importers import safetensors

Pixels = npt.NDArray[np.uint8]
SIDE = 96
#: Small inputs, so that a fit takes no second.
SETTINGS: dict[str, Any] = {"resize": 96, "coreset_sampling_ratio": 0.25}
#: As anomalib's model of the importers' tests.
ANOMALIB: dict[str, Any] = {"mode": "anomalib", "backbone": "resnet18", "layers": ["layer2", "layer3"], "coreset_sampling_ratio": 0.25}


def grating(seed: int, *, spot: bool = False, side: int = SIDE) -> Pixels:
    """A photo ``[side, side, 3]``."""
    random = np.random.default_rng(seed)
    row, column = np.mgrid[0:side, 0:side]
    shade = 120 + 40 * np.sin(column / 5) + 10 * np.cos(row / 9)
    pixels = shade[..., None] + np.array([0, 6, -8]) + random.normal(0, 4, (side, side, 3))
    if spot:
        pixels[side // 2 : side // 2 + 14, side // 3 : side // 3 + 14] -= 90
    photo: Pixels = pixels.clip(0, 255).astype(np.uint8)
    return photo


def png(pixels: npt.NDArray[np.generic]) -> bytes:
    """An encoded PNG file of ``[height, width]`` or ``[height, width, 3 or 4]`` in uint8 or uint16."""
    height, width = pixels.shape[:2]
    colour = {1: 0, 3: 2, 4: 6}[pixels.shape[2] if pixels.ndim == 3 else 1]
    big_endian = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, colour, 0, 0, 0)
    lines = b"".join(b"\0" + line.tobytes() for line in big_endian)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 1)) + chunk(b"IEND", b"")


def write_photos(folder: Path, seeds: range, *, spot: bool = False) -> list[Path]:
    """Photos as files ``000.png``, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{seed:03}.png" for seed in seeds]
    for seed, path in zip(seeds, paths):
        path.write_bytes(png(grating(seed, spot=spot)))
    return paths


@pytest.fixture(scope="session")
def good() -> list[Pixels]:
    """Eight photos for a fit."""
    return [grating(seed) for seed in range(8)]


@pytest.fixture(scope="session")
def fitted(good: list[Pixels]) -> patchcore.PatchCore:
    """A model of them. Tests do not change it."""
    return patchcore.PatchCore(**SETTINGS).fit(good)


@pytest.fixture(scope="session")
def calibrated(fitted: patchcore.PatchCore) -> patchcore.PatchCore:
    """The same with a threshold of 30 % false alarms."""
    model = patchcore.PatchCore.of_model(fitted.model_)
    return model.calibrate([grating(seed) for seed in range(100, 110)], fpr=0.3)


@pytest.fixture(scope="session")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photos as files, laid out as MVTec AD is, with masks."""
    root = tmp_path_factory.mktemp("data") / "part"
    write_photos(root / "train" / "good", range(8))
    write_photos(root / "validation" / "good", range(100, 110))
    write_photos(root / "test" / "good", range(20, 26))
    write_photos(root / "test" / "spot", range(30, 36), spot=True)
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    mask[SIDE // 2 : SIDE // 2 + 14, SIDE // 3 : SIDE // 3 + 14] = 255
    (root / "ground_truth" / "spot").mkdir(parents=True)
    for seed in range(30, 36):
        (root / "ground_truth" / "spot" / f"{seed:03}_mask.png").write_bytes(png(mask))
    return root


@pytest.fixture(scope="session")
def weights() -> dict[str, checkpoints.Array]:
    return checkpoints.resnet18(1)


@pytest.fixture(scope="session")
def weights_file(weights: dict[str, checkpoints.Array], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    path.write_bytes(safetensors.encode({name: values for name, values in weights.items() if values.dtype == np.float32}))
    return path


@pytest.fixture(scope="session")
def known(good: list[Pixels], weights_file: Path) -> patchcore.PatchCore:
    """A model of our own fit, whose bank and weights the fixtures have."""
    return patchcore.PatchCore(**ANOMALIB, resize=(96, 96), weights=weights_file).fit(good)


@pytest.fixture(scope="session")
def bank(known: patchcore.PatchCore) -> npt.NDArray[np.float32]:
    return known.model_.banks[0]


@pytest.fixture
def ckpt(weights: dict[str, checkpoints.Array], bank: checkpoints.Array, tmp_path: Path) -> Any:
    """Writes a checkpoint with changes."""

    def write(**changes: Any) -> Path:
        return checkpoints.save(tmp_path / "model.ckpt", checkpoints.checkpoint(weights, bank, **changes))

    return write


@pytest.fixture
def new() -> list[Pixels]:
    return [grating(seed, spot=spot) for seed, spot in ((50, False), (51, True), (52, True))]
