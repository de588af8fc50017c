"""Scores in Spark: :class:`patchcore.ray.Scorer` in ``mapInPandas``. Needs the packages ``pyspark`` and ``pandas``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .scorer import ModelSource, Scorer

__all__ = ["SCHEMA", "score"]

#: The columns of the result.
SCHEMA = (
    "image_path string, sha256 string, score float, label tinyint, threshold float, worst_x float, worst_y float, error string"
)


def score(frame: Any, model: ModelSource) -> Any:
    """Score a frame of Spark with a column ``image_path`` or ``path``, and perhaps ``product``.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Paths that the workers can read.
    model : model
        As for :class:`patchcore.ray.Scorer`; each partition opens it once.

    Returns
    -------
    pyspark.sql.DataFrame
        The columns of the scorer.

    Examples
    --------
    >>> patchcore.spark.score(session.read.parquet("photos.parquet"), "part.patchcore")  # doctest: +SKIP
    """
    passed_on = [name for name in ("product", "split") if name in frame.columns]

    def of_partition(batches: Iterator[Any]) -> Iterator[Any]:
        import pandas as pd

        scorer = Scorer(model)
        for batch in batches:
            yield pd.DataFrame(scorer({name: batch[name].to_numpy() for name in batch.columns}))

    return frame.mapInPandas(of_partition, SCHEMA + "".join(f", {name} string" for name in passed_on))
