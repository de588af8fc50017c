"""The conversation with `cargo xtask bench-report` (see ../src/protocol.rs), the same for every peer.

A peer's script gives a function `set_up(row, work, shared, threads)` that returns a measurement (milliseconds) and calls
`main(set_up)`. What a script cannot measure, because a package is missing or for a reason of its own (`Skip`), becomes
`skip REASON`.
"""

import argparse
import resource
import statistics
import sys
import time
from pathlib import Path

BUDGET = 0.3


class Skip(Exception):
    """Why a row cannot be measured here, in one line."""


def timed(operation):
    """Milliseconds of one call: the median of as many as fit into BUDGET, without the first; a longer one once."""

    def once():
        started = time.perf_counter()
        operation()
        return time.perf_counter() - started

    first = once()
    if first > BUDGET:
        return first * 1e3
    calls = []
    while sum(calls) < BUDGET or len(calls) < 3:
        calls.append(once())
    return statistics.median(calls) * 1e3


def main(set_up):
    arguments = argparse.ArgumentParser()
    arguments.add_argument("row")
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--shared", type=Path, required=True)
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()
    # Whatever a package prints must not be taken for an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    try:
        measure = set_up(given.row.split("/"), given.work, given.shared, given.threads)
    except (ImportError, Skip) as error:
        print(f"skip {error}", file=answers, flush=True)
        return
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        if line.strip() == "peak":
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=answers, flush=True)
        else:
            print(measure(), file=answers, flush=True)
