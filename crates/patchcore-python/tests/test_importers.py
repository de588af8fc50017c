"""Models of other programs score here as there, nothing in their files is run, and what cannot be the same is refused by name."""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import numpy.typing as npt
import pytest
from checkpoints import NORMALIZE, Array, Call, Name, Tensor, checkpoint, compose, pickled, resize, save, transform
from conftest import SIDE, Pixels, grating, write_photos

import patchcore
from patchcore import importers
from patchcore.importers import safetensors

ANOMALIB: dict[str, Any] = {"mode": "anomalib", "backbone": "resnet18", "layers": ["layer2", "layer3"], "coreset_sampling_ratio": 0.25}


def floats(weights: dict[str, Array]) -> dict[str, npt.NDArray[np.float32]]:
    return {name: values for name, values in weights.items() if values.dtype == np.float32}


@pytest.fixture(scope="session")
def weights() -> dict[str, Array]:
    return checkpoints.resnet18(1)


@pytest.fixture(scope="session")
def weights_file(weights: dict[str, Array], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    path.write_bytes(safetensors.encode(floats(weights)))
    return path


@pytest.fixture(scope="session")
def known(good: list[Pixels], weights_file: Path) -> patchcore.PatchCore:
    """A model of our own fit, whose bank and weights the fixtures have."""
    return patchcore.PatchCore(**ANOMALIB, resize=(96, 96), weights=weights_file).fit(good)


@pytest.fixture(scope="session")
def bank(known: patchcore.PatchCore) -> npt.NDArray[np.float32]:
    return known.model_.banks[0]


@pytest.fixture
def ckpt(weights: dict[str, Array], bank: Array, tmp_path: Path) -> Any:
    """Writes a checkpoint with changes."""

    def write(**changes: Any) -> Path:
        return save(tmp_path / "model.ckpt", checkpoint(weights, bank, **changes))

    return write


@pytest.fixture
def new() -> list[Pixels]:
    return [grating(seed, spot=spot) for seed, spot in ((50, False), (51, True), (52, True))]


def quietly(path: Path, **said: Any) -> patchcore.PatchCore:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", patchcore.PatchCoreWarning)
        return importers.from_anomalib(path, **said)


# anomalib's checkpoints.


def test_a_checkpoint_gives_the_scores_of_the_model_that_it_was_made_of(
    ckpt: Any, known: patchcore.PatchCore, new: list[Pixels], tmp_path: Path
) -> None:
    model = quietly(ckpt())
    assert np.array_equal(model.score(new), known.score(new))
    assert np.array_equal(model.predict(new[1]).anomaly_map, known.predict(new[1]).anomaly_map)
    assert model.get_params()["layers"] == ["layer2", "layer3"] and model.get_params()["coreset_sampling_ratio"] == 0.25
    # The file alone suffices, and scores the same.
    model.save(tmp_path / "part.patchcore", with_weights=True)
    assert np.array_equal(patchcore.load(tmp_path / "part.patchcore").score(new), known.score(new))


def test_what_a_checkpoint_does_not_have_is_absent(ckpt: Any, new: list[Pixels]) -> None:
    model = quietly(ckpt())
    assert model.model_.photos == [] and model.model_.coverage == []
    nearest = model.predict(new[1]).nearest
    assert nearest.name is None and nearest.distance > 0
    with pytest.raises(patchcore.PatchCoreError, match="origin|photo"):
        model.extend(new)


def test_neither_torch_nor_anomalib_is_imported(ckpt: Any) -> None:
    script = (
        "import sys, patchcore.importers\n"
        f"patchcore.importers.from_anomalib({str(ckpt())!r})\n"
        "assert not {'torch', 'anomalib', 'faiss'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_thresholds_are_raw_scores_and_the_normalisation_is_told(ckpt: Any, new: list[Pixels]) -> None:
    with pytest.warns(patchcore.PatchCoreWarning, match="normalised") as told:
        model = importers.from_anomalib(ckpt())
    assert any("0.5 at 4, 1 / 4" in str(warning.message) for warning in told)
    assert told[0].filename == __file__
    assert model.threshold_ == 4.0
    assert model.predict(new[1]).pixel_threshold == 3.0


@pytest.mark.parametrize(
    ("rules", "buffers", "expected"),
    [
        # A score is anomalous above 1 - sensitivity, normalised: (s - 4) / 4 + 0.5 > 0.75.
        ({"image_sensitivity": 0.25}, {}, 5.0),
        ({}, {"_image_threshold": math.nan}, 3.0),
        ({"enable_threshold_matching": False}, {"_image_threshold": math.nan}, None),
        ({"enable_thresholding": False}, {}, None),
        ({}, {"image_min": 2.0, "image_max": 2.0}, 4.0),
        ({"image_sensitivity": 0.0}, {}, None),
    ],
)
def test_the_threshold_is_where_anomalib_changes_its_verdict(
    ckpt: Any, rules: dict[str, Any], buffers: dict[str, float], expected: float | None
) -> None:
    assert quietly(ckpt(anomalib_post_processor_config=rules, buffers=buffers)).threshold_ == expected


def test_without_thresholds_no_pixel_is_a_defect(ckpt: Any, new: list[Pixels]) -> None:
    with pytest.warns(patchcore.PatchCoreWarning, match="calibrate"):
        model = importers.from_anomalib(ckpt(buffers={"_image_threshold": math.nan, "_pixel_threshold": math.nan}))
    score = model.predict(new[1])
    assert score.pred_label is None and score.regions == [] and not score.pred_mask.any()


def exported(weights: dict[str, Array], bank: Array) -> dict[str, Any]:
    """What Engine.export(ExportType.TORCH) writes: the pickled modules."""

    def module(name: str, parts: dict[str, Any] | None = None, **attributes: Any) -> Call:
        state = {"training": False, "_parameters": {}, "_buffers": {}, **attributes, "_modules": parts or {}}
        return Call(Name("somewhere", name), state=state)

    network: dict[str, Any] = {}
    for name, values in weights.items():
        *path, last = name.split(".")
        at = network
        for part in path:
            at = at.setdefault(part, {})
        at[last] = Call(Name("torch._utils", "_rebuild_parameter"), Tensor(values), False, {}) if last == "weight" else Tensor(values)

    def built(parts: dict[str, Any]) -> Call:
        tensors = {name: part for name, part in parts.items() if not isinstance(part, dict)}
        parameters = {name: part for name, part in tensors.items() if isinstance(part, Call)}
        buffers = {name: part for name, part in tensors.items() if isinstance(part, Tensor)}
        within = {name: built(part) for name, part in parts.items() if isinstance(part, dict)}
        return module("Layer", within, _parameters=parameters, _buffers=buffers)

    def step(name: str, **attributes: Any) -> Call:
        return module(name, **attributes)

    bilinear = Call(Name("torchvision.transforms.functional", "InterpolationMode"), "bilinear")
    steps = [
        step("Resize", size=[96, 96], interpolation=bilinear, max_size=None, antialias=True),
        step("Normalize", mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225], inplace=False),
    ]
    numbers = {"_image_threshold": 4.0, "_pixel_threshold": 3.0, "image_min": 1.0, "image_max": 5.0, "pixel_min": 0.5, "pixel_max": 4.5}
    inner = module(
        "PatchcoreModel",
        {"feature_extractor": module("TimmFeatureExtractor", {"feature_extractor": built(network)})},
        _buffers={"memory_bank": Tensor(bank)},
        backbone="resnet18",
        layers=["layer2", "layer3"],
        num_neighbors=9,
        tiler=None,
    )
    return {
        "model": module(
            "InferenceModel",
            {
                "pre_processor": module("PreProcessor", {"transform": module("Compose", transforms=steps)}),
                "model": inner,
                "post_processor": module(
                    "PostProcessor",
                    _buffers={name: Tensor(np.float32(value)) for name, value in numbers.items()},
                    enable_normalization=True,
                    image_sensitivity=0.5,
                ),
            },
        )
    }


def test_an_exported_model_is_read_as_well(
    weights: dict[str, Array], bank: Array, known: patchcore.PatchCore, new: list[Pixels], tmp_path: Path
) -> None:
    model = quietly(save(tmp_path / "model.pt", exported(weights, bank)))
    assert np.array_equal(model.score(new), known.score(new))
    assert model.threshold_ == 4.0


def test_a_checkpoint_without_geometry_says_what_was_taken(
    ckpt: Any, known: patchcore.PatchCore, new: list[Pixels]
) -> None:
    path = ckpt(anomalib_pre_processor_config=None)
    with pytest.warns(patchcore.PatchCoreWarning, match="256 x 256"):
        default = importers.from_anomalib(path)
    assert default.get_params()["resize"] == (256, 256)
    assert np.array_equal(quietly(path, resize=(96, 96)).score(new), known.score(new))
    with pytest.raises(patchcore.PatchCoreError, match="has a pre-processor"):
        quietly(ckpt(), resize=96)


def test_half_precision_is_told(weights: dict[str, Array], bank: Array, new: list[Pixels], tmp_path: Path) -> None:
    half = {name: values.astype(np.float16) if values.dtype == np.float32 else values for name, values in weights.items()}
    with pytest.warns(patchcore.PatchCoreWarning, match="float16"):
        model = importers.from_anomalib(save(tmp_path / "half.ckpt", checkpoint(half, bank.astype(np.float16))))
    assert np.isfinite(model.score(new)).all()


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ([resize(96, 96, interpolation="bicubic"), NORMALIZE], "bicubic"),
        ([resize(96, 96, antialias=False), NORMALIZE], "antialias"),
        ([resize(96, max_size=200), NORMALIZE], "max_size 200"),
        ([resize(96, 96), transform("Grayscale", num_output_channels=3), NORMALIZE], "Grayscale"),
        ([transform("SquarePad"), resize(96, 96), NORMALIZE], "SquarePad"),
        ([resize(96, 96), transform("Normalize", mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5])], "Normalize with mean"),
        ([resize(96, 96)], "no Normalize"),
        ([transform("CenterCrop", size=[64, 64]), resize(96, 96), NORMALIZE], "Resize after another"),
        ([resize(96, 96), NORMALIZE, transform("CenterCrop", size=[64, 64])], "CenterCrop after Normalize"),
        ([resize(0, 96), NORMALIZE], "Resize to"),
    ],
)
def test_a_geometry_that_cannot_be_the_same_is_refused_by_name(ckpt: Any, steps: list[Any], named: str) -> None:
    with pytest.raises(patchcore.PatchCoreError, match=named):
        quietly(ckpt(anomalib_pre_processor_config={"transform": compose(*steps)}))


