"""What a photo may be given as."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias, TypeGuard, Union, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["Photo", "Photos", "is_one_photo"]


@runtime_checkable
class HasArrayInterface(Protocol):
    """Something that numpy sees as an array: a picture of PIL, for one."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """Shape, type and place of its pixels."""
        ...


#: A photo: the path of a file, the bytes of an encoded file, a picture of PIL, or an array ``[height, width]`` or ``[height, width, channels]`` of
#: 1, 3 (RGB) or 4 (RGBA) channels of uint8, uint16, float32 or float64. Floats are in [0, 1].
Photo: TypeAlias = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, "npt.NDArray[Any]", HasArrayInterface]

#: Photos: an iterable of them, each perhaps with a name as ``(name, photo)``, a stack ``[n, height, width, channels]``, or the path of a folder or of a data set.
Photos: TypeAlias = Union[str, "os.PathLike[str]", "npt.NDArray[Any]", Iterable[Union[Photo, tuple[str, Photo]]]]


def is_one_photo(given: object) -> TypeGuard[Photo]:
    """Whether this is a photo, and not several.

    Parameters
    ----------
    given : object
        A photo or photos.

    Returns
    -------
    bool
        An array is one photo unless it has four axes. A path is one photo unless it leads to a folder.
    """
    if isinstance(given, (str, os.PathLike)):
        return not os.path.isdir(given)
    if isinstance(given, np.ndarray):
        return given.ndim != 4 and given.dtype.kind not in "OSU"
    return isinstance(given, (bytes, bytearray, memoryview, HasArrayInterface))
