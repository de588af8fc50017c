"""What the package does to processes: it starts none, survives fork and spawn, and ends on Ctrl-C."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import Pixels, grating

import patchcore

linux = pytest.mark.skipif(sys.platform != "linux", reason="signals, fork and the kernel's filters, as Linux has them")

#: A kernel's filter that ends a process which executes a program, whoever asks for it.
NO_EXEC = """
import ctypes, struct, sys

def forbid_exec():
    numbers = {"x86_64": (0xC000003E, 59, 322), "aarch64": (0xC00000B7, 221, 281)}
    architecture, *calls = numbers[sys.argv[1]]
    load, equal, answer = 0x20, 0x15, 0x06
    allow, kill = 0x7FFF0000, 0x80000000
    lines = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, allow), (load, 0, 0, 0)]
    lines += [(equal, 1, 0, calls[0]), (equal, 0, 1, calls[1]), (answer, 0, 0, kill), (answer, 0, 0, allow)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(lines), ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, fprog, 0, 0) == 0

def forbid_events(event, arguments):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"):
        raise AssertionError(event)
"""

WORK = """
import numpy as np
import patchcore
good = [np.random.default_rng(seed).integers(0, 255, (64, 64, 3), dtype=np.uint8) for seed in range(6)]
model = patchcore.PatchCore(resize=64).fit(good)
model = patchcore.PatchCore.of_model(patchcore.Model.from_bytes(model.to_bytes()))
assert model.score(good).shape == (6,)
assert patchcore.metrics.auroc([0.0, 1.0], [0, 1]) == 1.0
print("done")
"""


@linux
@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the numbers of the system's calls are those of these")
def test_no_process_is_started() -> None:
    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", NO_EXEC + script, platform.machine()], capture_output=True, text=True, timeout=120
        )

    worked = run("forbid_exec()\nsys.addaudithook(forbid_events)\n" + WORK)
    assert worked.returncode == 0 and worked.stdout == "done\n", worked.stderr
    # The filter and the hook work.
    assert run("forbid_exec()\nimport os\nos.execv('/bin/true', ['true'])").returncode == -signal.SIGSYS
    assert "AssertionError" in run("sys.addaudithook(forbid_events)\nimport os\nos.system('true')").stderr


COPIES = """
import numpy as np
import patchcore

def grown(photo):
    \"\"\"By how many bytes the process has grown at most while it scores a photo.\"\"\"
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    memory = lambda name: next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) * 1024
    before = memory("VmRSS")
    model.predict(photo)
    return memory("VmHWM") - before

photo = np.random.default_rng(0).integers(0, 255, (5000, 5000, 3), dtype=np.uint8)
model = patchcore.PatchCore(resize=64).fit([photo[:64, :64].copy()] * 3)
model.predict(photo)
print(photo.nbytes, grown(photo), grown(photo[:, ::-1]))
"""


@linux
def test_the_pixels_of_an_array_are_not_copied() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", COPIES], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    pixels, of_this, of_a_strided_one = map(int, done.stdout.split())
    assert of_this < pixels / 4
    # A strided array is copied: the test would see it.
    assert of_a_strided_one > pixels * 0.9


INTERRUPTED = """
import sys, time
import numpy as np
import patchcore

stage_to_interrupt = sys.argv[1]
grating = np.random.default_rng(0).integers(0, 255, (160, 160, 3), dtype=np.uint8)

def progress(stage, done, total):
    if stage == stage_to_interrupt and done > 0:
        print("now", flush=True)

model = patchcore.PatchCore(resize=160, coreset_sampling_ratio=0.5)
try:
    if stage_to_interrupt == "scoring":
        model.fit([grating] * 4).score([grating] * 100000, progress=progress)
    else:
        model.fit([grating] * (100000 if stage_to_interrupt == "features" else 150), progress=progress)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(0)
"""


@linux
@pytest.mark.parametrize("stage", ["features", "coreset", "scoring"])
def test_an_interrupt_is_heard_within_a_second(stage: str) -> None:
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", INTERRUPTED, stage], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        while (line := process.stdout.readline()) == "now\n":
            pass
        took = time.monotonic() - sent
        assert line == "interrupted\n", "the work was over before the signal came"
        assert took < 1.0
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()


@linux
def test_a_forked_process_scores(fitted: patchcore.PatchCore) -> None:
    photo = grating(120, spot=True)
    # The threads of this process are there before it forks, and not in the child.
    expected = fitted.predict(photo).pred_score
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of threads: these are what the test is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            # It does not wait for ever where there are no threads.
            signal.alarm(60)
            scores = [*fitted.score([photo]).tolist(), fitted.predict(photo).pred_score]
            os.write(writing, repr(scores).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = pipe.read()
    os.waitpid(child, 0)
    assert found == repr([expected, expected])


def score_of(data: bytes, photo: Pixels) -> float:
    return patchcore.Model.from_bytes(data).predict(photo).pred_score


def score_by(model: patchcore.PatchCore, photo: Pixels) -> float:
    return float(model.score([photo])[0])


def test_a_spawned_process_scores(fitted: patchcore.PatchCore) -> None:
    photo = grating(121)
    expected = fitted.predict(photo).pred_score
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(score_of, fitted.to_bytes(), photo).result(timeout=120) == expected
        assert pool.submit(score_by, fitted, photo).result(timeout=120) == expected


def test_the_program_gives_the_same_scores(fitted: patchcore.PatchCore, data_set: Path, tmp_path: Path) -> None:
    program = os.environ.get("PATCHCORE_PROGRAM")
    if program is None:
        pytest.skip("PATCHCORE_PROGRAM is not set")
    import json

    fitted.save(tmp_path / "part.patchcore")
    photos = sorted((data_set / "test" / "spot").iterdir())
    command = [program, "score", "--model", str(tmp_path / "part.patchcore"), "--format", "jsonl", *map(str, photos)]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    # The same bits: a number of the program names one float32.
    assert [np.float32(json.loads(row)["score"]) for row in rows] == fitted.score(photos).tolist()
