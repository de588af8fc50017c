"""Ray for real: a cluster of three nodes on this machine, of which a worker is killed. Runs where ``PATCHCORE_RAY`` is set: it takes a minute."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SETTINGS, grating, write_photos

import patchcore
from patchcore.scorer import Scorer

if not os.environ.get("PATCHCORE_RAY"):
    pytest.skip("PATCHCORE_RAY is not set", allow_module_level=True)
ray = pytest.importorskip("ray")
pytest.importorskip("pyarrow")

import patchcore.ray as cluster  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Three nodes: a head without work, and two with a processor each."""
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    for _ in range(2):
        started.add_node(num_cpus=1)
    started.wait_for_nodes()
    ray.init(address=started.address, log_to_driver=False)
    assert len([node for node in ray.nodes() if node["Alive"]]) == 3
    yield started
    ray.shutdown()
    started.shutdown()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Forty photos, ten with a spot, one of them no picture."""
    folder = tmp_path_factory.mktemp("photos")
    paths = write_photos(folder / "good", range(200, 230)) + write_photos(folder / "spot", range(230, 240), spot=True)
    paths[17].write_bytes(b"no picture")
    return paths


@pytest.fixture(scope="module")
def single(calibrated: patchcore.PatchCore, photos: list[Path]) -> dict[str, tuple[Any, ...]]:
    """What one process makes of them, by path."""
    return by_path(Scorer(calibrated)({"image_path": [str(path) for path in photos]}))


def by_path(columns: Any) -> dict[str, tuple[Any, ...]]:
    """Rows by path: digest, the bits of the score, label, and whether there is an error."""
    rows = zip(*(columns[name] for name in ("image_path", "sha256", "score", "label", "error")))
    found = {str(path): (str(digest), np.float32(score).tobytes(), int(label), bool(error)) for path, digest, score, label, error in rows}
    assert len(found) == len(columns["image_path"]), "a photo is counted twice"
    return found


def dies_once(folder: Path) -> Any:
    """A function that kills the first process that has done one block and begins another."""
    done: list[int] = []

    def begin() -> None:
        if done:
            try:
                os.close(os.open(folder / "killed", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)
        done.append(1)

    return begin


def test_map_batches_loses_nothing_with_a_worker(
    nodes: Any, calibrated: patchcore.PatchCore, photos: list[Path], single: Any, tmp_path: Path
) -> None:
    folder = tmp_path

    class Mortal(Scorer):
        def __init__(self, model: Any) -> None:
            super().__init__(model)
            self.begin = dies_once(folder)

        def __call__(self, batch: Any) -> Any:
            self.begin()
            return super().__call__(batch)

    dataset = ray.data.from_items([{"image_path": str(path)} for path in photos], override_num_blocks=10)
    scored = dataset.map_batches(Mortal, batch_size=4, concurrency=2, fn_constructor_args=(calibrated,))
    rows = scored.take_all()
    assert (folder / "killed").exists(), "nobody was killed"
    assert by_path({name: [row[name] for row in rows] for name in rows[0]}) == single


def test_maps_go_through_ray(nodes: Any, calibrated: patchcore.PatchCore, photos: list[Path]) -> None:
    dataset = ray.data.from_items([{"image_path": str(path)} for path in photos[:4]])
    rows = dataset.map_batches(Scorer, batch_size=2, concurrency=1, fn_constructor_args=(calibrated, True)).take_all()
    expected = {str(path): calibrated.predict(path).anomaly_map for path in photos[:4]}
    assert all(np.array_equal(row["map"], expected[row["image_path"]]) for row in rows)


def table_of(path: Path, photos: list[Path], **columns: list[str]) -> Path:
    names = ["image_path", *columns]
    rows = zip(map(str, photos), *columns.values())
    path.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    return path


def test_a_table_is_scored_once_whatever_dies(
    nodes: Any, calibrated: patchcore.PatchCore, photos: list[Path], single: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path
    worker = cluster._ScoreWorker

    class Mortal(worker):  # type: ignore[misc,valid-type]
        def __init__(self, threads: int) -> None:
            super().__init__(threads)
            self.begin = dies_once(folder)

        def run(self, block: Any, path: str, model: Any) -> int:
            self.begin()
            return int(super().run(block, path, model))

    monkeypatch.setattr(cluster, "_ScoreWorker", Mortal)
    table = table_of(tmp_path / "photos.csv", photos)
    out = tmp_path / "out"
    summary = cluster.score(table, calibrated, out, concurrency=2, block_rows=4)
    assert (folder / "killed").exists(), "nobody was killed"
    assert summary == cluster.Summary(photos=40, already=0, errors=1)
    assert by_path(cluster.results(out).to_pydict()) == single

    # A run that is started again does what is missing.
    parts = sorted(out.glob("*.parquet"))
    assert len(parts) == 10
    for part in parts[3:7]:
        part.unlink()
    kept = {part: part.stat().st_mtime_ns for part in out.glob("*.parquet")}
    assert cluster.score(table, calibrated, out, block_rows=4) == cluster.Summary(photos=40, already=24, errors=1)
    assert all(part.stat().st_mtime_ns == before for part, before in kept.items())
    assert by_path(cluster.results(out).to_pydict()) == single
    with pytest.raises(patchcore.PatchCoreError, match="block_rows"):
        cluster.score(table, calibrated, out, block_rows=5)
    with pytest.raises(patchcore.PatchCoreError, match="manifest_sha256"):
        cluster.score(table_of(tmp_path / "fewer.csv", photos[:5]), calibrated, out, block_rows=4)


def test_a_shard_of_all_is_the_fit_of_one_process(nodes: Any, good: Any, tmp_path: Path) -> None:
    paths = write_photos(tmp_path, range(8))
    fitted = cluster.fit(paths, patchcore.PatchCore(**SETTINGS))
    assert fitted.model_ == patchcore.PatchCore(**SETTINGS).fit(paths).model_


def test_shards_are_merged_within_a_bound_and_kept(nodes: Any, tmp_path: Path) -> None:
    paths = write_photos(tmp_path / "photos", range(300, 312))
    settings = patchcore.PatchCore(**SETTINGS)
    work = tmp_path / "work"
    merged = cluster.fit(paths, settings, shard_photos=3, fan_in=2, work=work)
    shards = sorted(work.glob("shard-*.patchcore"))
    assert len(shards) == 4
    assert sorted(merged.model_.photos) == sorted(map(str, paths))
    # Every patch of the fit is within the radius that the model states.
    said, measured = merged.model_.coverage, merged.model_.measure_coverage(paths).coverage
    assert len(said) == len(measured) == 2 and all(bank["is_exact"] for bank in measured)
    assert all(0 < found["radius"] <= bound["radius"] * (1 + 1e-6) for found, bound in zip(measured, said))
    # Again, from the shards that are there: the same model, and none of them is fitted anew.
    before = [shard.stat().st_mtime_ns for shard in shards]
    assert cluster.fit(paths, settings, shard_photos=3, fan_in=2, work=work).model_ == merged.model_
    assert [shard.stat().st_mtime_ns for shard in shards] == before
    # Of a dataset of arrays, too.
    dataset = ray.data.from_items([{"image": grating(seed)} for seed in range(300, 312)], override_num_blocks=1)
    of_arrays = cluster.fit(dataset, settings, shard_photos=6)
    assert of_arrays.model_.bank_rows > 0


def test_a_bank_of_fixed_rows_has_them_after_the_merge(nodes: Any, tmp_path: Path) -> None:
    paths = write_photos(tmp_path, range(300, 309))
    merged = cluster.fit(paths, patchcore.PatchCore(resize=96, bank_rows=50), shard_photos=3, fan_in=2)
    single = patchcore.PatchCore(resize=96, bank_rows=50).fit(paths)
    assert merged.model_.bank_rows == single.model_.bank_rows


def test_products_from_fit_to_metrics_on_the_command_line(nodes: Any, data_set: Path, tmp_path: Path) -> None:
    rows = []
    for product in ("cap", "007"):
        for split, kind, label in (
            ("train", "train/good", "good"),
            ("validation", "validation/good", "good"),
            ("test", "test/good", "good"),
            ("test", "test/spot", "spot"),
        ):
            for path in sorted((data_set / kind).iterdir()):
                mask = data_set / "ground_truth" / "spot" / f"{path.stem}_mask.png" if label == "spot" else ""
                rows.append(f"{path},{label},{split},{product},{mask}")
    table = tmp_path / "photos.csv"
    table.write_text("image_path,label,split,product,mask_path\n" + "\n".join(rows) + "\n")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "RAY_ADDRESS": nodes.address}
        command = [sys.executable, "-m", "patchcore.ray", *words]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    fitted = run("fit", "photos.csv", "models", "work", "--set", "resize=96", "--set", "coreset_sampling_ratio=0.25")
    assert fitted.stdout.split() == [os.path.join("models", "007.patchcore"), os.path.join("models", "cap.patchcore")], fitted.stderr
    calibrated = run("calibrate", "photos.csv", "models", "models", "--fpr", "0.3")
    assert [line.split(":")[0] for line in calibrated.stdout.splitlines()] == ["007", "cap"], calibrated.stderr
    scored = run("score", "photos.csv", "models", "out", "--block-rows", "8")
    assert scored.returncode == 0 and scored.stdout.startswith("60 photos, 0 of them already there, 0 errors"), scored.stderr
    assert run("score", "photos.csv", "models", "out", "--block-rows", "8").stdout.startswith("60 photos, 60 of them")
    results = cluster.results(tmp_path / "out").to_pydict()
    assert set(results["product"]) == {"cap", "007"} and len(results["product"]) == 60
    evaluated = run("evaluate", "photos.csv", "models", "metrics.json")
    assert evaluated.returncode == 0, evaluated.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    model = patchcore.load(tmp_path / "models" / "cap.patchcore")
    assert metrics["cap"] == metrics["007"] == model.evaluate(data_set)
    expected = dict(zip(results["image_path"], results["score"]))
    spots = sorted((data_set / "test" / "spot").iterdir())
    assert [expected[str(path)] for path in spots] == model.score(spots).tolist()
    assert run("score", "photos.csv", "nowhere.patchcore", "other").stderr.splitlines()[-1].startswith("error: ")