@pytest.mark.parametrize(
    ("steps", "settings"),
    [
        ([resize(64), NORMALIZE], {"resize": 64}),
        ([resize(80, 112), transform("CenterCrop", size=[64, 96]), NORMALIZE], {"resize": (112, 80), "crop": (96, 64)}),
        ([NORMALIZE], {"resize": "keep"}),
    ],
)
def test_a_geometry_is_that_of_our_settings(
    ckpt: Any, weights_file: Path, bank: Array, steps: list[Any], settings: dict[str, Any]
) -> None:
    model = quietly(ckpt(anomalib_pre_processor_config={"transform": compose(*steps)}))
    photo = grating(60, spot=True, side=128)[:, :112]
    same = patchcore.Model.of_bank(bank, {**ANOMALIB, "weights": weights_file, **settings})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", patchcore.PatchCoreWarning)
        assert model.predict(photo).pred_score == same.predict(photo).pred_score
        assert model.predict(photo).input_map.shape == same.predict(photo).input_map.shape


@pytest.mark.parametrize(
    ("about", "named"),
    [
        ({"backbone": "vit_small_patch14_dinov2"}, "vit_small_patch14_dinov2"),
        ({"backbone": Call(Name("my", "Network"))}, "names no backbone"),
        ({"layers": ["layer3", "layer2"]}, "layer3, layer2"),
        ({"layers": [1, 2]}, "by name"),
        ({"backbone": "resnet50"}, "resnet50|values"),
        ({"num_neighbors": 0}, "num_neighbors"),
    ],
)
def test_a_model_that_cannot_be_the_same_is_refused_by_name(ckpt: Any, about: dict[str, Any], named: str) -> None:
    with pytest.raises(patchcore.PatchCoreError, match=named):
        quietly(ckpt(hyper_parameters=about))


