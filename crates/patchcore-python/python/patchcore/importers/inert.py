"""Read a pickle without running anything of it.

A pickle is a program: it names functions, and unpickling calls them. Here every name becomes a class of this module that keeps the arguments it is
called with and does nothing, so that a file of which one does not know who made it can be looked at.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import reprlib
from collections.abc import Iterator
from typing import Any

from .._patchcore import PatchCoreError

__all__ = ["Record", "StorageId", "fields", "plain", "read_pickle", "shown", "tensors"]

#: More names than any checkpoint has, and more modules than any network.
MOST_NAMES, MOST_MODULES = 10_000, 100_000
#: Of a value that an error shows.
MOST_LETTERS = 200


class Record:
    """What stands for an object of a class or for the result of a function that the pickle names.

    Attributes
    ----------
    path : str
        The name, with its module: ``torch._utils._rebuild_tensor_v2``.
    args : tuple
        What it was called with.
    kwargs : dict
        The same, by name.
    state : object
        What was to be its state, None where there was none.
    items : dict
        What was to be set by key.
    values : list
        What was to be appended.
    """

    path = ""
    __slots__ = ("args", "items", "kwargs", "state", "values")

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    state: Any
    items: dict[Any, Any]
    values: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Record:
        made = object.__new__(cls)
        made.args, made.kwargs, made.state, made.items, made.values = args, kwargs, None, {}, []
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    def append(self, value: Any) -> None:
        """Keep one value."""
        self.values.append(value)

    def extend(self, values: Any) -> None:
        """Keep several."""
        self.values.extend(values)

    def __repr__(self) -> str:
        return f"<{self.path[:MOST_LETTERS]!a}>"


class InertDict(dict[Any, Any]):
    """What stands for an OrderedDict: a dict that takes no state."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        pass


class StorageId:
    """Where the values of a tensor lie in its file.

    Attributes
    ----------
    kind : str
        torch's name of the storage's class: ``torch.FloatStorage``.
    key : str
        The name of the entry under ``data/``.
    count : int
        How many values it has.
    """

    __slots__ = ("count", "key", "kind")

    def __init__(self, kind: str, key: str, count: int) -> None:
        self.kind, self.key, self.count = kind, key, count


class _Reader(pickle.Unpickler):
    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self._classes: dict[str, type[Any]] = {}

    def find_class(self, module: str, name: str, /) -> type[Any]:
        path = f"{module}.{name}"
        if path == "collections.OrderedDict":
            return InertDict
        if path not in self._classes:
            if len(self._classes) >= MOST_NAMES:
                raise pickle.UnpicklingError(f"it names more than {MOST_NAMES} functions and classes")
            # The class's own name is ours: the file's may be anything.
            self._classes[path] = type("Record", (Record,), {"path": path, "__slots__": ()})
        return self._classes[path]

    def persistent_load(self, pid: Any, /) -> StorageId:
        match pid:
            case ("storage", type() as kind, str() as key, str(), int() as count) if issubclass(kind, Record):
                return StorageId(kind.path, key, count)
        raise pickle.UnpicklingError("it refers to something outside itself that is no storage of a tensor")


def read_pickle(data: bytes, what: str) -> Any:
    """The objects of a pickle: plain ones as they are, all others as :class:`Record`.

    Parameters
    ----------
    data : bytes
        The pickle.
    what : str
        What errors call it.

    Returns
    -------
    object
        Nothing that the pickle names has been imported or called.

    Raises
    ------
    PatchCoreError
        It is no pickle, or a broken one.
    """
    try:
        _check_memory(data)
        return _Reader(data).load()
    except Exception as error:  # Broken pickles raise whatever they like.
        raise PatchCoreError(f"{what} is no pickle that can be read ({type(error).__name__}: {shown(str(error))})") from error


def _check_memory(data: bytes) -> None:
    """Refuse a pickle of a few bytes that asks for any amount of memory: a table of what is referred to later, or room for bytes that do not come."""
    for opcode, argument, _ in pickletools.genops(data):
        # Reading an argument finds out that its bytes are not there.
        if "PUT" in opcode.name and isinstance(argument, int) and argument > len(data):
            raise pickle.UnpicklingError(f"it refers to its object {argument}, and has {len(data)} bytes")


#: Shared parts of a list would be written out again and again.
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 3, MOST_LETTERS, MOST_LETTERS, 40


def shown(value: Any) -> str:
    """A value of a file for an error: short, and without anything that a terminal would obey."""
    text = _SHORT.repr(value).encode("ascii", "backslashreplace").decode()
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}..."


def plain(value: Any) -> Any:
    """An enumeration's value where the pickle has an enumeration, else the value itself."""
    if isinstance(value, Record) and len(value.args) == 1 and isinstance(value.args[0], (str, int, float)):
        return value.args[0]
    return value


def fields(value: Any) -> dict[Any, Any]:
    """The attributes of an object, or the entries of a dict; empty for anything else."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, Record):
        return {}
    state = value.state
    if isinstance(state, tuple) and len(state) == 2:
        # Attributes in a dict, and those in slots.
        state = {key: part for half in state if isinstance(half, dict) for key, part in half.items()}
    return {**(state if isinstance(state, dict) else {}), **value.items}


def tensors(module: Any) -> Iterator[tuple[str, Any]]:
    """The parameters and buffers of a pickled ``torch.nn.Module`` by the names that its state dict would have."""
    waiting = [("", module)]
    seen = 0
    while waiting:
        prefix, module = waiting.pop()
        seen += 1
        if seen > MOST_MODULES:
            # A module may be its own part, and has no end then.
            raise PatchCoreError(f"the model has more than {MOST_MODULES} modules, expected those of a network")
        attributes = fields(module)
        for kind in ("_parameters", "_buffers"):
            for name, value in fields(attributes.get(kind)).items():
                if value is not None and isinstance(name, str):
                    yield f"{prefix}{name}", value
        parts = fields(attributes.get("_modules"))
        waiting.extend((f"{prefix}{name}.", part) for name, part in parts.items() if isinstance(name, str))
