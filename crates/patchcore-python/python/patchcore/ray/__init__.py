"""Fit and score on a Ray cluster.

:class:`Scorer` is the plain class for ``map_batches`` of Ray Data. The functions here take tables of photos
(``image_path[, label, split, product, mask_path]``, Parquet or CSV), of one product or of many, and need the package ``ray``; tables in Parquet and
all results need ``pyarrow``. They run on the cluster that ``ray.init`` has connected to, else on the one that ``RAY_ADDRESS`` names, else on this
machine.

A worker that dies is started again and does its block again. Results are files whose names follow from the table, so that a block that is done twice
is written twice to one place, and counted once; a run that is started again does what is missing.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, Union
from urllib.parse import quote

import numpy as np

from .. import manifest as manifests
from .. import storage
from .._patchcore import VERSION, Model, PatchCoreError
from ..estimator import PatchCore, Weights
from ..manifest import Block, Row
from ..scorer import COLUMNS, ModelSource, Scorer, has_products, model_bytes, model_path, portable

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Scorer", "Summary", "calibrate", "evaluate", "fit", "fit_products", "results", "score"]

_LOG = logging.getLogger("patchcore.ray")
_RUN = "_run.json"
#: How often a task is done again whose worker has died. A photo that kills every worker ends the run instead of going on for ever.
_RETRIES = 5

#: Where the photos of a fit are: a table, a dataset of Ray Data with a column ``image``, ``bytes``, ``image_path`` or ``path``, or paths.
Data: TypeAlias = Union[str, "os.PathLike[str]", Iterable[Union[str, "os.PathLike[str]"]], Any]


@dataclass(frozen=True)
class Summary:
    """What :func:`score` came to.

    Attributes
    ----------
    photos : int
        Rows of the table, all of which have a result now.
    already : int
        Those of them that an earlier run had scored.
    errors : int
        Those scored now that have an error instead of a score.
    """

    photos: int
    already: int
    errors: int


def _ray() -> Any:
    """Ray, connected."""
    # By name: a checker of types would take this package for that one where Ray is not installed.
    ray: Any = importlib.import_module("ray")
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    return ray


# Scoring.


class _ScoreWorker:
    """Scores blocks and writes what they come to; one in each worker process."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._scorer: Scorer | None = None

    def run(self, block: Block, path: str, model: ModelSource) -> int:
        """Write the rows of a block; the number of photos without a score."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._scorer is None:
            # It comes with the block: what an actor is made with may be lost before the actor is made again.
            self._scorer = Scorer(model, threads=self._threads)

        batch: dict[str, list[str]] = {"image_path": [row.image_path for row in block.rows]}
        if block.product:
            batch["product"] = [block.product] * len(block.rows)
        columns = self._scorer(batch)
        # The folder says which product it is.
        columns.pop("product", None)
        table = pa.table({name: pa.array(values, _arrow(pa)[name]) for name, values in columns.items()})
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="snappy")
        storage.write_bytes(path, sink.getvalue())
        return sum(1 for error in columns["error"] if error)


def _arrow(pa: Any) -> dict[str, Any]:
    """The columns' types in Parquet."""
    return {name: pa.string() if kind is object else pa.from_numpy_dtype(kind) for name, kind in COLUMNS.items()}


def _part(block: Block) -> str:
    """The file of a block, from the folder of results."""
    folder = f"product={quote(block.product, safe=' ')}/" if block.product else ""
    return f"{folder}part-{block.number:08}.parquet"


