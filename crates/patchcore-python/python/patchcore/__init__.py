"""PatchCore: find what is not like the good photos.

A model is fitted on photos of good parts alone. It scores new photos, says where they differ, and compares each with the good patch that is
nearest to it. The engine is Rust; nothing is computed in Python, and numpy is the only package that is needed.

Examples
--------
>>> import patchcore
>>> model = patchcore.PatchCore(coreset_sampling_ratio=0.1).fit("good/")  # doctest: +SKIP
>>> model.predict("new.png").pred_score  # doctest: +SKIP

See Also
--------
patchcore.importers : Models of anomalib and of the authors' code.
patchcore.metrics : Exact metrics over numpy arrays.
patchcore.ray : Fit and score on a Ray cluster.
"""

from . import metrics
from ._patchcore import (
    Cancelled,
    ChangeReport,
    FitReport,
    Model,
    ModelFileError,
    Nearest,
    PatchCoreError,
    PatchCoreWarning,
    PhotoError,
    Score,
)
from ._patchcore import VERSION as __version__
from .estimator import NotFittedError, PatchCore, load
from .photo import Photo, Photos

__all__ = [
    "Cancelled",
    "ChangeReport",
    "FitReport",
    "Model",
    "ModelFileError",
    "Nearest",
    "NotFittedError",
    "PatchCore",
    "PatchCoreError",
    "PatchCoreWarning",
    "Photo",
    "PhotoError",
    "Photos",
    "Score",
    "__version__",
    "load",
    "metrics",
]
