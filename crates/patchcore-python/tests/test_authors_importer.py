"""Folders of the authors' code score here as there, and what cannot be the same is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import pytest
from checkpoints import write_folder
from conftest import Pixels

import patchcore
from patchcore import importers


@pytest.fixture(scope="session")
def of_authors(good: list[Pixels], weights_file: Path) -> patchcore.PatchCore:
    """A model of our own fit in their mode."""
    return patchcore.PatchCore(
        mode="authors", backbone="resnet18", weights=weights_file, resize=96, crop=80, num_neighbors=3, coreset_sampling_ratio=0.25
    ).fit(good)


def test_a_folder_gives_the_scores_of_the_model_that_it_was_made_of(
    of_authors: patchcore.PatchCore, weights_file: Path, new: list[Pixels], tmp_path: Path
) -> None:
    bank = of_authors.model_.banks[0]
    assert bank.shape[1] == 1024
    model = importers.from_authors(write_folder(tmp_path / "model", bank), weights=weights_file, resize=96)
    assert np.array_equal(model.score(new), of_authors.score(new))
    assert np.array_equal(model.predict(new[1]).anomaly_map, of_authors.predict(new[1]).anomaly_map)
    assert model.threshold_ is None and model.model_.photos == []
    ensemble = write_folder(tmp_path / "ensemble", bank[:50], "Ensemble-1-2_")
    write_folder(ensemble, bank, "Ensemble-2-2_")
    model = importers.from_authors(ensemble, weights=weights_file, resize=96, member=2)
    assert np.array_equal(model.score(new), of_authors.score(new))
    with pytest.raises(patchcore.PatchCoreError, match="ensemble of 2"):
        importers.from_authors(ensemble, weights=weights_file, resize=96)
    with pytest.raises(patchcore.PatchCoreError, match="no network 3"):
        importers.from_authors(ensemble, weights=weights_file, resize=96, member=3)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"backbone.name": "vgg19"}, "vgg19"),
        ({"patchstride": 2}, "patchstride 2"),
        ({"input_shape": (3, 100, 100)}, "100 x 100 .* say resize="),
        ({"patchsize": 0}, "patchsize"),
        ({"layers_to_extract_from": ["layer9"]}, "layer9"),
        ({"target_embed_dimension": 384}, "384"),
    ],
)
def test_a_folder_that_cannot_be_the_same_is_refused_by_name(
    weights_file: Path, tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    folder = write_folder(tmp_path / "model", np.zeros((20, 1024), np.float32), **changes)
    with pytest.raises(patchcore.PatchCoreError, match=named):
        importers.from_authors(folder, weights=weights_file, resize=None if "input_shape" in changes else 96)


def test_other_indices_are_refused_by_their_letters(weights_file: Path, tmp_path: Path) -> None:
    rows = np.zeros((20, 1024), np.float32)
    folder = write_folder(tmp_path / "model", rows)
    index = folder / "nnscorer_search_index.faiss"
    whole = index.read_bytes()
    for data, named in (
        (checkpoints.flat_index(rows, b"IwFl"), "'IwFl'"),
        (checkpoints.flat_index(rows, b"IxFI"), "'IxFI'"),
        (checkpoints.flat_index(rows, metric=0), "metric 0"),
        (whole[:-4], "copy it again"),
        (whole + b"more", "copy it again"),
        (whole[:20], "cut off"),
        (b"", "kind ''"),
        (whole[:8] + b"\xff" * 8 + whole[16:], "damaged"),
    ):
        index.write_bytes(data)
        with pytest.raises(patchcore.PatchCoreError, match=named):
            importers.from_authors(folder, weights=weights_file, resize=96)
    index.unlink()
    with pytest.raises(patchcore.PatchCoreError, match="cannot be read"):
        importers.from_authors(folder, weights=weights_file, resize=96)
    with pytest.raises(patchcore.PatchCoreError, match="no folder"):
        importers.from_authors(tmp_path / "absent")


def test_an_index_of_faiss_itself_is_read(tmp_path: Path) -> None:
    faiss = pytest.importorskip("faiss")
    from patchcore.importers.faiss_file import read_flat_index

    rows = np.random.default_rng(0).random((7, 5), dtype=np.float32)
    flat, other = faiss.IndexFlatL2(5), faiss.IndexHNSWFlat(5, 4)
    for index in (flat, other):
        index.add(rows)
        faiss.write_index(index, str(tmp_path / f"{type(index).__name__}.faiss"))
    assert np.array_equal(read_flat_index(tmp_path / "IndexFlatL2.faiss"), rows)
    assert (tmp_path / "IndexFlatL2.faiss").read_bytes() == checkpoints.flat_index(rows)
    with pytest.raises(patchcore.PatchCoreError, match="IHNf"):
        read_flat_index(tmp_path / "IndexHNSWFlat.faiss")
