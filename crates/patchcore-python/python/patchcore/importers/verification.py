"""The same photos in two programs: what each makes of them, side by side."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from .._patchcore import Model, PatchCoreError, is_photo_name
from ..estimator import PatchCore, load

__all__ = ["Compared", "Verification", "verify"]

#: Scores by name, or the file of them, or anomalib's checkpoint.
Reference: TypeAlias = Union[Mapping[str, float], str, "os.PathLike[str]"]


@dataclasses.dataclass(frozen=True)
class Compared:
    """One photo.

    Attributes
    ----------
    photo : str
        Its path.
    reference : float
        The other program's score.
    score : float
        Ours.
    flips : bool or None
        Whether one is above its threshold and the other not, and it is not `at_threshold`; None without a threshold.
    at_threshold : bool
        Whether both scores are within the tolerance of their threshold: rounding decides there. anomalib's threshold is the score of one of the
        photos that it was found on.
    """

    photo: str
    reference: float
    score: float
    flips: bool | None
    at_threshold: bool = False

    @property
    def difference(self) -> float:
        """Ours less the other."""
        return self.score - self.reference

    @property
    def relative(self) -> float:
        """The size of the difference as a share of the larger score."""
        return _apart(self.reference, self.score)


@dataclasses.dataclass(frozen=True)
class Verification:
    """What :func:`verify` found; its text is a table.

    Attributes
    ----------
    photos : list of Compared
        In the order of the photos.
    tolerance : float
        Largest share by which two scores may differ.
    """

    photos: list[Compared]
    tolerance: float

    @property
    def largest(self) -> Compared:
        """The photo whose scores differ by the largest share."""
        return max(self.photos, key=lambda photo: photo.relative)

    @property
    def flips(self) -> list[Compared]:
        """Photos with another verdict."""
        return [photo for photo in self.photos if photo.flips]

    @property
    def spearman(self) -> float:
        """How alike both order the photos: 1 is the same order, ties have their mean rank. Not a number where all scores of one are equal."""
        ours = _ranks([photo.score for photo in self.photos])
        theirs = _ranks([photo.reference for photo in self.photos])
        ours, theirs = ours - ours.mean(), theirs - theirs.mean()
        size = float(np.sqrt((ours @ ours) * (theirs @ theirs)))
        return float(ours @ theirs) / size if size else float("nan")

    @property
    def ok(self) -> bool:
        """Whether every score is within the tolerance and no verdict is another."""
        return self.largest.relative <= self.tolerance and not self.flips

    def __str__(self) -> str:
        width = max(len("photo"), *(len(photo.photo) for photo in self.photos))
        rows = [f"{'photo':<{width}}  {'reference':>12}  {'ours':>12}  {'difference':>12}"]
        for photo in self.photos:
            mark = "  another verdict" if photo.flips else "  at the threshold" if photo.at_threshold else ""
            rows.append(f"{photo.photo:<{width}}  {photo.reference:12.6g}  {photo.score:12.6g}  {photo.difference:12.3g}{mark}")
        largest = self.largest
        rows.append(f"largest difference: {largest.relative:.3g} of the score ({largest.photo}), tolerance {self.tolerance:g}")
        rows.append(f"order (Spearman): {self.spearman:.6f}")
        if all(photo.flips is None for photo in self.photos):
            rows.append("other verdicts: not known, the model has no threshold")
        else:
            rows.append(f"other verdicts: {len(self.flips)} of {len(self.photos)}")
        rows.extend(self._hint())
        return "\n".join(rows)

    def _hint(self) -> list[str]:
        """What scores on another scale may be."""
        theirs = [photo.reference for photo in self.photos]
        if self.ok or not self.spearman > 0.99 or not all(0 <= score <= 1 for score in theirs):
            return []
        return ["the order is the same and the scale is not: are these anomalib's normalised scores? Compare with raw ones"]


def _apart(one: float, other: float) -> float:
    """By which share of the larger one two numbers differ."""
    larger = max(abs(one), abs(other))
    return abs(one - other) / larger if larger else 0.0


def _ranks(values: list[float]) -> npt.NDArray[np.float64]:
    _, inverse, counts = np.unique(np.asarray(values, np.float64), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: npt.NDArray[np.float64] = (ends - (counts - 1) / 2)[inverse]
    return means


def verify(
    model: PatchCore | Model | str | os.PathLike[str],
    reference: Reference,
    photos: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    tolerance: float = 1e-3,
    reference_threshold: float | None = None,
) -> Verification:
    """Score the same photos here and there.

    Parameters
    ----------
    model : PatchCore, Model or path
        Ours.
    reference : mapping, or path
        Scores by the photos' names; a CSV file with the columns ``image_path`` and ``score``; or an anomalib checkpoint (``.ckpt``), which is then
        loaded and run in this process by anomalib itself, if it is installed. Give it none from people whom you do not trust.
    photos : path, or iterable of paths
        A folder (all its photos, subfolders too) or files.
    tolerance : float
        Largest share by which two scores of a photo may differ. Default 0.001.
    reference_threshold : float, optional
        From which score the other program calls a photo anomalous. Default: the model's own threshold.

    Returns
    -------
    Verification
        ``str()`` of it is the table; ``ok`` says whether all is within the tolerance.

    Raises
    ------
    PatchCoreError
        A photo without a reference, or no photo.
    """
    if not tolerance >= 0:
        raise PatchCoreError(f"tolerance is {tolerance}, expected 0 or more: the largest share by which two scores may differ")
    if isinstance(model, (str, os.PathLike)):
        model = load(model)
    fitted = model.model_ if isinstance(model, PatchCore) else model
    paths = _paths(photos)
    if isinstance(reference, Mapping):
        theirs = _look_up(reference, paths, "the reference")
    elif str(os.fspath(reference)).endswith(".ckpt"):
        theirs = _scores_of_anomalib(os.fspath(reference), paths)
    else:
        theirs = _look_up(_read_scores(reference), paths, os.fspath(reference))
    ours = fitted.score_array([str(path) for path in paths])
    threshold = fitted.threshold
    other = threshold if reference_threshold is None else reference_threshold
    compared = []
    for path, score, their in zip(paths, map(float, ours), theirs):
        flips, near = None, False
        if threshold is not None and other is not None:
            near = _apart(score, threshold) <= tolerance and _apart(their, other) <= tolerance
            flips = not near and (score > threshold) != (their > other)
        compared.append(Compared(str(path), their, score, flips, near))
    return Verification(compared, tolerance)


def _paths(photos: Any) -> list[Path]:
    if isinstance(photos, (str, os.PathLike)):
        folder = Path(photos)
        found = sorted(path for path in folder.rglob("*") if _is_photo(path, folder)) if folder.is_dir() else [folder]
    else:
        found = [Path(path) for path in photos]
    if not found:
        raise PatchCoreError(f"there is no photo in {photos}, expected files such as 000.png, here or in folders below")
    return found


def _is_photo(path: Path, folder: Path) -> bool:
    """As in a folder that a model is fitted on: what is hidden, or was made of photos, is none."""
    return is_photo_name(path) and not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _look_up(scores: Mapping[str, float], paths: list[Path], where: str) -> list[float]:
    """The score of each photo: by its path as given, by the whole path, or by as much of its end as one name alone has."""
    by_parts = [(Path(name).parts, float(score)) for name, score in scores.items()]
    found = []
    for path in paths:
        whole = scores.get(str(path), scores.get(str(path.resolve())))
        if whole is None:
            parts = path.resolve().parts
            ending = [score for name, score in by_parts if _is_end(name, parts)]
            if len(ending) != 1:
                problem = "has no score" if not ending else f"may be any of {len(ending)} names"
                raise PatchCoreError(f"the photo {path} {problem} in {where}: name photos by paths, as they are given")
            whole = ending[0]
        found.append(float(whole))
    if not all(np.isfinite(found)):
        raise PatchCoreError(f"{where} has scores that are no finite numbers")
    return found


def _is_end(name: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether one of the two ends as the other does."""
    length = min(len(name), len(path))
    return length > 0 and name[-length:] == path[-length:]


