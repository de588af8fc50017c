"""The same photos in two programs: equal scores verify, others are shown. anomalib itself, where it is installed."""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import pytest
from checkpoints import quietly
from conftest import write_photos

import patchcore
from patchcore import importers


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    write_photos(folder / "good", range(20, 23))
    write_photos(folder / "spot", range(30, 33), spot=True)
    # What lies beside photos and is none.
    for name in ("notes.txt", ".hidden.png", "020.png.overlay.png"):
        (folder / "good" / name).write_bytes(b"no photo")
    return folder


def write_scores(path: Path, scores: dict[str, float]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("image_path", "score"), *scores.items()])
    return path


def test_equal_scores_verify_and_others_are_shown(
    calibrated: patchcore.PatchCore, photos: Path, tmp_path: Path
) -> None:
    paths = sorted(photos.rglob("???.png"))
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
    off = importers.verify(calibrated, scores, photos, tolerance=0.5)
    assert [photo.photo for photo in off.flips] == [last] and not off.ok and off.spearman < 0.9
    table = str(off)
    assert table.count("another verdict") == 1 and "other verdicts: 1 of 6" in table and last in table

    # Their threshold may be on another scale.
    tenth = {name: float(score) / 10 for name, score in zip(map(str, paths), calibrated.score(paths))}
    assert calibrated.threshold_ is not None
    scaled = importers.verify(calibrated, tenth, photos, reference_threshold=calibrated.threshold_ / 10)
    assert not scaled.flips and not scaled.ok and scaled.spearman == pytest.approx(1)


def test_a_score_at_the_threshold_is_said_to_be_there_and_is_no_other_verdict(known: patchcore.PatchCore, photos: Path) -> None:
    paths = sorted(photos.rglob("???.png"))
    scores = known.score(paths)
    bank, settings = known.model_.banks[0], known.settings()
    model = patchcore.Model.of_bank(bank, settings, image_threshold=float(scores[2]))
    assert model.threshold == scores[2]
    theirs = dict(zip(map(str, paths), scores.tolist()))
    # A little above where ours is not.
    theirs[str(paths[2])] *= 1.00001
    found = importers.verify(model, theirs, paths)
    assert found.ok and [photo.at_threshold for photo in found.photos].index(True) == 2 and "at the threshold" in str(found)
    strict = importers.verify(model, theirs, paths, tolerance=1e-6)
    assert [photo.photo for photo in strict.flips] == [str(paths[2])]


def test_normalised_scores_are_recognised(fitted: patchcore.PatchCore, photos: Path) -> None:
    paths = sorted(photos.rglob("???.png"))
    scores = fitted.score(paths)
    normalised = (scores - scores.min()) / (scores.max() - scores.min())
    text = str(importers.verify(fitted, dict(zip(map(str, paths), normalised.tolist())), photos))
    assert "normalised" in text and "the model has no threshold" in text


def test_scores_are_found_by_the_end_of_a_path(fitted: patchcore.PatchCore, photos: Path, tmp_path: Path) -> None:
    paths = sorted(photos.rglob("???.png"))
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


def test_a_checkpoint_is_a_reference_only_where_anomalib_is(ckpt: Any, known: patchcore.PatchCore, photos: Path) -> None:
    script = (
        "import sys; sys.modules['anomalib'] = None\n"
        "from patchcore import importers\n"
        f"importers.verify(importers.from_anomalib({str(ckpt())!r}), {str(ckpt())!r}, {str(photos)!r})"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True)
    assert done.returncode == 1 and "PatchCoreError: anomalib is not installed" in done.stderr, done.stderr


def test_the_module_imports_and_verifies(ckpt: Any, known: patchcore.PatchCore, photos: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "patchcore.importers", *map(str, arguments)], capture_output=True, text=True)

    made = run("anomalib", ckpt(), "-o", tmp_path / "part.patchcore")
    assert made.returncode == 0 and "warning: anomalib shows image scores normalised" in made.stderr, made.stderr
    paths = sorted(photos.rglob("???.png"))
    scores = dict(zip(map(str, paths), known.score(paths).tolist()))
    compared = run("verify", tmp_path / "part.patchcore", write_scores(tmp_path / "scores.csv", scores), photos)
    assert compared.returncode == 0 and "order (Spearman): 1.000000" in compared.stdout, compared.stderr
    scores[str(paths[0])] += 1
    compared = run("verify", tmp_path / "part.patchcore", write_scores(tmp_path / "scores.csv", scores), *paths)
    assert compared.returncode == 3 and "largest difference" in compared.stdout
    (tmp_path / "none.ckpt").write_bytes(b"")
    refused = run("anomalib", tmp_path / "none.ckpt", "-o", tmp_path / "none.patchcore")
    assert refused.returncode == 1 and refused.stderr.startswith("error: ") and not (tmp_path / "none.patchcore").exists()


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
    # Its threshold is the score of one of these photos, where rounding decides.
    decided = [photo for photo in found.photos if not photo.at_threshold]
    assert len(decided) == len(photos) - 1 and len(verdicts) == len(photos)
    assert all(bool(ours[Path(photo.photo).name]) == verdicts[Path(photo.photo).name] for photo in decided)

    exported = engine.export(model, ExportType.TORCH, export_root=tmp_path / "exported")
    assert np.array_equal(quietly(exported).score(photos), imported.score(photos))
