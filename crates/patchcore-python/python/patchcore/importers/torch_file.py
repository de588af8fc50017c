"""The zip files that ``torch.save`` writes: a pickle, and the values of tensors beside it."""

from __future__ import annotations

import os
import struct
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

from .._patchcore import PatchCoreError
from .inert import Record, StorageId, read_pickle, shown

__all__ = ["TorchFile"]

#: What zipfile raises for files that are no zip, cut off or encrypted.
BROKEN = (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, struct.error)

Values = npt.NDArray[np.float32]

#: The storages that hold numbers: how numpy reads them.
DTYPES = {
    "torch.FloatStorage": "<f4",
    "torch.DoubleStorage": "<f8",
    "torch.HalfStorage": "<f2",
    "torch.BFloat16Storage": "<u2",
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.BoolStorage": "|u1",
}


class TorchFile:
    """A file of ``torch.save``, open to read.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    PatchCoreError
        It is no such file, or cut off.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        try:
            self._zip = zipfile.ZipFile(self.path)
            names = [name for name in self._zip.namelist() if name == "data.pkl" or name.endswith("/data.pkl")]
        except BROKEN as error:
            raise PatchCoreError(
                f"{self.path} is no checkpoint that can be read ({error}): expected the zip file that torch.save of torch 1.6 or later "
                "writes; if it was copied, copy it again"
            ) from error
        if len(names) != 1:
            raise PatchCoreError(f"{self.path} has {len(names)} entries data.pkl, expected one: it is no file of torch.save")
        self._prefix = names[0].removesuffix("data.pkl")
        order = f"{self._prefix}byteorder"
        if order in self._zip.namelist() and self._read(order).strip() != b"little":
            raise PatchCoreError(f"{self.path} was written on a machine with big-endian numbers: save it again on another one")
        self.content: Any = read_pickle(self._read(names[0]), f"the pickle in {self.path}")

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def __enter__(self) -> TorchFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, name: str) -> bytes:
        try:
            entry = self._zip.getinfo(name)
            if entry.compress_type != zipfile.ZIP_STORED:
                # torch compresses nothing; a few bytes could unfold to any number.
                raise PatchCoreError(f"{self.path}: the entry {name} is compressed, which torch.save does not do: save it again")
            return self._zip.read(name)
        except PatchCoreError:
            raise
        except (KeyError, *BROKEN) as error:
            raise PatchCoreError(f"{self.path}: the entry {name} cannot be read ({error}); copy the file again") from error

    def is_tensor(self, value: Any) -> bool:
        """Whether a value of the pickle is a tensor."""
        return isinstance(value, Record) and value.path.startswith("torch._utils._rebuild_")

    def tensor(self, value: Any, name: str) -> Values:
        """A tensor's values.

        Parameters
        ----------
        value : object
            A tensor or parameter of the pickle.
        name : str
            What errors call it.

        Returns
        -------
        numpy.ndarray
            float32, of the tensor's shape.
        """

        def refused(why: str) -> PatchCoreError:
            return PatchCoreError(f"{self.path}: the tensor {name} {why}: expected a dense tensor of numbers, as torch.save writes it")

        if isinstance(value, Record) and value.path.startswith("torch._utils._rebuild_parameter") and value.args:
            value = value.args[0]
        if not isinstance(value, Record) or value.path != "torch._utils._rebuild_tensor_v2" or len(value.args) < 4:
            raise refused(f"is {shown(value)}")
        storage, offset, size, stride = value.args[:4]
        whole = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride)
        numbers = (offset, *size, *stride) if whole else ()
        if not isinstance(storage, StorageId) or not numbers or not all(type(n) is int and n >= 0 for n in numbers):
            raise refused("has no storage, shape and strides")
        dtype = DTYPES.get(storage.kind)
        if dtype is None:
            raise refused(f"holds {shown(storage.kind)}")
        data = self._read(f"{self._prefix}data/{storage.key}")
        held = len(data) // np.dtype(dtype).itemsize
        count = int(np.prod([int(side) for side in size], dtype=object)) if size else 1
        last = offset + sum((side - 1) * step for side, step in zip(size, stride)) if count else 0
        if count > held or (count and last >= held):
            raise refused(f"of shape {shown(size)} reaches beyond the {held} values of its storage")
        flat = np.frombuffer(data, dtype, held)
        item = flat.itemsize
        view = np.lib.stride_tricks.as_strided(flat[offset:] if count else flat[:0], size, [step * item for step in stride])
        if storage.kind == "torch.BFloat16Storage":
            widened: Values = (np.ascontiguousarray(view, np.uint32) << 16).view(np.float32)
            return widened
        return np.ascontiguousarray(view, np.float32)

    def is_half(self, value: Any) -> bool:
        """Whether a tensor's values have 16 bits."""
        for _ in range(3):
            if isinstance(value, Record) and value.args:
                value = value.args[0]
        return isinstance(value, StorageId) and value.kind in ("torch.HalfStorage", "torch.BFloat16Storage")
