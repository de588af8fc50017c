"""Exact metrics, alone: numpy arrays in, floats out.

Nothing is binned or sampled, and equal scores are one step: the order of ties never changes a number. Scores are taken as float32; what is float64
is rounded first, so that scores that differ by less become equal. A metric that has no value (one class only) is an error, never NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, Union

import numpy.typing as npt

from . import _patchcore

__all__ = ["aupimo", "aupro", "auroc", "average_precision", "f1_max"]

#: Maps of equal size as one array ``[n, height, width]``, or maps of any sizes one by one.
Maps: TypeAlias = Union[npt.NDArray[Any], Sequence[npt.ArrayLike]]
#: The same of masks; None is the mask of a good photo.
Masks: TypeAlias = Union[npt.NDArray[Any], Sequence[Union[npt.ArrayLike, None]]]


def auroc(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Area under the ROC curve: how often a defective one scores above a good one, ties counted as half.

    Parameters
    ----------
    scores : array_like
        Of images or of pixels, in any shape; higher is worse.
    labels : array_like
        As many; bool, or 0 (good) and 1 (defective).

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    PatchCoreError
        Only one class, a score that is not finite, or shapes that differ.

    Examples
    --------
    >>> auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    return _patchcore.auroc(scores, labels)


def average_precision(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Area under the precision-recall curve as a sum of steps, as scikit-learn's ``average_precision_score``.

    Parameters
    ----------
    scores, labels : array_like
        As for :func:`auroc`.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    PatchCoreError
        As :func:`auroc`.
    """
    return _patchcore.average_precision(scores, labels)


def f1_max(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """The best F1 that a single threshold gives; what is at least the threshold is called defective.

    Parameters
    ----------
    scores, labels : array_like
        As for :func:`auroc`.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    PatchCoreError
        As :func:`auroc`.
    """
    return _patchcore.f1_max(scores, labels)


def aupro(maps: Maps, masks: Masks, limit: float = 0.3) -> float:
    """Area under the per-region-overlap curve up to a false-positive rate, divided by that rate.

    Every defect counts alike, large or small: a region is what touches, corners included, in one mask.

    Parameters
    ----------
    maps : array ``[n, height, width]`` or sequence of arrays ``[height, width]``
        Anomaly maps.
    masks : the same
        What is not zero is defective. The mask of a good photo is all zero, or None.
    limit : float, default 0.3
        The largest false-positive rate, in (0, 1].

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    PatchCoreError
        No region, no good pixel, shapes that differ, or a limit out of range.
    """
    return _patchcore.aupro(maps, masks, limit)


def aupimo(maps: Maps, masks: Masks) -> float:
    """Mean over the defective images of the area under their per-image overlap, at rates of false alarms on good images from 1e-5 to 1e-4.

    Parameters
    ----------
    maps, masks
        As for :func:`aupro`. Images with an empty mask are the good ones.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    PatchCoreError
        No good or no defective image, too few good pixels for the rates, or shapes that differ.
    """
    return _patchcore.aupimo(maps, masks)