def test_files_that_are_no_models_are_refused(weights: dict[str, Array], bank: Array, tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.ckpt", checkpoint(weights, bank)).read_bytes()
    for name, content, named in (
        ("cut.ckpt", whole[: len(whole) // 2], "no checkpoint that can be read"),
        ("text.ckpt", b"no zip", "no checkpoint that can be read"),
        ("legacy.ckpt", pickled({"state_dict": {}}), "torch 1.6"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(patchcore.PatchCoreError, match=named):
            quietly(tmp_path / name)
    with pytest.raises(patchcore.PatchCoreError, match="no checkpoint"):
        quietly(tmp_path / "absent.ckpt")
    for content, named in (
        ({"model_state": {}}, "model_state"),
        ([1, 2], "list"),
        (checkpoint(weights, np.zeros(0, np.float32)), "fit the model"),
        ({**checkpoint(weights, bank), "state_dict": {}}, "0 tensors memory_bank"),
    ):
        with pytest.raises(patchcore.PatchCoreError, match=named):
            quietly(save(tmp_path / "other.ckpt", content))
    bank_of_nan = bank.copy()
    bank_of_nan[3, 5] = np.nan
    with pytest.raises(patchcore.PatchCoreError, match="row 3"):
        quietly(save(tmp_path / "nan.ckpt", checkpoint(weights, bank_of_nan)))


def test_a_damaged_entry_a_compressed_one_and_one_that_is_missing_are_refused(
    weights: dict[str, Array], bank: Array, tmp_path: Path
) -> None:
    content = checkpoint(weights, bank)
    with pytest.raises(patchcore.PatchCoreError, match="compressed"):
        quietly(save(tmp_path / "small.ckpt", content, compression=zipfile.ZIP_DEFLATED))
    path = save(tmp_path / "whole.ckpt", content)
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "less.ckpt", "w") as less:
        for name in whole.namelist():
            if name != "archive/data/6":
                less.writestr(name, whole.read(name))
    with pytest.raises(patchcore.PatchCoreError, match="data/6 cannot be read"):
        quietly(tmp_path / "less.ckpt")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "flipped.ckpt").write_bytes(data)
    with pytest.raises(patchcore.PatchCoreError, match="CRC"):
        quietly(tmp_path / "flipped.ckpt")


@pytest.mark.parametrize(
    ("shape", "steps"), [((10**12,), (1,)), ((2**40, 2**40), (0, 0)), ((4, 384), (384, 2)), ((4, 384), (-384, 1)), ((4, 384), (384,))]
)
def test_a_tensor_that_reaches_beyond_its_storage_is_refused(
    weights: dict[str, Array], bank: Array, tmp_path: Path, shape: tuple[int, ...], steps: tuple[int, ...]
) -> None:
    content = checkpoint(weights, bank)
    content["state_dict"]["model.memory_bank"] = Tensor(bank[:4], shape, steps)
    with pytest.raises(patchcore.PatchCoreError, match="memory_bank (of shape .* reaches beyond|has no storage)"):
        quietly(save(tmp_path / "lying.ckpt", content))


def test_a_tensor_may_be_transposed_in_its_storage(
    weights: dict[str, Array], bank: Array, known: patchcore.PatchCore, new: list[Pixels], tmp_path: Path
) -> None:
    content = checkpoint(weights, bank)
    content["state_dict"]["model.memory_bank"] = Tensor(np.ascontiguousarray(bank.T), bank.shape, (1, len(bank)))
    assert np.array_equal(quietly(save(tmp_path / "other.ckpt", content)).score(new), known.score(new))


# Pickles that would do something.


@pytest.mark.parametrize("module", ["os", "posix", "nt", "builtins", "subprocess"])
def test_a_pickle_that_runs_something_runs_nothing(module: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    name = {"builtins": "eval", "subprocess": "check_output"}.get(module, "system")
    order = f"__import__('pathlib').Path({str(trace)!r}).write_text('')" if name == "eval" else f"touch {trace}"
    order_or_list = ["touch", str(trace)] if module == "subprocess" else order
    attack = Call(Name(module, name), order_or_list)
    # It does do something where it is unpickled.
    if module in ("os", "builtins", "subprocess"):
        import pickle

        pickle.loads(pickled(attack))
        assert trace.exists()
        trace.unlink()
    for content in (attack, {"state_dict": attack}, {"state_dict": {}, "hyper_parameters": {"pre_processor": attack}}):
        with pytest.raises(patchcore.PatchCoreError):
            quietly(save(tmp_path / "attack.ckpt", content))
    (tmp_path / "patchcore_params.pkl").write_bytes(pickled(attack))
    with pytest.raises(patchcore.PatchCoreError):
        importers.from_authors(tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize("data", [b"", b".", b"\x80\x02(", b"\x80\x02c", b"\x80\x02]q\x00h\x00a.", b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b"."])
def test_broken_pickles_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "patchcore_params.pkl").write_bytes(data)
    with pytest.raises(patchcore.PatchCoreError):
        importers.from_authors(tmp_path)


# The authors' folders.


@pytest.fixture(scope="session")
def of_authors(good: list[Pixels], weights_file: Path) -> patchcore.PatchCore:
    """A model of our own fit in their mode."""
    return patchcore.PatchCore(
        mode="authors", backbone="resnet18", weights=weights_file, resize=96, crop=80, num_neighbors=3, coreset_sampling_ratio=0.25
    ).fit(good)


def write_folder(folder: Path, bank: Array, prefix: str = "", **changes: Any) -> Path:
    parameters = {
        "backbone.name": "resnet18",
        "layers_to_extract_from": ["layer2", "layer3"],
        "input_shape": (3, 80, 80),
        "pretrain_embed_dimension": 1024,
        "target_embed_dimension": 1024,
        "patchsize": 3,
        "patchstride": 1,
        "anomaly_scorer_num_nn": 3,
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{prefix}patchcore_params.pkl").write_bytes(pickled(parameters))
    (folder / f"{prefix}nnscorer_search_index.faiss").write_bytes(checkpoints.flat_index(bank))
    return folder


def test_a_folder_gives_the_scores_of_the_model_that_it_was_made_of(
    of_authors: patchcore.PatchCore, weights_file: Path, new: list[Pixels], tmp_path: Path
) -> None:
    bank = of_authors.model_.banks[0]
    assert bank.shape[1] == 1024
    model = importers.from_authors(write_folder(tmp_path / "model", bank), weights=weights_file, resize=96)
    assert np.array_equal(model.score(new), of_authors.score(new))
    assert np.array_equal(model.predict(new[1]).anomaly_map, of_authors.predict(new[1]).anomaly_map)
    assert model.threshold_ is None and model.model_.photos == []
    ensemble = write_folder(tmp_path / "ensemble", bank[:50], "Ensemble-1-2_")
    write_folder(ensemble, bank, "Ensemble-2-2_")
    model = importers.from_authors(ensemble, weights=weights_file, resize=96, member=2)
    assert np.array_equal(model.score(new), of_authors.score(new))
    with pytest.raises(patchcore.PatchCoreError, match="ensemble of 2"):
        importers.from_authors(ensemble, weights=weights_file, resize=96)
    with pytest.raises(patchcore.PatchCoreError, match="no network 3"):
        importers.from_authors(ensemble, weights=weights_file, resize=96, member=3)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"backbone.name": "vgg19"}, "vgg19"),
        ({"patchstride": 2}, "patchstride 2"),
        ({"input_shape": (3, 100, 100)}, "100 x 100 .* say resize="),
        ({"patchsize": 0}, "patchsize"),
        ({"layers_to_extract_from": ["layer9"]}, "layer9"),
        ({"target_embed_dimension": 384}, "384"),
    ],
)
def test_a_folder_that_cannot_be_the_same_is_refused_by_name(
    weights_file: Path, tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    folder = write_folder(tmp_path / "model", np.zeros((20, 1024), np.float32), **changes)
    with pytest.raises(patchcore.PatchCoreError, match=named):
        importers.from_authors(folder, weights=weights_file, resize=None if "input_shape" in changes else 96)


def test_other_indices_are_refused_by_their_letters(weights_file: Path, tmp_path: Path) -> None:
    rows = np.zeros((20, 1024), np.float32)
    folder = write_folder(tmp_path / "model", rows)
    index = folder / "nnscorer_search_index.faiss"
    whole = index.read_bytes()
    for data, named in (
        (checkpoints.flat_index(rows, b"IwFl"), "'IwFl'"),
        (checkpoints.flat_index(rows, b"IxFI"), "'IxFI'"),
        (checkpoints.flat_index(rows, metric=0), "metric 0"),
        (whole[:-4], "copy it again"),
        (whole + b"more", "copy it again"),
        (whole[:20], "cut off"),
        (b"", "kind ''"),
        (whole[:8] + b"\xff" * 8 + whole[16:], "damaged"),
    ):
        index.write_bytes(data)
        with pytest.raises(patchcore.PatchCoreError, match=named):
            importers.from_authors(folder, weights=weights_file, resize=96)
    index.unlink()
    with pytest.raises(patchcore.PatchCoreError, match="cannot be read"):
        importers.from_authors(folder, weights=weights_file, resize=96)
    with pytest.raises(patchcore.PatchCoreError, match="no folder"):
        importers.from_authors(tmp_path / "absent")


def test_an_index_of_faiss_itself_is_read(tmp_path: Path) -> None:
    faiss = pytest.importorskip("faiss")
    from patchcore.importers.faiss_file import read_flat_index

    rows = np.random.default_rng(0).random((7, 5), dtype=np.float32)
    flat, other = faiss.IndexFlatL2(5), faiss.IndexHNSWFlat(5, 4)
    for index in (flat, other):
        index.add(rows)
        faiss.write_index(index, str(tmp_path / f"{type(index).__name__}.faiss"))
    assert np.array_equal(read_flat_index(tmp_path / "IndexFlatL2.faiss"), rows)
    assert (tmp_path / "IndexFlatL2.faiss").read_bytes() == checkpoints.flat_index(rows)
    with pytest.raises(patchcore.PatchCoreError, match="IHNf"):
        read_flat_index(tmp_path / "IndexHNSWFlat.faiss")


# The same photos in both.


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    write_photos(folder / "good", range(20, 23))
    write_photos(folder / "spot", range(30, 33), spot=True)
    return folder


def write_scores(path: Path, scores: dict[str, float]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("image_path", "score"), *scores.items()])
    return path


def test_equal_scores_verify_and_others_are_shown(
    calibrated: patchcore.PatchCore, photos: Path, tmp_path: Path
) -> None:
    paths = sorted(photos.rglob("*.png"))
    scores = dict(zip(map(str, paths), calibrated.score(paths).tolist()))
    same = importers.verify(calibrated, scores, photos)
    assert same.ok and same.spearman == pytest.approx(1) and same.largest.relative == 0 and not same.flips
    assert [photo.photo for photo in same.photos] == list(scores)

    # One score is 1 % off, and another verdict: 0 is below every threshold.
    first, last = list(scores)[0], list(scores)[-1]
    scores[first] *= 1.01
    off = importers.verify(calibrated, scores, photos)
    assert not off.ok and off.largest.photo == first and off.largest.relative == pytest.approx(0.01, rel=0.02)
    assert importers.verify(calibrated, scores, photos, tolerance=0.02).ok
    scores[last] = 0.0
    off = importers.verify(calibrated, scores, photos, tolerance=2)
    assert [photo.photo for photo in off.flips] == [last] and not off.ok and off.spearman < 0.9
    table = str(off)
    assert table.count("another verdict") == 1 and "other verdicts: 1 of 6" in table and last in table

    # Their threshold may be on another scale.
    tenth = {name: float(score) / 10 for name, score in zip(map(str, paths), calibrated.score(paths))}
    assert calibrated.threshold_ is not None
    scaled = importers.verify(calibrated, tenth, photos, reference_threshold=calibrated.threshold_ / 10)
    assert not scaled.flips and not scaled.ok and scaled.spearman == pytest.approx(1)


def test_normalised_scores_are_recognised(fitted: patchcore.PatchCore, photos: Path) -> None:
    paths = sorted(photos.rglob("*.png"))
    scores = fitted.score(paths)
    normalised = (scores - scores.min()) / (scores.max() - scores.min())
    text = str(importers.verify(fitted, dict(zip(map(str, paths), normalised.tolist())), photos))
    assert "normalised" in text and "the model has no threshold" in text


def test_scores_are_found_by_the_end_of_a_path(fitted: patchcore.PatchCore, photos: Path, tmp_path: Path) -> None:
    paths = sorted(photos.rglob("*.png"))
    scores = dict(zip(paths, fitted.score(paths).tolist()))
    other = {f"/elsewhere/{path.parent.name}/{path.name}": score for path, score in scores.items()}
    with pytest.raises(patchcore.PatchCoreError, match="has no score"):
        importers.verify(fitted, other, photos)
    short = {f"{path.parent.name}/{path.name}": score for path, score in scores.items()}
    assert importers.verify(fitted.model_, write_scores(tmp_path / "scores.csv", short), photos).ok
    assert importers.verify(fitted, {path.name: score for path, score in scores.items()}, paths).ok
    twice = {f"a/{paths[0].name}": 1.0, paths[0].name: 2.0}
    assert importers.verify(fitted, {**twice, **short}, [paths[1]]).ok
    write_photos(photos / "other", range(20, 21))
    with pytest.raises(patchcore.PatchCoreError, match="has no score"):
        importers.verify(fitted, short, photos)
    with pytest.raises(patchcore.PatchCoreError, match="any of 2"):
        importers.verify(fitted, {"020.png": 1.0, "good/020.png": 1.0}, [paths[0]])


def test_scores_that_cannot_be_read_are_refused(fitted: patchcore.PatchCore, photos: Path, tmp_path: Path) -> None:
    for text, named in (
        ("photo,score\n1,2\n", "columns photo, score"),
        ("", "columns none"),
        ("image_path,score\n020.png,many\n", "line 2"),
        ("image_path,score\n020.png,nan\n", "no finite|no score"),
    ):
        (tmp_path / "scores.csv").write_text(text)
        with pytest.raises(patchcore.PatchCoreError, match=named):
            importers.verify(fitted, tmp_path / "scores.csv", photos / "good" / "020.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(patchcore.PatchCoreError, match="no photo"):
        importers.verify(fitted, {}, tmp_path / "empty")
    with pytest.raises(patchcore.PatchCoreError, match="tolerance"):
        importers.verify(fitted, {}, photos, tolerance=math.nan)


def test_the_module_imports_and_verifies(ckpt: Any, known: patchcore.PatchCore, photos: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "patchcore.importers", *map(str, arguments)], capture_output=True, text=True)

    made = run("anomalib", ckpt(), "-o", tmp_path / "part.patchcore")
    assert made.returncode == 0 and "warning: anomalib shows image scores normalised" in made.stderr, made.stderr
    paths = sorted(photos.rglob("*.png"))
    scores = dict(zip(map(str, paths), known.score(paths).tolist()))
    compared = run("verify", tmp_path / "part.patchcore", write_scores(tmp_path / "scores.csv", scores), photos)
    assert compared.returncode == 0 and "order (Spearman): 1.000000" in compared.stdout, compared.stderr
    scores[str(paths[0])] += 1
    compared = run("verify", tmp_path / "part.patchcore", write_scores(tmp_path / "scores.csv", scores), *paths)
    assert compared.returncode == 3 and "largest difference" in compared.stdout
    (tmp_path / "none.ckpt").write_bytes(b"")
    refused = run("anomalib", tmp_path / "none.ckpt", "-o", tmp_path / "none.patchcore")
    assert refused.returncode == 1 and refused.stderr.startswith("error: ") and not (tmp_path / "none.patchcore").exists()


# anomalib itself.


def shared() -> Path:
    return Path(os.environ.get("PATCHCORE_SHARED", Path(__file__).parents[4] / "shared"))


@pytest.mark.slow
@pytest.mark.parametrize("crop", [None, (224, 224)])
def test_anomalib_gives_the_same_scores(tmp_path: Path, crop: tuple[int, int] | None) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("anomalib")
    bottle = shared() / "data" / "bottle"
    onnx = shared() / "weights" / "resnet18-imagenet1k-v1-trunk.onnx"
    if not bottle.is_dir() or not onnx.is_file():
        pytest.skip(f"the photos of bottle and the weights are not in {shared()}")
    from anomalib.data import Folder
    from anomalib.deploy import ExportType
    from anomalib.engine import Engine
    from anomalib.models import Patchcore

    torch.manual_seed(0)
    root = tmp_path / "data"
    for kind, source, count in (("good", "train/good", 6), ("held", "test/good", 6), ("bad", "test/broken_small", 3), ("bad", "test/contamination", 3)):
        (root / kind).mkdir(parents=True, exist_ok=True)
        for path in sorted((bottle / source).iterdir())[:count]:
            (root / kind / f"{path.parent.name}_{path.name}").symlink_to(path)
    view = Patchcore.configure_pre_processor(center_crop_size=crop)
    model = Patchcore(backbone="resnet18", pre_trained=False, coreset_sampling_ratio=0.05, visualizer=False, pre_processor=view)
    network = dict(model.model.feature_extractor.feature_extractor.named_modules())
    with torch.no_grad():
        for name, values in checkpoints.onnx_tensors(onnx).items():
            layer, kind = name.rsplit(".", 1)
            if kind == "weight":
                network[layer].weight.copy_(torch.from_numpy(values.copy()))
                continue
            # BatchNorm is folded in the file: the one behind the convolution only adds.
            norm = network[layer[:-1] + "1" if "downsample" in layer else layer.replace("conv", "bn")]
            norm.weight.fill_(1)
            norm.bias.copy_(torch.from_numpy(values.copy()))
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
    data = Folder(
        name="bottle", root=root, normal_dir="good", normal_test_dir="held", abnormal_dir="bad", num_workers=0, eval_batch_size=4,
        test_split_mode="from_dir", val_split_mode="same_as_test",
    )  # fmt: skip
    engine = Engine(default_root_dir=tmp_path / "run", accelerator="cpu", devices=1, logger=False)
    engine.fit(model, datamodule=data)
    engine.trainer.save_checkpoint(tmp_path / "model.ckpt")

    photos = [*sorted((root / "held").iterdir()), *sorted((root / "bad").iterdir())]
    imported = quietly(tmp_path / "model.ckpt")
    found = importers.verify(imported, tmp_path / "model.ckpt", photos, tolerance=1e-3)
    print(found)
    assert found.ok, str(found)
    # That the comparison is one: good and bad photos differ by more than the tolerance, and so do all photos among themselves.
    assert len({photo.score for photo in found.photos}) == len(photos)
    assert found.spearman > 0.999

    # Verdicts of anomalib's own pipeline, normalisation and all.
    verdicts = {}
    for batch in engine.predict(model, datamodule=data, return_predictions=True):
        for path, label in zip(batch.image_path, batch.pred_label):
            verdicts[Path(path).name] = bool(label)
    ours = dict(zip((photo.name for photo in photos), imported.predict_labels(photos)))
    assert verdicts and all(bool(ours[name]) == label for name, label in verdicts.items())

    exported = engine.export(model, ExportType.TORCH, export_root=tmp_path / "exported")
    assert np.array_equal(quietly(exported).score(photos), imported.score(photos))
