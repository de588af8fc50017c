"""The estimator: fit, score, calibrate, save; what it says meanwhile; what it refuses."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import SETTINGS, SIDE, Pixels, grating, write_photos

import patchcore


def test_a_spot_is_found_where_it_is(fitted: patchcore.PatchCore) -> None:
    with_spot, without = fitted.predict([grating(70, spot=True), grating(71)])
    assert with_spot.pred_score > 1.2 * without.pred_score
    assert with_spot.anomaly_map.shape == (SIDE, SIDE) and with_spot.anomaly_map.dtype == np.float32
    row, column = np.unravel_index(with_spot.anomaly_map.argmax(), with_spot.anomaly_map.shape)
    x, y = with_spot.worst_at
    for down, right in ((int(row), int(column)), (y, x)):
        assert SIDE // 2 - 8 <= down <= SIDE // 2 + 22 and SIDE // 3 - 8 <= right <= SIDE // 3 + 22
    assert with_spot.input_map.shape == (SIDE, SIDE)


def test_without_a_threshold_there_is_no_verdict(fitted: patchcore.PatchCore) -> None:
    score = fitted.predict(grating(71))
    assert fitted.threshold_ is None
    assert score.pred_label is None and score.threshold is None and score.confidence is None
    with pytest.raises(patchcore.PatchCoreError, match="calibrate"):
        fitted.predict_labels([grating(71)])


def test_a_threshold_gives_verdicts(calibrated: patchcore.PatchCore) -> None:
    photos = [grating(72), grating(73, spot=True)]
    good, bad = calibrated.predict(photos)
    assert calibrated.threshold_ is not None
    assert (good.pred_label, bad.pred_label) == (False, True)
    assert good.confidence is not None and bad.confidence is not None
    assert 0 < good.confidence < 1 and 0 < bad.confidence < 1
    assert calibrated.predict_labels(photos).tolist() == [0, 1]
    assert bad.pred_mask.shape == (SIDE, SIDE) and bad.pred_mask.dtype == np.bool_
    assert bad.threshold == calibrated.threshold_


def test_regions_and_the_nearest_patch(fitted: patchcore.PatchCore) -> None:
    score = fitted.predict(grating(70, spot=True))
    assert score.nearest.distance > 0 and score.nearest.cell is not None
    peaks = [region["peak"] for region in score.regions]
    assert peaks == sorted(peaks, reverse=True)


def test_every_source_of_photos_makes_the_same_model(good: list[Pixels], data_set: Path) -> None:
    folder = data_set / "train" / "good"
    paths = sorted(folder.iterdir())
    banks = []
    for photos in (folder, str(folder), paths, iter(paths), (path.read_bytes() for path in paths), data_set):
        model = patchcore.PatchCore(**SETTINGS).fit(photos)
        banks.append((model.model_.bank_rows, model.score([grating(70, spot=True)])[0]))
    assert len(set(banks)) == 1
    assert patchcore.PatchCore(**SETTINGS).fit(good).score([grating(70, spot=True)])[0] == banks[0][1]


def test_scores_are_those_of_predict(fitted: patchcore.PatchCore) -> None:
    photos = [grating(seed, spot=seed % 2 == 0) for seed in range(80, 85)]
    scores = fitted.score(iter(photos))
    assert scores.dtype == np.float32 and scores.shape == (5,)
    assert scores.tolist() == [fitted.predict(photo).pred_score for photo in photos]
    assert np.array_equal(scores, fitted.decision_function(photos))
    assert fitted.score([]).shape == (0,)


def test_a_photo_that_cannot_be_read_has_an_error_and_the_others_scores(fitted: patchcore.PatchCore) -> None:
    photos: list[patchcore.Photo] = [grating(80), b"no picture", grating(81)]
    found = [score for _, score in fitted.scores(photos)]
    assert isinstance(found[0], patchcore.Score) and isinstance(found[2], patchcore.Score)
    assert isinstance(found[1], patchcore.PatchCoreError)
    with pytest.raises(patchcore.PatchCoreError):
        fitted.score(photos)
    with pytest.raises(patchcore.PatchCoreError):
        fitted.predict(photos)


def test_labels_leave_defective_photos_out(good: list[Pixels]) -> None:
    labelled = [*good, grating(90, spot=True)]
    with_labels = patchcore.PatchCore(**SETTINGS).fit(labelled, [0] * len(good) + [1])
    assert with_labels.model_ == patchcore.PatchCore(**SETTINGS).fit(good).model_
    with pytest.raises(patchcore.PatchCoreError, match="8 photos and 1 labels"):
        patchcore.PatchCore().fit(good, [0])


def test_files_bytes_and_copies_are_the_model(calibrated: patchcore.PatchCore, tmp_path: Path) -> None:
    photo = grating(91, spot=True)
    expected = calibrated.predict(photo)
    path = tmp_path / "part.patchcore"
    calibrated.save(path)
    copies = [
        patchcore.load(path),
        pickle.loads(pickle.dumps(calibrated)),
        copy.copy(calibrated),
        copy.deepcopy(calibrated),
        patchcore.PatchCore.of_model(patchcore.Model.from_bytes(calibrated.to_bytes())),
        patchcore.PatchCore.of_model(pickle.loads(pickle.dumps(calibrated.model_))),
        patchcore.PatchCore.of_model(copy.deepcopy(calibrated.model_)),
    ]
    for one in copies:
        score = one.predict(photo)
        assert score.pred_score == expected.pred_score and score.pred_label == expected.pred_label
        assert np.array_equal(score.anomaly_map, expected.anomaly_map)
        assert one.threshold_ == calibrated.threshold_
        assert one.model_ == calibrated.model_
    assert dict(copies[0].model_.config_rows)["backbone"].startswith("efficientnet_lite0")


def test_what_comes_from_a_file_is_not_fitted_again(fitted: patchcore.PatchCore, good: list[Pixels], tmp_path: Path) -> None:
    fitted.save(tmp_path / "part.patchcore")
    with pytest.raises(patchcore.PatchCoreError, match="config_rows"):
        patchcore.load(tmp_path / "part.patchcore").fit(good)


def test_what_is_not_fitted_does_not_score() -> None:
    with pytest.raises(patchcore.NotFittedError, match="fit"):
        patchcore.PatchCore().score([grating(0)])
    assert not hasattr(patchcore.PatchCore(), "threshold_")


def test_errors_are_typed_and_say_what_to_do(fitted: patchcore.PatchCore, good: list[Pixels], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.patchcore"
    damaged.write_bytes(fitted.to_bytes()[:-1])
    with pytest.raises(patchcore.ModelFileError):
        patchcore.load(damaged)
    with pytest.raises(patchcore.ModelFileError):
        patchcore.Model.from_bytes(b"no model")
    with pytest.raises(patchcore.PhotoError):
        fitted.predict(b"no picture")
    with pytest.raises(ValueError, match="coreset_sampling_ratio|ratio"):
        patchcore.PatchCore(coreset_sampling_ratio=2.0).fit(good)
    with pytest.raises(patchcore.PatchCoreError, match="seed"):
        patchcore.Model.fit(good, {"sed": 1})
    with pytest.raises(patchcore.PatchCoreError, match="seed"):
        patchcore.PatchCore().set_params(sed=1)
    with pytest.raises(patchcore.PatchCoreError):
        patchcore.PatchCore().fit([])


def test_calibration_refuses_what_the_photos_do_not_support(fitted: patchcore.PatchCore, good: list[Pixels]) -> None:
    model = copy.copy(fitted)
    with pytest.raises(patchcore.PatchCoreError, match="10 photos|more photos"):
        model.calibrate([grating(seed) for seed in range(100, 110)], fpr=0.01)
    with pytest.raises(patchcore.PatchCoreError, match="training photo"):
        model.calibrate(good, fpr=0.5)
    assert model.threshold_ is None


def test_an_evaluation_has_the_keys_of_metrics_json(fitted: patchcore.PatchCore, data_set: Path) -> None:
    metrics = fitted.evaluate(data_set)
    assert metrics["images"] == 12
    assert metrics["image_auroc"] == 1.0
    assert {"aupro_0.05", "aupro_0.3", "pixel_auroc", "image_ap", "image_f1_max"} <= metrics.keys()
    assert 0.5 < metrics["aupro_0.3"] <= 1 and all(isinstance(value, (int, float)) for value in metrics.values())


def test_odd_photos_are_warned_of(good: list[Pixels]) -> None:
    with pytest.warns(patchcore.PatchCoreWarning):
        patchcore.PatchCore(**SETTINGS).fit([*good, good[0]])


def test_stages_are_logged(good: list[Pixels], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="patchcore"):
        patchcore.PatchCore(**SETTINGS).fit(good).score(good[:2])
    said = [record.getMessage() for record in caplog.records if record.name == "patchcore"]
    assert [line.split(":")[0] for line in said] == ["features", "coreset", "scoring"]
    assert said[0].startswith("features: 8 of 8")


def test_progress_is_told_on_the_calling_thread(good: list[Pixels]) -> None:
    told: list[tuple[str, int, int]] = []
    threads = set()

    def progress(stage: str, done: int, total: int) -> None:
        told.append((stage, done, total))
        threads.add(threading.get_ident())

    patchcore.PatchCore(**SETTINGS).fit(good, progress=progress)
    assert threads == {threading.get_ident()}
    features = [done for stage, done, _ in told if stage == "features"]
    assert features == sorted(features) and features[-1] == len(good)
    assert {total for stage, _, total in told if stage == "features"} == {len(good)}


def test_progress_may_cancel_or_raise(good: list[Pixels]) -> None:
    with pytest.raises(patchcore.Cancelled):
        patchcore.PatchCore(**SETTINGS).fit(good, progress=lambda stage, done, total: False)

    def fails(stage: str, done: int, total: int) -> None:
        raise RuntimeError("the bar is broken")

    with pytest.raises(RuntimeError, match="the bar is broken"):
        patchcore.PatchCore(**SETTINGS).fit(good, progress=fails)


def test_an_iterator_that_raises_ends_the_fit_with_its_error(good: list[Pixels]) -> None:
    def camera() -> Iterator[Pixels]:
        yield good[0]
        raise ConnectionError("the camera is gone")

    with pytest.raises(ConnectionError, match="the camera is gone"):
        patchcore.PatchCore(**SETTINGS).fit(camera())


def test_another_thread_counts_on_during_a_fit(good: list[Pixels]) -> None:
    stop = threading.Event()
    gaps: list[float] = []

    def count() -> None:
        last = time.perf_counter()
        while not stop.is_set():
            now = time.perf_counter()
            gaps.append(now - last)
            last = now
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    started = time.perf_counter()
    patchcore.PatchCore(resize=256, coreset_sampling_ratio=0.1).fit(good * 4)
    took = time.perf_counter() - started
    stop.set()
    thread.join()
    assert took > 0.2, "too short to tell"
    assert max(gaps) < took / 4


def test_threads_share_a_model(fitted: patchcore.PatchCore) -> None:
    photos = [grating(seed) for seed in range(100, 108)]
    expected = fitted.score(photos).tolist()
    found: dict[int, float] = {}

    def score(at: int) -> None:
        found[at] = fitted.predict(photos[at]).pred_score

    threads = [threading.Thread(target=score, args=(at,)) for at in range(len(photos))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[at] for at in range(len(photos))] == expected


def test_threads_change_no_bit(good: list[Pixels]) -> None:
    models = [patchcore.PatchCore(**SETTINGS, threads=threads).fit(good).model_ for threads in (1, 2, 3)]
    assert models[0] == models[1] == models[2]


def test_a_folder_is_scored(fitted: patchcore.PatchCore, tmp_path: Path) -> None:
    paths = write_photos(tmp_path / "new", range(3))
    assert np.array_equal(fitted.score(tmp_path / "new"), fitted.score(paths))


def test_every_setting_of_the_engine_is_a_parameter() -> None:
    from patchcore._patchcore import setting_names

    # `tile` and `overlap` say what `tiling` says.
    assert set(patchcore.PatchCore().get_params()) - {"threads"} == set(setting_names()) - {"tiling"}


def test_a_model_grows_and_shrinks(fitted: patchcore.PatchCore, good: list[Pixels]) -> None:
    photo = grating(500)
    model = copy.copy(fitted)
    before = model.score([photo])[0]
    extended = model.extend([*good[:2], *(grating(seed) for seed in range(400, 404))])
    assert extended is model and model.change_.added == 4 and len(model.change_.already) == 2
    assert all(rows > 0 for rows in model.change_.rows_added)
    assert model.score([photo])[0] <= before
    assert model.model_.bank_rows > fitted.model_.bank_rows
    name = model.model_.photos[0]
    model.forget(name)
    assert model.change_.forgotten == [name] and name not in model.model_.photos
    with pytest.raises(patchcore.PatchCoreError, match="no such photo"):
        model.forget("no such photo")


def test_models_are_merged(fitted: patchcore.PatchCore, good: list[Pixels]) -> None:
    halves = [patchcore.PatchCore(**SETTINGS).fit(half) for half in (good[:4], good[4:])]
    rows = [half.model_.bank_rows for half in halves]
    merged = halves[0].merge(halves[1])
    assert merged is halves[0] and merged.model_.bank_rows <= sum(rows)
    assert len(merged.model_.photos) == len(good)
    assert merged.predict(grating(70, spot=True)).pred_score > merged.predict(grating(71)).pred_score
    with pytest.raises(patchcore.PatchCoreError):
        merged.merge(patchcore.PatchCore(resize=64).fit(good))


def test_a_threshold_is_stale_after_a_merge(calibrated: patchcore.PatchCore) -> None:
    other = patchcore.PatchCore(**SETTINGS).fit([grating(seed) for seed in range(600, 604)])
    model = copy.copy(calibrated)
    with pytest.warns(patchcore.PatchCoreWarning, match="stale"):
        model.merge(other.model_)
    assert model.threshold_ is None and model.model_.stale_threshold == calibrated.threshold_
    assert model.predict(grating(71)).pred_label is None


def test_a_model_states_what_it_covers(fitted: patchcore.PatchCore, good: list[Pixels]) -> None:
    coverage = fitted.model_.coverage
    assert len(coverage) == 2 and all(bank["is_exact"] and bank["radius"] > 0 for bank in coverage)
    within = patchcore.PatchCore(resize=96, coverage=coverage[0]["radius"] / 2).fit(good)
    assert within.model_.coverage[0]["radius"] <= coverage[0]["radius"] / 2
    assert within.model_.bank_rows > fitted.model_.bank_rows
