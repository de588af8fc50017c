"""Progress of long work: a line of the log for each stage, and the caller's own function."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Optional, TypeAlias

__all__ = ["ProgressFunction", "Telling"]

#: Called with the stage (``features``, ``coreset``, ``scoring``, ...), the units done and the units in all (0: unknown). Returning False cancels.
ProgressFunction: TypeAlias = Callable[[str, int, int], Optional[bool]]

_LOG = logging.getLogger("patchcore")


class Telling:
    """Passes progress on to a function and writes each stage that has ended to the logger ``patchcore``, at INFO.

    Parameters
    ----------
    function : callable, optional
        The caller's own.
    """

    def __init__(self, function: ProgressFunction | None = None) -> None:
        self._function = function
        self._stage: str | None = None
        self._done = 0
        self._total = 0
        self._since = time.monotonic()

    def __call__(self, stage: str, done: int, total: int) -> bool:
        if stage != self._stage:
            self.end()
            self._stage = stage
            self._since = time.monotonic()
        self._done, self._total = done, total
        return self._function is None or self._function(stage, done, total) is not False

    def end(self) -> None:
        """Write the last stage to the log."""
        if self._stage is not None:
            seconds = time.monotonic() - self._since
            of = f" of {self._total}" if self._total else ""
            _LOG.info("%s: %d%s in %.1f s", self._stage, self._done, of, seconds)
            self._stage = None
