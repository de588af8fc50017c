"""Files of a cluster: paths that every machine sees, or addresses (``s3://bucket/key``) that pyarrow opens."""

from __future__ import annotations

import os
import posixpath
import tempfile

__all__ = ["absolute", "exists", "is_address", "join", "listed", "read_bytes", "write_bytes"]


def is_address(path: str) -> bool:
    """Whether this is an address and no path."""
    return "://" in path


def absolute(path: str | os.PathLike[str]) -> str:
    """The path as other processes understand it, whose working directories are others."""
    text = os.fspath(path)
    return text if is_address(text) else os.path.abspath(text)


def join(folder: str, *names: str) -> str:
    """A path below a folder."""
    return posixpath.join(folder, *names) if is_address(folder) else os.path.join(folder, *names)


def read_bytes(path: str) -> bytes:
    """The whole file.

    Raises
    ------
    OSError
        It cannot be read.
    """
    if is_address(path):
        from pyarrow import fs

        system, inside = fs.FileSystem.from_uri(path)
        with system.open_input_stream(inside) as stream:
            return bytes(stream.read())
    with open(path, "rb") as file:
        return file.read()


def write_bytes(path: str, data: bytes) -> None:
    """Write a file so that nobody sees a part of it: beside it, then renamed. A store of objects shows whole ones by itself."""
    if is_address(path):
        from pyarrow import fs

        system, inside = fs.FileSystem.from_uri(path)
        with system.open_output_stream(inside) as stream:
            stream.write(data)
        return
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, exist_ok=True)
    descriptor, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


def exists(path: str) -> bool:
    """Whether there is a file."""
    if is_address(path):
        from pyarrow import fs

        system, inside = fs.FileSystem.from_uri(path)
        return bool(system.get_file_info(inside).type == fs.FileType.File)
    return os.path.isfile(path)


def listed(folder: str, suffix: str) -> list[str]:
    """Names of the files below a folder that end so, sorted, with forward slashes. A folder that is not there has none."""
    found: list[str] = []
    if is_address(folder):
        from pyarrow import fs

        system, inside = fs.FileSystem.from_uri(folder)
        selector = fs.FileSelector(inside, allow_not_found=True, recursive=True)
        paths = [info.path for info in system.get_file_info(selector) if info.type == fs.FileType.File]
        found = [posixpath.relpath(path, inside) for path in paths]
    else:
        for at, _, names in os.walk(folder):
            found += [os.path.relpath(os.path.join(at, name), folder).replace(os.sep, "/") for name in names]
    return sorted(name for name in found if name.endswith(suffix))
