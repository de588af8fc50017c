"""The extension module, in Rust. Use it through the package."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict, final

import numpy as np
import numpy.typing as npt

from .estimator import Weights
from .metrics import Maps, Masks
from .photo import Photo, Photos
from .progress import ProgressFunction

VERSION: str

class PatchCoreError(ValueError):
    """What the library refuses, with its text."""

class PhotoError(PatchCoreError):
    """A photo that cannot be read."""

class ModelFileError(PatchCoreError):
    """A file that is no model, or a damaged one."""

class Cancelled(PatchCoreError):
    """The progress function said False."""

class PatchCoreWarning(UserWarning):
    """What is odd about photos that were taken all the same."""

@final
class Nearest:
    """The good patch that is nearest to a photo's worst patch."""

    @property
    def name(self) -> str | None:
        """The training photo; None where the fit was not told its name."""
    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """Left, top, width and height of the patch in that photo; None where photos of several sizes were fitted."""
    @property
    def distance(self) -> float:
        """Of the two patches, in the unit of the scores."""
    @property
    def bank(self) -> int:
        """The bank that has the patch, from 0."""
    @property
    def cell(self) -> tuple[int, int] | None:
        """Row and column of the patch in the grid of that photo, from 0."""

class Region(TypedDict):
    """A connected area of a map above the pixel threshold, in pixels of the photo."""

    left: int
    top: int
    width: int
    height: int
    area: float
    centroid: tuple[float, float]
    peak: float
    peak_at: tuple[float, float]
    nearest: Nearest

@final
class Score:
    """How anomalous a photo is, where, and compared with what. Maps and regions are made when they are first asked for."""

    @property
    def name(self) -> str:
        """What the photo is called; of a file its path."""
    @property
    def pred_score(self) -> float:
        """The image score, in the unit of the model's distance; higher is worse."""
    @property
    def pred_label(self) -> bool | None:
        """Whether the score is above the threshold; None without one."""
    @property
    def verdict(self) -> str | None:
        """``good``, ``look_again`` or ``anomalous``; None without a threshold."""
    @property
    def confidence(self) -> float | None:
        """How far on its side of the threshold the score lies, in (0, 1), 0.5 at the threshold; it is no probability."""
    @property
    def threshold(self) -> float | None:
        """The model's threshold for image scores."""
    @property
    def pixel_threshold(self) -> float:
        """From which value a pixel of the map belongs to a defect."""
    @property
    def anomaly_map(self) -> npt.NDArray[np.float32]:
        """A score for each pixel of the photo, ``[height, width]``; 0 where nothing was looked at."""
    @property
    def pred_mask(self) -> npt.NDArray[np.bool_]:
        """Pixels of the photo above ``pixel_threshold``, ``[height, width]``."""
    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """Pixels of the photo that were looked at, ``[height, width]``."""
    @property
    def input_map(self) -> npt.NDArray[np.float32]:
        """A score for each pixel of the network's input, ``[height, width]``."""
    @property
    def patch_scores(self) -> npt.NDArray[np.float32]:
        """The scores of the patches, ``[rows, columns]``, before they are grown to a map."""
    @property
    def worst_at(self) -> tuple[float, float]:
        """Centre of the worst patch in the photo: column, row."""
    @property
    def nearest(self) -> Nearest:
        """The good patch that is nearest to the worst one."""
    @property
    def regions(self) -> list[Region]:
        """Connected areas above ``pixel_threshold``, the highest peak first."""
    @property
    def remarks(self) -> list[str]:
        """What is odd about the photo; as a rule nothing."""

@final
class FitReport:
    """What a fit did beside making a model."""

    @property
    def photos(self) -> int:
        """How many photos the model was fitted on."""
    @property
    def rejected(self) -> list[tuple[str, PatchCoreError]]:
        """Photos that could not be used, and why."""
    @property
    def remarks(self) -> list[str]:
        """What is odd about photos that are in the fit, a line for each kind."""
    @property
    def suggestions(self) -> list[str]:
        """Settings that the photos speak for."""

@final
class ChangeReport:
    """What a change of a model did."""

    @property
    def added(self) -> int:
        """Photos that were added."""
    @property
    def already(self) -> list[str]:
        """Names of photos that the model had already."""
    @property
    def forgotten(self) -> list[str]:
        """Names of the photos that it has forgotten, copies among them."""
    @property
    def rejected(self) -> list[tuple[str, PatchCoreError]]:
        """Photos that could not be used, and why."""
    @property
    def rows_added(self) -> list[int]:
        """Rows that each bank has gained."""
    @property
    def rows_removed(self) -> list[int]:
        """Rows that each bank has lost."""
    @property
    def thresholds(self) -> str:
        """``none``, ``kept`` or ``stale``: what became of the thresholds. No score is judged by stale ones."""

