"""Scores in Daft: :class:`patchcore.ray.Scorer` as a class of Daft. Needs the package ``daft``."""

from __future__ import annotations

import importlib
from typing import Any

from .scorer import ModelSource, Scorer

__all__ = ["scorer"]


def scorer(model: ModelSource, *, batch_size: int = 64, max_concurrency: int | None = None) -> Any:
    """A function of a column of paths.

    Parameters
    ----------
    model : model
        As for :class:`patchcore.ray.Scorer`.
    batch_size : int, default 64
        The most photos of one call.
    max_concurrency : int, optional
        Workers that hold the model.

    Returns
    -------
    callable
        Takes an expression and gives the columns of the scorer.

    Examples
    --------
    >>> frame.select(patchcore.daft.scorer("part.patchcore")(frame["image_path"]))  # doctest: +SKIP
    """
    # By name: a checker of types would take this module for that one where Daft is not installed.
    daft: Any = importlib.import_module("daft")
    DataType = daft.DataType
    columns = {
        "image_path": DataType.string(),
        "sha256": DataType.string(),
        "score": DataType.float32(),
        "label": DataType.int8(),
        "threshold": DataType.float32(),
        "worst_x": DataType.float32(),
        "worst_y": DataType.float32(),
        "error": DataType.string(),
    }

    class OfColumn:
        def __init__(self, model: ModelSource) -> None:
            self._scorer = Scorer(model)

        @daft.method.batch(return_dtype=DataType.struct(columns), unnest=True, batch_size=batch_size)  # type: ignore[untyped-decorator,unused-ignore]
        def score(self, paths: Any) -> list[dict[str, Any]]:
            scored = self._scorer({"image_path": paths.to_pylist()})
            return [dict(zip(scored, row)) for row in zip(*(values.tolist() for values in scored.values()))]

    return daft.cls(OfColumn, max_concurrency=max_concurrency)(model).score