def _read_scores(path: str | os.PathLike[str]) -> dict[str, float]:
    name = os.fspath(path)
    scores: dict[str, float] = {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"image_path", "score"} <= set(rows.fieldnames or ()):
                found = ", ".join(rows.fieldnames or ()) or "none"
                raise PatchCoreError(f"{name} has the columns {found}, expected image_path and score")
            for row in rows:
                try:
                    scores[row["image_path"]] = float(row["score"])
                except (TypeError, ValueError):
                    raise PatchCoreError(f"{name}, line {rows.line_num}: the score is {row['score']!r}, expected a number") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PatchCoreError(f"{name} cannot be read ({error}): expected CSV with the columns image_path and score") from error
    return scores


def _scores_of_anomalib(checkpoint: str, paths: list[Path]) -> list[float]:
    """Raw image scores by anomalib itself."""
    try:
        import torch
        from anomalib.data.utils import read_image
        from anomalib.models import Patchcore
    except ImportError as error:
        raise PatchCoreError(
            f"anomalib is not installed ({error}), and only it can run {checkpoint}: install it, or give its scores as CSV (image_path,score)"
        ) from error
    # The weights come from the checkpoint: none are downloaded.
    model = Patchcore.load_from_checkpoint(checkpoint, map_location="cpu", pre_trained=False)
    model.eval()
    scores = []
    with torch.no_grad():
        for path in paths:
            photo = read_image(path, as_tensor=True)[None]
            view = model.pre_processor.transform
            scores.append(float(model.model(view(photo) if view else photo).pred_score))
    return scores