class Coverage(TypedDict):
    """How far the patches of the fit lie from a bank, as L2 distances."""

    radius: float
    is_exact: bool
    quantiles: list[float]
    patches: int

@final
class Model:
    """A fitted model; it never changes, and threads may share it."""

    @staticmethod
    def fit(
        photos: Photos,
        settings: dict[str, Any],
        *,
        progress: ProgressFunction | None = None,
        threads: int | None = None,
        total: int | None = None,
    ) -> tuple[Model, FitReport]: ...
    @staticmethod
    def of_bank(
        rows: npt.ArrayLike,
        settings: dict[str, Any],
        *,
        weights: bytes | None = None,
        image_threshold: float | None = None,
        pixel_threshold: float | None = None,
        threads: int | None = None,
    ) -> Model:
        """A model of a bank ``[rows, values]`` that another program has made. It knows no photo, no coverage and no scores of good photos."""
    @staticmethod
    def load(
        path: str | os.PathLike[str],
        *,
        device: str = "cpu",
        threads: int | None = None,
        weights: Weights | None = None,
    ) -> Model: ...
    @staticmethod
    def from_bytes(
        data: bytes,
        *,
        device: str = "cpu",
        threads: int | None = None,
        weights: Weights | None = None,
    ) -> Model: ...
    def to_bytes(self, *, with_weights: bool = True) -> bytes: ...
    def save(self, path: str | os.PathLike[str], *, with_weights: bool = False) -> None: ...
    def predict(self, photo: Photo | tuple[str, Photo], *, name: str | None = None) -> Score: ...
    def scores(self, photos: Photos) -> Scores: ...
    def score_array(
        self, photos: Photos, *, progress: ProgressFunction | None = None
    ) -> npt.NDArray[np.float32]: ...
    def calibrate(
        self,
        photos: Photos,
        *,
        fpr: float,
        confidence: float = 0.95,
        progress: ProgressFunction | None = None,
    ) -> Model: ...
    def evaluate(
        self, data: str | os.PathLike[str], *, progress: ProgressFunction | None = None
    ) -> dict[str, float]: ...
    def extend(
        self,
        photos: Photos,
        *,
        ratio: float | None = None,
        bank_rows: int | None = None,
        coverage: float | None = None,
        date: str | None = None,
        progress: ProgressFunction | None = None,
    ) -> tuple[Model, ChangeReport]: ...
    def forget(
        self,
        photos: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        *,
        cover_with: Photos | None = None,
        date: str | None = None,
        progress: ProgressFunction | None = None,
    ) -> tuple[Model, ChangeReport]: ...
    @staticmethod
    def merge(
        models: Sequence[Model],
        *,
        bank_rows: int | None = None,
        ratio: float | None = None,
        date: str | None = None,
        progress: ProgressFunction | None = None,
    ) -> Model: ...
    def measure_coverage(self, photos: Photos, *, progress: ProgressFunction | None = None) -> Model: ...
    @property
    def coverage(self) -> list[Coverage]: ...
    @property
    def stale_threshold(self) -> float | None: ...
    @property
    def config_rows(self) -> list[tuple[str, str]]: ...
    @property
    def threshold(self) -> float | None: ...
    @property
    def bank_rows(self) -> int: ...
    @property
    def banks(self) -> list[npt.NDArray[np.float32]]:
        """The rows of each memory bank, ``[rows, values of an embedding]``, copied."""
    @property
    def photos(self) -> list[str]: ...
    @property
    def weights_sha256(self) -> str: ...
    @property
    def computed_sha256(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def version(self) -> str: ...

@final
class Scores:
    """The scores of photos, in their order, with the exception of a photo that failed in its place."""

    def __iter__(self) -> Scores: ...
    def __next__(self) -> tuple[str, Score | PatchCoreError]: ...

def is_photo_name(path: str | os.PathLike[str]) -> bool: ...
def setting_names() -> list[str]: ...

def auroc(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float: ...
def average_precision(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float: ...
def f1_max(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float: ...
def f1_max_threshold(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float: ...
def aupro(maps: Maps, masks: Masks, limit: float = 0.3) -> float: ...
def aupimo(maps: Maps, masks: Masks, bounds: tuple[float, float] | None = None) -> float: ...