def score(
    manifest: str | os.PathLike[str],
    model: ModelSource,
    out: str | os.PathLike[str],
    *,
    concurrency: int | None = None,
    num_cpus: int = 1,
    block_rows: int = 256,
) -> Summary:
    """Score a table of photos into Parquet files.

    Parameters
    ----------
    manifest : path or address
        The table. Every row is scored, whatever its split.
    model : model
        As for :class:`Scorer`: a file, or of many products the folder of ``PRODUCT.patchcore``. Workers read paths themselves.
    out : path or address
        The folder of results, which all machines see. Where an earlier run has ended in the middle, this one goes on.
    concurrency : int, optional
        Worker processes. Default: as many as the cluster has processors for.
    num_cpus : int, default 1
        Processors, and threads, of each worker.
    block_rows : int, default 256
        Photos of one file, the work that is lost with a worker.

    Returns
    -------
    Summary
        Counts.

    Raises
    ------
    PatchCoreError
        ``out`` has the results of another table, of another model, or of another ``block_rows``.
    """
    ray = _ray()
    table, folder, model = storage.absolute(manifest), storage.absolute(out), portable(model)
    _same_run(folder, table, model, block_rows)
    there = set(storage.listed(folder, ".parquet"))
    workers = concurrency or max(1, int(ray.cluster_resources().get("CPU", 1)) // num_cpus)
    Worker = ray.remote(num_cpus=num_cpus, max_restarts=-1, max_task_retries=_RETRIES)(_ScoreWorker)
    shared = ray.put(model)
    idle: list[Any] = []
    started = 0
    running: dict[Any, tuple[Any, int]] = {}
    photos = already = errors = done = 0

    def wait() -> None:
        nonlocal errors, done
        for reference in ray.wait(list(running), num_returns=1)[0]:
            worker, count = running.pop(reference)
            errors += ray.get(reference)
            idle.append(worker)
            done += count
            _LOG.info("scored %d photos", done)

    for block in manifests.blocks(manifests.read(table), block_rows):
        photos += len(block.rows)
        if _part(block) in there:
            already += len(block.rows)
            continue
        if not idle and started < workers:
            idle.append(Worker.remote(num_cpus))
            started += 1
        while not idle:
            wait()
        worker = idle.pop()
        running[worker.run.remote(block, storage.join(folder, _part(block)), shared)] = (worker, len(block.rows))
    while running:
        wait()
    return Summary(photos, already, errors)


def _same_run(folder: str, table: str, model: ModelSource, block_rows: int) -> None:
    """Refuse a folder whose results are of something else; else write down what they are of."""
    run = {
        "manifest_sha256": hashlib.sha256(storage.read_bytes(table)).hexdigest(),
        "models_sha256": _model_digests(model),
        "block_rows": block_rows,
        "patchcore": VERSION,
    }
    path = storage.join(folder, _RUN)
    if storage.exists(path):
        before = json.loads(storage.read_bytes(path))
        other = [name for name, value in run.items() if before.get(name) != value]
        if other:
            raise PatchCoreError(
                f"{folder} has the results of another run: it differs in {', '.join(other)} ({path}); give another folder, or remove this one"
            )
    else:
        if storage.listed(folder, ".parquet"):
            raise PatchCoreError(f"{folder} has Parquet files that are not the results of a run ({path} is not there): give another folder")
        storage.write_bytes(path, json.dumps(run, indent=1).encode())


def _model_digests(source: ModelSource) -> dict[str, str]:
    """SHA-256 of every model that may be asked, by product."""
    if isinstance(source, Mapping):
        return {str(product): _model_digests(one)[""] for product, one in source.items()}
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if has_products(path):
            names = storage.listed(path, ".patchcore")
            return {name: hashlib.sha256(storage.read_bytes(storage.join(path, name))).hexdigest() for name in names}
    return {"": hashlib.sha256(model_bytes(source)).hexdigest()}


def results(out: str | os.PathLike[str]) -> pa.Table:
    """All results of a folder of :func:`score`.

    Parameters
    ----------
    out : path or address
        The folder.

    Returns
    -------
    pyarrow.Table
        The columns of :class:`Scorer`, and ``product`` where there are several, sorted by product and path. Photos of equal bytes have equal
        ``sha256``.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds

    folder = storage.absolute(out)
    is_partitioned = any("/" in name for name in storage.listed(folder, ".parquet"))
    # A product is text, also where its name is a number.
    products = ds.partitioning(pa.schema([("product", pa.string())]), flavor="hive") if is_partitioned else None
    table = ds.dataset(folder, format="parquet", partitioning=products).to_table()
    keys = [name for name in ("product", "image_path") if name in table.column_names]
    return table.sort_by([(name, "ascending") for name in keys])


# Fitting.


def _fit_shard(photos: Any, settings: dict[str, Any], threads: int, path: str | None) -> bytes:
    """The model of a shard; kept under ``path`` where one is given."""
    if path is not None and storage.exists(path):
        return storage.read_bytes(path)
    here = [storage.read_bytes(photo) if isinstance(photo, str) and storage.is_address(photo) else photo for photo in photos]
    model, _ = Model.fit(here, settings, threads=threads, total=len(here))
    data = model.to_bytes(with_weights=False)
    if path is not None:
        storage.write_bytes(path, data)
    return data


def _fit_batch(batch: Mapping[str, Any], settings: dict[str, Any], threads: int) -> dict[str, list[bytes]]:
    """The model of a batch of Ray Data."""
    from ..scorer import _photos

    photos, _ = _photos(batch)
    return {"model": [_fit_shard(list(photos), settings, threads, None)]}


def _merge(weights: Weights | None, threads: int, bank_rows: int | None, *models: bytes) -> bytes:
    """One model of several."""
    opened = [Model.from_bytes(model, weights=weights, threads=threads) for model in models]
    return Model.merge(opened, bank_rows=bank_rows).to_bytes(with_weights=False)


def fit(
    data: Data,
    estimator: PatchCore | None = None,
    *,
    shard_photos: int = 1000,
    memory: int | None = None,
    num_cpus: int = 1,
    fan_in: int = 8,
    work: str | os.PathLike[str] | None = None,
) -> PatchCore:
    """Fit one model on a cluster: shards on the workers, merged in a tree.

    Parameters
    ----------
    data : table, dataset or paths
        Photos of good parts of one product: a table (its good photos for training), a dataset of Ray Data, or an iterable of paths.
    estimator : PatchCore, optional
        The settings. Default: ``PatchCore()``.
    shard_photos : int, default 1000
        Photos of a shard. It decides which rows are chosen: the same shards give the same model, whatever the cluster.
    memory : int, optional
        Bytes that patches, their selection and the banks of a shard may take on a worker. Default: the estimator's.
    num_cpus : int, default 1
        Processors, and threads, of each task.
    fan_in : int, default 8
        Models that one task merges.
    work : path or address, optional
        A folder that all machines see: shards that are fitted are kept there, and a fit that is started again goes on. Paths are trusted: remove it
        where photos have changed under their names.

    Returns
    -------
    PatchCore
        Fitted. Its coverage is bounded: every patch of a shard lies within the shard's radius of the shard's bank, and what a merge drops within the
        radius that the merge adds.

    Raises
    ------
    PatchCoreError
        No photos, photos of several products (:func:`fit_products`), or what :meth:`PatchCore.fit` refuses.
    """
    ray = _ray()
    estimator = PatchCore() if estimator is None else estimator
    settings = _settings(estimator, memory)
    shards: list[Any]
    dataset: Any = data
    if hasattr(dataset, "map_batches"):
        fitted = dataset.map_batches(
            _fit_batch, batch_size=shard_photos, num_cpus=num_cpus, fn_kwargs={"settings": settings, "threads": num_cpus}
        )
        # In an order that does not depend on which worker was first.
        shards = sorted(row["model"] for row in fitted.iter_rows())
    else:
        shards = _submit_shards(ray, _paths(data), settings, shard_photos, num_cpus, None if work is None else storage.absolute(work))
    if not shards:
        raise PatchCoreError("there are no photos to fit: no good ones for training")
    return _opened(ray, _merge_tree(ray, shards, settings, num_cpus, fan_in), estimator)


def fit_products(
    manifest: str | os.PathLike[str],
    models: str | os.PathLike[str],
    estimator: PatchCore | None = None,
    *,
    shard_photos: int = 1000,
    memory: int | None = None,
    num_cpus: int = 1,
    fan_in: int = 8,
    work: str | os.PathLike[str] | None = None,
) -> dict[str, str]:
    """Fit a model of every product of a table, all at once.

    Parameters
    ----------
    manifest : path or address
        The table; its good photos for training are fitted.
    models : path or address
        Where they go: the folder of ``PRODUCT.patchcore``, or of a table without products the file.
    estimator, shard_photos, memory, num_cpus, fan_in, work
        As for :func:`fit`.

    Returns
    -------
    dict of str to str
        The file of each product; of a table without products under the empty name.
    """
    ray = _ray()
    estimator = PatchCore() if estimator is None else estimator
    settings = _settings(estimator, memory)
    products = manifests.by_product(manifests.for_fit(manifests.read(manifest)))
    if not products:
        raise PatchCoreError(f"{os.fspath(manifest)} has no good photos for training")
    folder = None if work is None else storage.absolute(work)
    merged = {
        product: _merge_tree(
            ray,
            _submit_shards(ray, [row.image_path for row in rows], settings, shard_photos, num_cpus, folder),
            settings,
            num_cpus,
            fan_in,
        )
        for product, rows in products.items()
    }
    written: dict[str, str] = {}
    for product, reference in merged.items():
        path = model_path(os.fspath(models), product) if product else os.fspath(models)
        storage.write_bytes(path, _bytes(ray, reference))
        _LOG.info("fitted %s on %d photos", path, len(products[product]))
        written[product] = path
    return written


def _settings(estimator: PatchCore, memory: int | None) -> dict[str, Any]:
    settings = estimator.settings()
    for name in ("weights", "region"):
        if isinstance(settings.get(name), (str, os.PathLike)):
            settings[name] = storage.absolute(settings[name])
    if memory is not None:
        settings["memory"] = memory
    return settings


def _paths(data: Any) -> list[str]:
    """The photos of one product."""
    if not isinstance(data, (str, os.PathLike)):
        return [storage.absolute(path) for path in data]
    rows = manifests.for_fit(manifests.read(data))
    products = manifests.by_product(rows)
    if len(products) > 1:
        raise PatchCoreError(
            f"{os.fspath(data)} has photos of several products ({', '.join(products)}): fit_products makes a model of each"
        )
    return [row.image_path for row in rows]


def _submit_shards(
    ray: Any, paths: Sequence[str], settings: dict[str, Any], shard_photos: int, num_cpus: int, work: str | None
) -> list[Any]:
    """Start the fit of each shard: photos that follow each other."""
    task = ray.remote(num_cpus=num_cpus, max_retries=_RETRIES)(_fit_shard)
    shards = [list(paths[at : at + shard_photos]) for at in range(0, len(paths), shard_photos)]
    kept: list[str | None] = [None if work is None else storage.join(work, _shard_name(shard, settings)) for shard in shards]
    return [task.remote(shard, settings, num_cpus, path) for shard, path in zip(shards, kept)]


def _shard_name(shard: list[str], settings: dict[str, Any]) -> str:
    def other(value: object) -> str:
        # Of an array all of it, and not its shortened text.
        return hashlib.sha256(value.tobytes()).hexdigest() if isinstance(value, np.ndarray) else str(value)

    said = json.dumps([VERSION, settings, shard], sort_keys=True, default=other)
    return f"shard-{hashlib.sha256(said.encode()).hexdigest()}.patchcore"


def _merge_tree(ray: Any, models: Sequence[Any], settings: dict[str, Any], num_cpus: int, fan_in: int) -> Any:
    """The reference of the model of all. Where the rows of a bank are fixed, models on the way keep twice as many."""
    if fan_in < 2:
        raise PatchCoreError(f"fan_in is {fan_in}: a merge takes at least 2 models")
    task = ray.remote(num_cpus=num_cpus, max_retries=_RETRIES)(_merge)
    weights = settings.get("weights")
    rows = settings.get("bank_rows")
    level = list(models)
    while len(level) > 1:
        groups = [level[at : at + fan_in] for at in range(0, len(level), fan_in)]
        kept = None if rows is None else (rows if len(groups) == 1 else 2 * rows)
        level = [group[0] if len(group) == 1 else task.remote(weights, num_cpus, kept, *group) for group in groups]
    return level[0]


def _bytes(ray: Any, model: Any) -> bytes:
    """The bytes of a model, which may be one of Ray's references to them."""
    return model if isinstance(model, bytes) else bytes(ray.get(model))


def _opened(ray: Any, model: Any, estimator: PatchCore) -> PatchCore:
    fitted = PatchCore(**estimator.get_params())
    fitted.model_ = Model.from_bytes(
        _bytes(ray, model), device=estimator.device, threads=estimator.threads, weights=estimator.weights
    )
    return fitted


# Thresholds and metrics: a task for each product. A threshold takes some hundred photos, and metrics of pixels need all maps in one place.


def _calibrate_one(model: bytes, photos: list[str], fpr: float, confidence: float, threads: int) -> tuple[bytes, float | None]:
    opened = Model.from_bytes(model, threads=threads)
    here = [storage.read_bytes(photo) if storage.is_address(photo) else photo for photo in photos]
    calibrated = opened.calibrate(here, fpr=fpr, confidence=confidence)
    return calibrated.to_bytes(with_weights=False), calibrated.threshold


def _evaluate_one(model: bytes, rows: list[Row], threads: int) -> dict[str, float]:
    import csv

    opened = Model.from_bytes(model, threads=threads)
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "photos.csv")
        with open(table, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["image_path", "label", "split", "mask_path"])
            writer.writerows([row.image_path, row.label, "test", row.mask_path] for row in rows)
        return opened.evaluate(table)


