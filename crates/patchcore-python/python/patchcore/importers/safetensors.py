"""Named arrays as the bytes of a safetensors file, in which the engine takes weights."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["encode"]


def encode(tensors: Mapping[str, npt.NDArray[np.float32]]) -> bytes:
    """The bytes of a safetensors file.

    Parameters
    ----------
    tensors : mapping of str to numpy.ndarray
        float32 arrays by name.

    Returns
    -------
    bytes
        8 bytes of the header's length, the header, the values.
    """
    header: dict[str, object] = {}
    parts, end = [], 0
    for name, values in tensors.items():
        data = np.ascontiguousarray(values, "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [end, end + len(data)]}
        end += len(data)
        parts.append(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(parts)
