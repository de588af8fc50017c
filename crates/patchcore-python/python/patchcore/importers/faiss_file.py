"""The file of a faiss ``IndexFlatL2``: a header and the vectors."""

from __future__ import annotations

import os
import struct

import numpy as np
import numpy.typing as npt

from .._patchcore import PatchCoreError

__all__ = ["read_flat_index"]

#: Four letters, dimension, count, two numbers that mean nothing, whether it is trained, the metric, the vectors' count of values.
HEADER = struct.Struct("<4siqqqBiQ")
#: An index that keeps vectors whole and compares by squared L2.
FLAT_L2 = b"IxF2"
METRIC_L2 = 1


def read_flat_index(path: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    """The vectors of a flat index.

    Parameters
    ----------
    path : path
        What ``faiss.write_index`` wrote of an ``IndexFlatL2``.

    Returns
    -------
    numpy.ndarray
        float32 [vectors, values].

    Raises
    ------
    PatchCoreError
        Another index, named by its four letters, or a file that is cut off.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            head = file.read(HEADER.size)
            letters = head[:4]
            if letters != FLAT_L2:
                shown = letters.decode("ascii", "backslashreplace")
                raise PatchCoreError(
                    f"{name} is a faiss index of the kind {shown!r}, expected 'IxF2' (IndexFlatL2): others keep no whole vectors or compare otherwise; "
                    "fit the authors' code with its flat index, or fit anew here"
                )
            if len(head) < HEADER.size:
                raise PatchCoreError(f"{name} is cut off in its header: copy it again")
            _, dim, count, _, _, _, metric, values = HEADER.unpack(head)
            if metric != METRIC_L2:
                raise PatchCoreError(f"{name} compares by faiss' metric {metric}, expected 1 (L2)")
            if dim < 1 or count < 1 or values != dim * count:
                raise PatchCoreError(f"{name} says {count} vectors of {dim} values and holds {values} values: it is damaged or empty")
            held = os.fstat(file.fileno()).st_size - HEADER.size
            if held != 4 * values:
                raise PatchCoreError(f"{name} has {held} bytes of vectors, expected {4 * values}: copy it again")
            return np.frombuffer(file.read(4 * values), "<f4").astype(np.float32).reshape(count, dim)
    except OSError as error:
        raise PatchCoreError(f"{name} cannot be read ({error}): give the folder that the authors' code saved") from error
