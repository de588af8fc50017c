"""Devices other than the CPU: the package `patchcore-wgpu` has one, and this one says so."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import pickle
import re

import numpy as np
import pytest
from conftest import SETTINGS, grating

import patchcore


def has_wgpu() -> bool:
    try:
        return bool(importlib.metadata.version("patchcore-wgpu"))
    except importlib.metadata.PackageNotFoundError:
        return False


SPAWN, FORK = multiprocessing.get_context("spawn"), multiprocessing.get_context("fork")
GOOD = [grating(seed) for seed in range(6)]
NEW = [grating(seed, spot=seed % 2 == 0) for seed in range(20, 24)]
with_wgpu = pytest.mark.skipif(not has_wgpu(), reason="the package patchcore-wgpu is not installed")


@pytest.mark.skipif(has_wgpu(), reason="the package patchcore-wgpu is installed")
@pytest.mark.parametrize("device", ["wgpu", "cuda", "gpu"])
def test_a_device_that_this_package_has_not_is_refused_with_the_package_that_has_it(device: str) -> None:
    data = patchcore.PatchCore(**SETTINGS).fit(GOOD).to_bytes()
    with pytest.raises(patchcore.PatchCoreError, match="the package `patchcore-wgpu`, installed in place of `patchcore`"):
        patchcore.PatchCore(device=device, **SETTINGS).fit(GOOD)
    with pytest.raises(patchcore.PatchCoreError, match="`patchcore-wgpu`"):
        patchcore.Model.from_bytes(data, device=device)


@with_wgpu
def test_a_gpu_gives_the_scores_of_the_cpu() -> None:
    on_cpu = patchcore.PatchCore(**SETTINGS).fit(GOOD)
    moved = patchcore.Model.from_bytes(on_cpu.to_bytes(), device="wgpu")
    assert moved.device == "wgpu"
    expected = on_cpu.score(NEW)
    np.testing.assert_allclose(moved.score_array(NEW), expected, rtol=1e-3)
    fitted = patchcore.PatchCore(device="wgpu", **SETTINGS).fit(GOOD)
    assert fitted.model_.device == "wgpu"
    # Its picks may differ where two patches are almost equally far.
    np.testing.assert_allclose(fitted.score(NEW), expected, rtol=0.05)
    there = pickle.loads(pickle.dumps(fitted))
    assert there.model_.device == "wgpu" and np.array_equal(there.score(NEW), fitted.score(NEW))
    assert re.search(r"wgpu", repr(fitted))


def _scores(data: bytes, device: str, answers: multiprocessing.Queue[object]) -> None:
    try:
        answers.put([float(score) for score in patchcore.Model.from_bytes(data, device=device).score_array(NEW)])
    except patchcore.PatchCoreError as error:
        answers.put(str(error))


@with_wgpu
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_spawned_process_computes_and_a_forked_one_is_told_that_it_cannot(method: str) -> None:
    data = patchcore.PatchCore(device="wgpu", **SETTINGS).fit(GOOD).to_bytes()
    model = patchcore.Model.from_bytes(data, device="wgpu")
    expected = [float(score) for score in model.score_array(NEW)]
    answers: multiprocessing.Queue[object] = multiprocessing.get_context(method).Queue()
    process = SPAWN.Process if method == "spawn" else FORK.Process
    worker = process(target=_scores, args=(data, "wgpu", answers))
    worker.start()
    said = answers.get(timeout=120)
    worker.join(timeout=60)
    assert worker.exitcode == 0
    if method == "spawn":
        assert said == expected
    else:
        assert isinstance(said, str) and "cannot be used in a fork" in said


def _uses(model: patchcore.Model, answers: multiprocessing.Queue[object]) -> None:
    try:
        answers.put(model.score_array(NEW).tolist())
    except patchcore.PatchCoreError as error:
        answers.put(str(error))


@with_wgpu
def test_a_model_that_a_fork_has_from_its_parent_is_refused() -> None:
    model = patchcore.PatchCore(device="wgpu", **SETTINGS).fit(GOOD).model_
    model.score_array(NEW)
    answers: multiprocessing.Queue[object] = FORK.Queue()
    worker = FORK.Process(target=_uses, args=(model, answers))
    worker.start()
    said = answers.get(timeout=120)
    worker.join(timeout=60)
    assert isinstance(said, str) and "cannot be used in a fork" in said
    # The parent goes on.
    assert model.score_array(NEW).shape == (len(NEW),)
