"""Metrics against their definitions on few values, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from patchcore import PatchCoreError, metrics

Scores = npt.NDArray[np.float32]
Labels = npt.NDArray[np.bool_]


def cases() -> list[tuple[Scores, Labels]]:
    """Scores with and without ties."""
    random = np.random.default_rng(5)
    made = []
    for count, steps in ((2, 10), (7, 3), (40, 5), (200, 1000)):
        labels = random.random(count) < 0.4
        labels[:2] = (True, False)
        made.append((random.integers(0, steps, count).astype(np.float32), labels))
    return made


@pytest.mark.parametrize(("scores", "labels"), cases())
def test_metrics_are_their_definitions(scores: Scores, labels: Labels) -> None:
    good, bad = scores[~labels].astype(float), scores[labels].astype(float)
    above = (bad[:, None] > good).sum() + 0.5 * (bad[:, None] == good).sum()
    assert metrics.auroc(scores, labels) == pytest.approx(above / (len(bad) * len(good)), abs=1e-12)
    f1, precision_sum, recall_before = 0.0, 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        called = scores >= threshold
        found = int((called & labels).sum())
        f1 = max(f1, 2 * found / (int(called.sum()) + int(labels.sum())))
        recall = found / int(labels.sum())
        precision_sum += (recall - recall_before) * found / int(called.sum())
        recall_before = recall
    assert metrics.f1_max(scores, labels) == pytest.approx(f1, abs=1e-12)
    assert metrics.average_precision(scores, labels) == pytest.approx(precision_sum, abs=1e-12)


@pytest.mark.parametrize(("scores", "labels"), cases())
def test_metrics_are_scikit_learns(scores: Scores, labels: Labels) -> None:
    learn = pytest.importorskip("sklearn.metrics")
    assert metrics.auroc(scores, labels) == pytest.approx(learn.roc_auc_score(labels, scores), abs=1e-12)
    assert metrics.average_precision(scores, labels) == pytest.approx(learn.average_precision_score(labels, scores), abs=1e-12)


def maps(seed: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Four maps of few distinct values, two regions in the first mask, one in the second, none in the others."""
    random = np.random.default_rng(seed)
    masks = np.zeros((4, 9, 11), dtype=bool)
    masks[0, 1:3, 1:4] = True
    # This touches the next one at a corner: they are one region.
    masks[0, 6, 6] = masks[0, 7, 7] = True
    masks[1, 4:8, 2:9] = True
    return (random.integers(0, 12, masks.shape) + 4 * masks).astype(np.float32), masks


def aupro_by_hand(scores: npt.NDArray[np.float32], masks: npt.NDArray[np.bool_], limit: float) -> float:
    """The mean overlap of the regions over the rate of false alarms, a straight line between two thresholds."""
    regions = []
    for at, rows, columns in ((0, [1, 1, 1, 2, 2, 2], [1, 2, 3, 1, 2, 3]), (0, [6, 7], [6, 7])):
        region = np.zeros_like(masks)
        region[at, rows, columns] = True
        regions.append(region)
    second = np.zeros_like(masks)
    second[1] = masks[1]
    regions.append(second)
    points = [(0.0, 0.0)]
    for threshold in sorted(set(scores.ravel().tolist()), reverse=True):
        called = scores >= threshold
        points.append(((called & ~masks).sum() / (~masks).sum(), float(np.mean([called[region].mean() for region in regions]))))
    area = 0.0
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        end = min(x1, limit)
        if end > x0:
            at_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0)
            area += (end - x0) * (y0 + at_end) / 2
    return area / limit


@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_aupro_is_its_definition(seed: int, limit: float) -> None:
    scores, masks = maps(seed)
    expected = aupro_by_hand(scores, masks, limit)
    assert metrics.aupro(scores, masks, limit) == pytest.approx(expected, abs=1e-9)
    # Maps one by one, in other types.
    assert metrics.aupro([one.astype(np.float64) for one in scores], [one.astype(np.uint8) * 255 for one in masks], limit=limit) == (
        metrics.aupro(scores, masks, limit)
    )


@pytest.mark.parametrize(("share", "expected"), [(1.0, 1.0), (0.5, 0.5), (0.0, 0.0)])
def test_aupimo_is_the_share_of_a_defect_above_all_good_pixels(share: float, expected: float) -> None:
    random = np.random.default_rng(7)
    scores = random.random((3, 400, 400), dtype=np.float32)
    masks = np.zeros(scores.shape, dtype=bool)
    masks[2, 100:110, 100:200] = True
    # What is not above all good pixels lies below them.
    scores[2, 100:110, 100:200] = -1
    scores[2, 100:110, 100 : 100 + int(100 * share)] = 2
    assert metrics.aupimo(scores, masks) == pytest.approx(expected, abs=1e-9)


def test_what_has_no_value_is_an_error() -> None:
    with pytest.raises(PatchCoreError):
        metrics.auroc([0.1, 0.2], [0, 0])
    with pytest.raises(PatchCoreError):
        metrics.auroc([0.1, 0.2], [0, 1, 1])
    with pytest.raises(PatchCoreError):
        metrics.auroc([0.1, float("nan")], [0, 1])
    scores, masks = maps(1)
    with pytest.raises(PatchCoreError):
        metrics.aupro(scores, np.zeros_like(masks))
    with pytest.raises(PatchCoreError):
        metrics.aupro(scores, masks[:, :5])
    with pytest.raises(PatchCoreError):
        metrics.aupro(scores, masks, limit=0.0)


def test_shapes_of_pixels_are_taken() -> None:
    scores, masks = maps(1)
    assert metrics.auroc(scores, masks) == metrics.auroc(scores.ravel(), masks.ravel())
