"""Tables of photos: ``image_path[, label, split, product, mask_path]``, in CSV or Parquet, a row for each photo.

The columns are those of the program's own manifests. Paths are taken from the table's folder.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import storage
from ._patchcore import PatchCoreError

__all__ = ["Block", "Row", "blocks", "by_product", "for_fit", "for_test", "for_threshold", "read"]

_COLUMNS = ("image_path", "label", "split", "product", "mask_path")
_GOOD = ("good", "ok", "normal", "0")


@dataclass(frozen=True)
class Row:
    """A photo of a table; what a table does not say is empty."""

    image_path: str
    label: str = ""
    split: str = ""
    product: str = ""
    mask_path: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the label says so; without a label photos for training and for a threshold are good."""
        label = self.label.strip().lower()
        return label in _GOOD or (not label and self.split != "test")


@dataclass(frozen=True)
class Block:
    """Photos of one product, which are scored and written together."""

    product: str
    number: int
    rows: tuple[Row, ...]


def read(path: str | os.PathLike[str]) -> Iterator[Row]:
    """The rows of a table, one after the other.

    Parameters
    ----------
    path : path or address
        A table: ``.parquet``, else CSV with commas, semicolons or tabs.

    Yields
    ------
    Row
        With paths that do not depend on the working directory.

    Raises
    ------
    PatchCoreError
        No column ``image_path``, a row without a path, or an unknown split; line included.
    """
    table = os.fspath(path)
    folder = posixpath.dirname(table) if storage.is_address(table) else os.path.dirname(os.path.abspath(table))

    def absolute(name: str) -> str:
        return name if not name or storage.is_address(name) else storage.join(folder, name)

    said = _parquet(table) if table.lower().endswith(".parquet") else _csv(table)
    # The header is line 1.
    for line, row in enumerate(said, start=2):
        values = {name: (row.get(name) or "").strip() for name in _COLUMNS}
        if not values["image_path"]:
            raise PatchCoreError(f"{table}, line {line}, column image_path: there is no path")
        if values["split"] not in ("", "train", "validation", "test"):
            raise PatchCoreError(f"{table}, line {line}, column split: `{values['split']}` is none of train, validation, test")
        yield Row(
            image_path=absolute(values["image_path"]),
            label=values["label"],
            split=values["split"],
            product=values["product"],
            mask_path=absolute(values["mask_path"]),
        )


def _needs_paths(table: str, columns: Iterable[str]) -> None:
    names = list(columns)
    if "image_path" not in names:
        raise PatchCoreError(f"{table} has no column image_path: it has {', '.join(names) or 'none'}")


def _csv(table: str) -> Iterator[dict[str, str | None]]:
    text: io.TextIOBase
    if storage.is_address(table):
        text = io.StringIO(storage.read_bytes(table).decode("utf-8-sig"), newline="")
    else:
        text = open(table, encoding="utf-8-sig", newline="")
    with text:
        header = text.readline()
        delimiter = max(",;\t", key=header.count)
        names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
        _needs_paths(table, names)
        yield from csv.DictReader(text, names, delimiter=delimiter)


def _parquet(table: str) -> Iterator[dict[str, str | None]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = pa.BufferReader(storage.read_bytes(table)) if storage.is_address(table) else table
    with pq.ParquetFile(source) as file:
        _needs_paths(table, file.schema_arrow.names)
        columns = [name for name in _COLUMNS if name in file.schema_arrow.names]
        for batch in file.iter_batches(columns=columns):
            # A label may be a number.
            texts = [batch.column(name).cast(pa.string()).to_pylist() for name in columns]
            for values in zip(*texts):
                yield dict(zip(columns, values))


def blocks(rows: Iterable[Row], size: int) -> Iterator[Block]:
    """Rows in blocks of one product each, in the order in which they fill up. The same rows give the same blocks."""
    waiting: dict[str, list[Row]] = {}
    numbers: dict[str, Iterator[int]] = {}
    for row in rows:
        block = waiting.setdefault(row.product, [])
        block.append(row)
        if len(block) == size:
            number = next(numbers.setdefault(row.product, itertools.count()))
            yield Block(row.product, number, tuple(waiting.pop(row.product)))
    for product, block in waiting.items():
        yield Block(product, next(numbers.setdefault(product, itertools.count())), tuple(block))


def by_product(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows of each product, products sorted."""
    products: dict[str, list[Row]] = {}
    for row in rows:
        products.setdefault(row.product, []).append(row)
    return dict(sorted(products.items()))


def for_fit(rows: Iterable[Row]) -> list[Row]:
    """Good photos for training; where no row has a split, all good ones."""
    return _of_split(rows, "train", only_good=True)


def for_threshold(rows: Iterable[Row]) -> list[Row]:
    """Good photos for a threshold; where no row has a split, all good ones."""
    return _of_split(rows, "validation", only_good=True)


def for_test(rows: Iterable[Row]) -> list[Row]:
    """Labelled photos to be judged by; where no row has a split, all labelled ones."""
    return [row for row in _of_split(rows, "test", only_good=False) if row.label]


def _of_split(rows: Iterable[Row], split: str, *, only_good: bool) -> list[Row]:
    listed = list(rows)
    has_splits = any(row.split for row in listed)
    return [row for row in listed if (row.split == split or not has_splits) and (row.is_good or not only_good)]
