"""Scores of a batch of photos: a plain class that every engine for clusters takes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, Union
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from . import storage
from ._patchcore import Model, PatchCoreError, Score
from .estimator import PatchCore

__all__ = ["COLUMNS", "ModelSource", "Scorer", "has_products", "model_bytes", "model_path", "portable"]

#: A model: the path or address of its file, its bytes, or the model itself. Of several products: the folder of ``PRODUCT.patchcore``, or models by
#: product.
ModelSource: TypeAlias = Union[str, "os.PathLike[str]", bytes, Model, PatchCore, Mapping[str, Any]]

#: The columns that a scorer gives, without ``map``, and how numpy stores them.
COLUMNS: dict[str, Any] = {
    "image_path": object,
    "sha256": object,
    "score": np.float32,
    "label": np.int8,
    "threshold": np.float32,
    "worst_x": np.float32,
    "worst_y": np.float32,
    "error": object,
}


def model_path(folder: str, product: str) -> str:
    """Where the model of a product lies in a folder."""
    return storage.join(folder, quote(product, safe=" ") + ".patchcore")


def has_products(source: ModelSource) -> bool:
    """Whether there is a model of each product: in a dict, or in a folder. An address is that of a folder unless it ends with ``.patchcore``."""
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        return not path.endswith(".patchcore") if storage.is_address(path) else os.path.isdir(path)
    return isinstance(source, Mapping)


def model_bytes(source: ModelSource, product: str = "") -> bytes:
    """The bytes of a model's file.

    Parameters
    ----------
    source : model
        As :class:`Scorer` takes it.
    product : str
        Whose, where there are several.

    Raises
    ------
    PatchCoreError
        There is none for this product.
    OSError
        Its file cannot be read.
    """
    if isinstance(source, Mapping):
        if product not in source:
            raise PatchCoreError(f"there is no model of `{product}`: there are those of {', '.join(map(str, source))}")
        return model_bytes(source[product])
    if isinstance(source, (Model, PatchCore)):
        return source.to_bytes()
    if isinstance(source, bytes):
        return source
    path = os.fspath(source)
    return storage.read_bytes(model_path(path, product) if has_products(source) else path)


def portable(source: ModelSource) -> str | bytes | dict[str, Any]:
    """The model as other processes understand it: an absolute path, an address, or bytes."""
    if isinstance(source, Mapping):
        return {str(product): portable(one) for product, one in source.items()}
    return storage.absolute(source) if isinstance(source, (str, os.PathLike)) else model_bytes(source)


class Scorer:
    """Scores batches: a dict of columns in, a dict of columns of equal length out.

    One object is made in each worker process and loads the model there. It is what ``map_batches`` of Ray Data takes; it imports no Ray, and
    :mod:`patchcore.daft` and :mod:`patchcore.spark` use the same.

    Parameters
    ----------
    model : path, address, bytes, Model, PatchCore, or dict of these by product
        What scores. With a folder of ``PRODUCT.patchcore``, or a dict, the column ``product`` says which.
    maps : bool, default False
        Whether there is a column ``map`` of the anomaly maps.
    threads : int, default 1
        Threads of each model. A cluster has a worker for each processor.
    keep : int, default 4
        Models of several products that stay loaded.

    Notes
    -----
    Columns in: ``image`` (arrays), else ``bytes`` (encoded files), else ``image_path`` or ``path`` (files); a path also names a photo. Read-only arrays
    are taken as they are. Columns out, a row for each row in, in order:

    ========== ============ ==================================================================================
    image_path str          as it came in; empty without a path
    sha256     str          of the file's bytes; of an array: of its type, its shape and its values
    score      float32      image score, higher is worse; NaN where the photo cannot be read
    label      int8         0 good, 1 defective, -1 without a threshold or a score
    threshold  float32      image threshold, NaN without one
    worst_x    float32      centre of the worst patch in pixels of the photo
    worst_y    float32
    error      str          why there is no score, else empty
    map        float32[h,w] the anomaly map on the photo; only with ``maps``, empty where there is no score
    ========== ============ ==================================================================================

    Columns ``product`` and ``split`` are passed on.

    Examples
    --------
    >>> dataset.map_batches(Scorer, fn_constructor_args=("part.patchcore",), concurrency=4)  # doctest: +SKIP
    """

    def __init__(self, model: ModelSource, maps: bool = False, *, threads: int | None = 1, keep: int = 4) -> None:
        self._source = portable(model)
        self._maps = maps
        self._threads = threads
        self._keep = keep
        self._models: dict[str, Model] = {}

    def _model(self, product: str) -> Model:
        model = self._models.pop(product, None)
        if model is None:
            model = Model.from_bytes(model_bytes(self._source, product), threads=self._threads)
            while len(self._models) >= self._keep:
                # The one that has not been used for the longest time.
                del self._models[next(iter(self._models))]
        self._models[product] = model
        return model

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_models": {}}

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
        """Score a batch.

        Parameters
        ----------
        batch : dict of str to array
            Columns, see the class.

        Returns
        -------
        dict of str to numpy.ndarray
            Columns, see the class.

        Raises
        ------
        PatchCoreError
            No column has photos, or there is no model of a product. A photo that cannot be read is a row with ``error``.
        """
        photos, paths = _photos(batch)
        count = len(photos)
        out: dict[str, npt.NDArray[Any]] = {name: np.empty(count, dtype=kind) for name, kind in COLUMNS.items()}
        out["image_path"][:] = paths
        for name, nothing in (("sha256", ""), ("score", np.nan), ("label", -1), ("threshold", np.nan), ("worst_x", np.nan)):
            out[name][:] = nothing
        out["worst_y"][:] = np.nan
        out["error"][:] = ""
        if self._maps:
            out["map"] = np.empty(count, dtype=object)
            for at in range(count):
                out["map"][at] = np.zeros((0, 0), dtype=np.float32)
        is_asked = "product" in batch and has_products(self._source)
        products = [str(product) for product in batch["product"]] if is_asked else [""] * count
        for product in dict.fromkeys(products):
            self._score(product, [at for at in range(count) if products[at] == product], photos, paths, out)
        for name in ("product", "split"):
            if name in batch:
                out[name] = np.asarray(batch[name])
        return out

    def _score(
        self, product: str, which: list[int], photos: Any, paths: list[str], out: dict[str, npt.NDArray[Any]]
    ) -> None:
        """Score the photos of one product, these rows of the batch."""
        model = self._model(product)
        given: list[int] = []

        def readable() -> Iterator[Any]:
            for at in which:
                try:
                    photo = storage.read_bytes(photos[at]) if isinstance(photos[at], str) else photos[at]
                except OSError as error:
                    out["error"][at] = str(error)
                    continue
                out["sha256"][at] = _digest(photo)
                given.append(at)
                # A name only for errors, which say whose they are.
                yield (paths[at], photo) if paths[at] else photo

        for number, (_, score) in enumerate(model.scores(readable())):
            at = given[number]
            if isinstance(score, PatchCoreError):
                out["error"][at] = str(score)
            else:
                self._enter(score, at, out)

    def _enter(self, score: Score, at: int, out: dict[str, npt.NDArray[Any]]) -> None:
        out["score"][at] = score.pred_score
        if score.pred_label is not None:
            out["label"][at] = int(score.pred_label)
        if score.threshold is not None:
            out["threshold"][at] = score.threshold
        out["worst_x"][at], out["worst_y"][at] = score.worst_at
        if self._maps:
            out["map"][at] = score.anomaly_map


def _photos(batch: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The photos of a batch, and their paths."""
    path_column = next((name for name in ("image_path", "path") if name in batch), None)
    paths = [] if path_column is None else [str(path) for path in batch[path_column]]
    for name in ("image", "bytes"):
        if name in batch:
            photos = batch[name]
            return photos, paths or [""] * len(photos)
    if path_column is None:
        raise PatchCoreError(
            f"a batch needs a column image, bytes, image_path or path; it has {', '.join(map(str, batch)) or 'none'}"
        )
    return paths, paths


def _digest(photo: Any) -> str:
    """SHA-256 of a file's bytes, or of an array."""
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return hashlib.sha256(photo).hexdigest()
    pixels = np.ascontiguousarray(photo)
    digest = hashlib.sha256(f"{pixels.dtype.str} {pixels.shape} ".encode())
    digest.update(pixels.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
