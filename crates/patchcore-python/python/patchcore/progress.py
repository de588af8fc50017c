"""What is told of long work. The stages that have ended are also written to the logger ``patchcore``, at INFO."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["ProgressFunction"]

#: Called on the calling thread with the stage (``features``, ``coreset``, ``scoring``, ...), the units done and the units in all (0: unknown), at most
#: every 50 ms but for begin and end of a stage. Returning False cancels; what it raises ends the work.
ProgressFunction: TypeAlias = Callable[[str, int, int], Any]
