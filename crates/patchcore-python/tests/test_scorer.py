"""The scorer of clusters, tables of photos, and the files of a cluster, without a cluster."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from conftest import SIDE, grating, png, write_photos

import patchcore
from patchcore import manifest, storage
from patchcore.manifest import Row
from patchcore.scorer import COLUMNS, Scorer, model_path


def test_files_are_rows(calibrated: patchcore.PatchCore, tmp_path: Path) -> None:
    paths = [*write_photos(tmp_path, range(2)), *write_photos(tmp_path, range(30, 32), spot=True)]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    given = [str(path) for path in (*paths, broken, tmp_path / "gone.png")]
    rows = Scorer(calibrated, maps=True)({"image_path": np.array(given), "split": np.array(["test"] * 6)})
    assert set(rows) == {*COLUMNS, "map", "split"} and {len(values) for values in rows.values()} == {6}
    assert rows["image_path"].tolist() == given
    assert rows["score"][:4].tolist() == calibrated.score(paths).tolist() and rows["score"].dtype == np.float32
    assert np.isnan(rows["score"][4:]).all()
    assert rows["label"].tolist() == [0, 0, 1, 1, -1, -1]
    assert rows["threshold"][0] == np.float32(calibrated.threshold_)
    expected = calibrated.predict(paths[2])
    assert (rows["worst_x"][2], rows["worst_y"][2]) == pytest.approx(expected.worst_at)
    assert np.array_equal(rows["map"][2], expected.anomaly_map) and rows["map"][4].shape == (0, 0)
    assert [bool(error) for error in rows["error"]] == [False] * 4 + [True] * 2
    assert "broken.png" in rows["error"][4] and "gone.png" in rows["error"][5]
    assert rows["sha256"][0] == hashlib.sha256(paths[0].read_bytes()).hexdigest()
    assert rows["sha256"][4] and not rows["sha256"][5]


def test_arrays_and_bytes_are_rows(fitted: patchcore.PatchCore) -> None:
    photos = [grating(40), grating(41, spot=True)]
    expected = fitted.score(photos).tolist()
    stack = np.stack(photos)
    stack.flags.writeable = False
    ragged = np.empty(2, dtype=object)
    ragged[:] = photos
    scorer = Scorer(fitted.to_bytes())
    of_stack = scorer({"image": stack, "path": np.array(["a", "b"])})
    assert of_stack["score"].tolist() == expected and of_stack["image_path"].tolist() == ["a", "b"]
    assert of_stack["label"].tolist() == [-1, -1] and np.isnan(of_stack["threshold"]).all()
    of_objects = scorer({"image": ragged})
    assert of_objects["score"].tolist() == expected and of_objects["image_path"].tolist() == ["", ""]
    # An array's digest is that of its values, wherever they lie.
    assert of_objects["sha256"].tolist() == of_stack["sha256"].tolist() and len(set(of_stack["sha256"])) == 2
    assert scorer({"bytes": [png(photo) for photo in photos]})["score"].tolist() == expected
    with pytest.raises(patchcore.PatchCoreError, match="image_path"):
        scorer({"pixels": stack})


def test_models_of_several_products(fitted: patchcore.PatchCore, calibrated: patchcore.PatchCore, tmp_path: Path) -> None:
    models = {"cap": fitted, "nut/m8": calibrated, "third": fitted}
    for product, model in models.items():
        model.save(model_path(str(tmp_path), product))
    products = ["cap", "nut/m8", "cap", "third"]
    batch = {"image": np.stack([grating(seed) for seed in range(4)]), "product": np.array(products)}
    for source in (tmp_path, str(tmp_path), models):
        rows = Scorer(source, keep=1)(batch)
        assert rows["product"].tolist() == products
        assert rows["label"].tolist() == [-1, 0, -1, -1]
        assert rows["score"].tolist() == fitted.score(batch["image"]).tolist()
    with pytest.raises(patchcore.PatchCoreError, match="bolt"):
        Scorer(models)({"image": batch["image"][:1], "product": ["bolt"]})
    # One model is that of every product.
    assert Scorer(fitted)(batch)["score"].tolist() == fitted.score(batch["image"]).tolist()


def test_scorers_are_pickled(fitted: patchcore.PatchCore) -> None:
    batch = {"image": np.stack([grating(40)])}
    scorer = Scorer(fitted)
    expected = scorer(batch)["score"]
    assert pickle.loads(pickle.dumps(scorer))(batch)["score"] == expected


TABLE = """image_path;label;split;product;mask_path;camera
a.png;;train;cap;;1
sub/b.png;good;test;cap;;1
c.png;scratch;test;cap;masks/c.png;2
s3://parts/d.png;NORMAL ;validation;nut;;2
"""


def expected_rows(folder: Path) -> list[Row]:
    return [
        Row(str(folder / "a.png"), "", "train", "cap"),
        Row(str(folder / "sub/b.png"), "good", "test", "cap"),
        Row(str(folder / "c.png"), "scratch", "test", "cap", str(folder / "masks/c.png")),
        Row("s3://parts/d.png", "NORMAL", "validation", "nut"),
    ]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_tables_in_csv(tmp_path: Path, delimiter: str) -> None:
    table = tmp_path / "photos.csv"
    table.write_text("\ufeff" + TABLE.replace(";", delimiter), encoding="utf-8")
    assert list(manifest.read(table)) == expected_rows(tmp_path)


def test_tables_in_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import csv

    import pyarrow.parquet as pq

    rows = list(csv.DictReader(TABLE.splitlines(), delimiter=";"))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "photos.parquet")
    assert list(manifest.read(tmp_path / "photos.parquet")) == expected_rows(tmp_path)
    pq.write_table(pa.table({"image_path": ["a.png"], "label": [0]}), tmp_path / "numbers.parquet")
    assert next(manifest.read(tmp_path / "numbers.parquet")).is_good


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\na.png,good\n", "no column image_path"),
        ("image_path,split\na.png,train\n,train\n", "line 3, column image_path"),
        ("image_path,split\na.png,training\n", "line 2, column split: `training`"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "photos.csv").write_text(text)
    with pytest.raises(patchcore.PatchCoreError, match=message):
        list(manifest.read(tmp_path / "photos.csv"))


def test_rows_are_chosen_by_split_and_label(tmp_path: Path) -> None:
    rows = expected_rows(tmp_path)
    names = [Path(row.image_path).name for row in manifest.for_fit(rows)]
    assert names == ["a.png"]
    assert [row.label for row in manifest.for_test(rows)] == ["good", "scratch"]
    assert [row.product for row in manifest.for_threshold(rows)] == ["nut"]
    without = [Row("a.png", "good"), Row("b.png", "dent"), Row("c.png", "0")]
    assert [row.image_path for row in manifest.for_fit(without)] == ["a.png", "c.png"]
    assert manifest.for_test(without) == without
    assert list(manifest.by_product(rows)) == ["cap", "nut"]


def test_blocks_hold_every_row_once() -> None:
    rows = [Row(f"{number}.png", product=product) for number in range(7) for product in ("cap", "nut")]
    found = list(manifest.blocks(rows, 3))
    assert found == list(manifest.blocks(iter(rows), 3))
    assert sorted(row.image_path + row.product for block in found for row in block.rows) == sorted(
        row.image_path + row.product for row in rows
    )
    assert len({(block.product, block.number) for block in found}) == len(found)
    assert all(row.product == block.product for block in found for row in block.rows)


def test_files_are_written_whole_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "new" / "file.bin")
    storage.write_bytes(path, b"first")

    def fails(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="full"):
        storage.write_bytes(path, b"second")
    assert storage.read_bytes(path) == b"first"
    assert storage.listed(str(tmp_path), "") == ["new/file.bin"]
    assert storage.exists(path) and not storage.exists(path + "x")
    assert storage.listed(str(tmp_path / "nowhere"), "") == []


def test_addresses_are_opened_by_pyarrow(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    folder = tmp_path.as_uri()
    storage.write_bytes(storage.join(folder, "a.bin"), b"data")
    assert storage.read_bytes(f"{folder}/a.bin") == b"data"
    assert storage.exists(f"{folder}/a.bin") and not storage.exists(f"{folder}/b.bin")
    assert storage.listed(folder, ".bin") == ["a.bin"]


def test_a_map_has_the_size_of_its_photo(fitted: patchcore.PatchCore) -> None:
    wide = np.concatenate([grating(40), grating(41)], axis=1)
    photos = np.empty(2, dtype=object)
    photos[:] = [grating(40), wide]
    rows = Scorer(fitted, maps=True)({"image": photos})
    assert [one.shape for one in rows["map"]] == [(SIDE, SIDE), (SIDE, 2 * SIDE)]
