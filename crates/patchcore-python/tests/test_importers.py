"""Models of other programs score here as there, nothing in their files is run, and what cannot be the same is refused by name."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import NORMALIZE, Array, Call, Name, Tensor, checkpoint, compose, pickled, quietly, resize, save, transform
from conftest import ANOMALIB, Pixels, grating

import patchcore
from patchcore import importers
from patchcore.importers import geometry, inert

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
    # Good photos say both.
    model.calibrate([grating(seed) for seed in range(100, 110)], fpr=0.3)
    score = model.predict(new[1])
    assert score.pred_label is True and score.pred_mask.any() and not score.pred_mask.all()
    assert "a bank from elsewhere" in repr(model.model_)


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


def test_a_pickled_pre_processor_of_earlier_versions_is_read(
    ckpt: Any, known: patchcore.PatchCore, new: list[Pixels]
) -> None:
    bilinear = Call(Name("torchvision.transforms.functional", "InterpolationMode"), "bilinear")
    steps = [
        Call(Name("torchvision.transforms.v2._geometry", "Resize"), state={"size": [96, 96], "interpolation": bilinear, "antialias": True}),
        Call(
            Name("torchvision.transforms.v2._misc", "Normalize"),
            state={"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        ),
    ]
    whole = Call(Name("torchvision.transforms.v2._container", "Compose"), state={"transforms": steps, "_modules": {}})

    def of(state: dict[str, Any]) -> Path:
        given = Call(Name("anomalib.pre_processing.pre_processor", "PreProcessor"), state=state)
        path: Path = ckpt(anomalib_pre_processor_config=None, hyper_parameters={"pre_processor": given})
        return path

    assert np.array_equal(quietly(of({"_modules": {"transform": whole}})).score(new), known.score(new))
    # Where it is there and not readable, the view has to be said.
    with pytest.raises(patchcore.PatchCoreError, match="say resize="):
        quietly(of({"_modules": {}}))
    assert np.array_equal(quietly(of({"_modules": {}}), resize=(96, 96)).score(new), known.score(new))


def test_a_model_without_a_pre_processor_is_refused_and_one_whose_is_lost_needs_its_size(ckpt: Any) -> None:
    with pytest.raises(patchcore.PatchCoreError, match="no pre-processor"):
        quietly(ckpt(anomalib_components_enabled={"pre_processor": False}, anomalib_pre_processor_config=None))
    with pytest.raises(patchcore.PatchCoreError, match="say resize="):
        quietly(ckpt(anomalib_pre_processor_config={"transform": None}))


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
    others: tuple[tuple[Any, str], ...] = (
        ({"model_state": {}}, "model_state"),
        ([1, 2], "list"),
        (checkpoint(weights, np.zeros(0, np.float32)), "fit the model"),
        ({**checkpoint(weights, bank), "state_dict": {}}, "0 tensors memory_bank"),
    )
    for value, named in others:
        with pytest.raises(patchcore.PatchCoreError, match=named):
            quietly(save(tmp_path / "other.ckpt", value))
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


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"\x80\x02(",
        b"\x80\x02c",
        b"\x80\x02]q\x00h\x00a.",
        b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b".",
        # A few bytes that ask for gigabytes: a table of two thousand million entries, and room for a tebibyte.
        b"\x80\x02]r\xff\xff\xff\x7f.",
        b"\x80\x05\x96" + (1 << 40).to_bytes(8, "little") + b".",
    ],
    ids=["empty", "stop", "mark", "name", "itself", "deep", "table", "room"],
)
def test_broken_pickles_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "patchcore_params.pkl").write_bytes(data)
    with pytest.raises(patchcore.PatchCoreError):
        importers.from_authors(tmp_path)


def test_what_is_part_of_itself_ends(tmp_path: Path) -> None:
    itself = compose(NORMALIZE)
    itself["init_args"]["transforms"].append(itself)
    with pytest.raises(patchcore.PatchCoreError, match="more than 100 transforms"):
        geometry.settings_of_transform(itself)
    module = inert.Record()
    module.state = {"_modules": {"again": module}}
    with pytest.raises(patchcore.PatchCoreError, match="modules"):
        list(inert.tensors(module))
    nested: list[Any] = ["\x1b[31m"]
    for _ in range(100):
        nested = [nested] * 10
    assert len(inert.shown(nested)) < 300 and "\x1b" not in inert.shown(nested) + inert.shown("\x1b[31m")
