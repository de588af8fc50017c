"""The extension module, in Rust. Use it through the package."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt

from .photo import Photo, Photos

__version__: str

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
class Score:
    """How anomalous a photo is, where, and compared with what. What costs time is computed when it is asked for."""

    @property
    def pred_score(self) -> float:
        """The image score, in the unit of the model's distance; higher is worse."""
    @property
    def pred_label(self) -> bool | None:
        """Whether the photo is called defective; None without a threshold."""
    @property
    def threshold(self) -> float | None:
        """The model's image threshold."""
    @property
    def confidence(self) -> float | None:
        """How far on its side of the threshold the score lies, in (0, 1), 0.5 at the threshold."""
    @property
    def anomaly_map(self) -> npt.NDArray[np.float32]:
        """One score per pixel of the photo, ``[height, width]``."""
    @property
    def input_map(self) -> npt.NDArray[np.float32]:
        """One score per pixel of the network's input, ``[height, width]``."""
    @property
    def pred_mask(self) -> npt.NDArray[np.bool_]:
        """Pixels of the photo above the pixel threshold, ``[height, width]``."""
    @property
    def regions(self) -> list[dict[str, Any]]:
        """Connected areas above the pixel threshold, the highest peak first."""
    @property
    def nearest(self) -> dict[str, Any]:
        """The good patch that is nearest to the worst one: the photo's name, its place, the distance."""
    @property
    def worst_at(self) -> tuple[float, float]:
        """Centre of the worst patch in the photo: column, row."""

@final
class FitReport:
    """What a fit came to."""

@final
class Model:
    """A fitted model; it never changes, and threads may share it."""

    @staticmethod
    def fit(
        photos: Photos,
        settings: dict[str, Any],
        *,
        progress: Callable[[str, int, int], bool | None] | None = None,
        threads: int | None = None,
        total: int | None = None,
    ) -> tuple[Model, FitReport]: ...
    @staticmethod
    def load(
        path: str | os.PathLike[str],
        *,
        device: str = "cpu",
        threads: int | None = None,
        weights: str | os.PathLike[str] | None = None,
    ) -> Model: ...
    @staticmethod
    def from_bytes(
        data: bytes,
        *,
        device: str = "cpu",
        threads: int | None = None,
        weights: str | os.PathLike[str] | None = None,
    ) -> Model: ...
    def to_bytes(self, *, with_weights: bool = True) -> bytes: ...
    def save(self, path: str | os.PathLike[str], *, with_weights: bool = False) -> None: ...
    def predict(self, photo: Photo, *, name: str | None = None) -> Score: ...
    def scores(self, photos: Photos) -> Iterator[tuple[str, Score | PatchCoreError]]: ...
    def score_array(
        self, photos: Photos, *, progress: Callable[[str, int, int], bool | None] | None = None
    ) -> npt.NDArray[np.float32]: ...
    def calibrate(
        self,
        photos: Photos,
        *,
        fpr: float,
        confidence: float = 0.95,
        progress: Callable[[str, int, int], bool | None] | None = None,
    ) -> Model: ...
    def evaluate(
        self, data: str | os.PathLike[str], *, progress: Callable[[str, int, int], bool | None] | None = None
    ) -> dict[str, float]: ...
    @staticmethod
    def merge(
        models: Sequence[Model],
        *,
        bank_rows: int | None = None,
        ratio: float | None = None,
        progress: Callable[[str, int, int], bool | None] | None = None,
    ) -> Model: ...
    @property
    def config_rows(self) -> list[tuple[str, str]]: ...
    @property
    def threshold(self) -> float | None: ...
    @property
    def bank_rows(self) -> int: ...
    @property
    def photos(self) -> list[str]: ...
    @property
    def weights_sha256(self) -> str: ...
    @property
    def version(self) -> str: ...

def auroc(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_]) -> float: ...
def average_precision(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_]) -> float: ...
def f1_max(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_]) -> float: ...
def aupro(
    maps: Sequence[npt.NDArray[np.float32]], masks: Sequence[npt.NDArray[np.bool_]], limit: float
) -> float: ...
def aupimo(maps: Sequence[npt.NDArray[np.float32]], masks: Sequence[npt.NDArray[np.bool_]]) -> float: ...
