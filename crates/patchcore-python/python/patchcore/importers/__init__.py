"""Models that other programs have fitted, and whether they score the same here.

Checkpoints are read without the program that wrote them, and nothing in them is run.

Examples
--------
>>> from patchcore import importers
>>> model = importers.from_anomalib("model.ckpt")  # doctest: +SKIP
>>> print(importers.verify(model, "scores.csv", "photos/"))  # doctest: +SKIP
"""

from .anomalib_checkpoint import from_anomalib
from .authors_folder import from_authors
from .verification import Compared, Verification, verify

__all__ = ["Compared", "Verification", "from_anomalib", "from_authors", "verify"]
