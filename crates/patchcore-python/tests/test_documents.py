"""The pages on Python and clusters are true: their blocks are run in order, in a folder with made photos."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import checkpoints
import numpy as np
import pytest
from conftest import write_photos

from patchcore.importers import safetensors

PAGES = Path(__file__).parents[3] / "docs" / "how-to"
#: The test of the other pages, in Rust, does not run these blocks.
RUN_HERE = "the tests of the Python package run it"
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Language, attributes and text of each block."""
    return BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))


def photos_for(folder: Path, data_set: Path) -> None:
    """What the pages speak of: good photos, some to calibrate with, new ones, and a labelled test set."""
    write_photos(folder / "good", range(8))
    write_photos(folder / "held-out", range(100, 110))
    write_photos(folder / "new", range(200, 204))
    shutil.copytree(data_set, folder / "bottle")
    rows = [
        f"{data_set / kind / name.name},{label},{split}"
        for kind, label, split in (
            ("train/good", "good", "train"),
            ("validation/good", "good", "validation"),
            ("test/good", "good", "test"),
            ("test/spot", "spot", "test"),
        )
        for name in sorted((data_set / kind).iterdir())
    ]
    (folder / "photos.csv").write_text("\n".join(["image_path,label,split", *rows]) + "\n")
    both = [f"{row},{product}" for product in ("bottle", "cap") for row in rows]
    (folder / "products.csv").write_text("\n".join(["image_path,label,split,product", *both]) + "\n")


def models_for(folder: Path) -> None:
    """What other programs have saved: a bank of made rows over a network with made weights, and their scores of the new photos."""
    weights = checkpoints.resnet18(1)
    rows = np.random.default_rng(2).random((30, 1024), dtype=np.float32)
    checkpoints.save(folder / "model.ckpt", checkpoints.checkpoint(weights, rows[:, :384]))
    checkpoints.write_folder(folder / "mvtec_bottle", rows, input_shape=(3, 224, 224))
    floats = {name: values for name, values in weights.items() if values.dtype == np.float32}
    (folder / "resnet18.safetensors").write_bytes(safetensors.encode(floats))
    photos = sorted((folder / "new").iterdir())
    scores = checkpoints.quietly(folder / "model.ckpt").score(photos)
    lines = [f"new/{photo.name},{score}" for photo, score in zip(photos, scores)]
    (folder / "anomalib_scores.csv").write_text("\n".join(["image_path,score", *lines]) + "\n")


@pytest.mark.parametrize("page", ["python.md", "cluster.md"])
def test_the_blocks_of_a_page_run(page: str, data_set: Path, tmp_path: Path) -> None:
    if page == "cluster.md" and not os.environ.get("PATCHCORE_RAY"):
        pytest.skip("PATCHCORE_RAY is not set")
    if not PAGES.is_dir():
        pytest.skip("the pages are not beside the tests")
    photos_for(tmp_path, data_set)
    models_for(tmp_path)
    program: list[str] = []
    ran = 0
    for language, attributes, text in blocks(page):
        if "not-run" in attributes and RUN_HERE not in attributes:
            assert re.search(r'not-run="[^"]{10,}"', attributes), "a block that is not run says why"
            continue
        if language == "python":
            # The blocks of a page are one program, which a shell's block may follow.
            program.append(text)
            ran += 1
        elif language == "sh":
            run_python(program, tmp_path)
            shell = text.replace("python -m", f"{sys.executable} -m")
            done = subprocess.run(["bash", "-euc", shell], cwd=tmp_path, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            ran += 1
        else:
            assert language in ("text", "csv", "toml"), f"nobody runs a block of {language}"
    run_python(program, tmp_path)
    assert ran >= 3


def run_python(program: list[str], folder: Path) -> None:
    """Run all blocks so far, so that each may use what those before it made."""
    script = "\n".join(program)
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def test_every_block_is_python_or_says_why() -> None:
    if not PAGES.is_dir():
        pytest.skip("the pages are not beside the tests")
    assert sum(language == "python" for language, _, _ in blocks("python.md")) >= 5
    assert sum(language in ("python", "sh") for language, _, _ in blocks("cluster.md")) >= 3