def _of_each(
    function: Callable[..., Any], manifest: str | os.PathLike[str], model: ModelSource, choose: Any, num_cpus: int, *arguments: Any
) -> dict[str, Any]:
    """What a task for each product gives."""
    ray = _ray()
    task = ray.remote(num_cpus=num_cpus, max_retries=_RETRIES)(function)
    products = manifests.by_product(manifests.read(manifest))
    running = {}
    for product, rows in products.items():
        chosen = choose(rows)
        if not chosen:
            of = f" of `{product}`" if product else ""
            raise PatchCoreError(f"{os.fspath(manifest)} has no photos{of} for this: see the columns split and label")
        running[product] = task.remote(model_bytes(model, product), chosen, *arguments, num_cpus)
    return {product: ray.get(reference) for product, reference in running.items()}


def calibrate(
    manifest: str | os.PathLike[str],
    model: ModelSource,
    out: str | os.PathLike[str],
    *,
    fpr: float,
    confidence: float = 0.95,
    num_cpus: int = 1,
) -> dict[str, float]:
    """Set the thresholds of every product of a table, a task for each.

    Parameters
    ----------
    manifest : path or address
        The table; its good photos of the split ``validation``, or all good ones where no row has a split.
    model : model
        As for :class:`Scorer`.
    out : path or address
        Where the models with a threshold go: a folder, or of a table without products a file. It may be where they came from.
    fpr, confidence : float
        As for :meth:`PatchCore.calibrate`. Photos of equal pixels count once.
    num_cpus : int, default 1
        Processors, and threads, of each task.

    Returns
    -------
    dict of str to float
        The image threshold of each product.
    """
    made = _of_each(
        _calibrate_one,
        manifest,
        model,
        lambda rows: [row.image_path for row in manifests.for_threshold(rows)],
        num_cpus,
        fpr,
        confidence,
    )
    for product, (data, _) in made.items():
        storage.write_bytes(model_path(os.fspath(out), product) if product else os.fspath(out), data)
    return {product: threshold for product, (_, threshold) in made.items()}


def evaluate(manifest: str | os.PathLike[str], model: ModelSource, *, num_cpus: int = 1) -> dict[str, dict[str, float]]:
    """Metrics of every product of a table, a task for each.

    Parameters
    ----------
    manifest : path or address
        The table; its labelled photos of the split ``test``, or all labelled ones where no row has a split. With ``mask_path`` there are metrics of
        pixels. Photos and masks are files.
    model : model
        As for :class:`Scorer`.
    num_cpus : int, default 1
        Processors, and threads, of each task.

    Returns
    -------
    dict of str to dict
        The metrics of each product, as :meth:`PatchCore.evaluate` gives them: those of one machine.
    """
    return _of_each(_evaluate_one, manifest, model, manifests.for_test, num_cpus)
