"""Photos a second of `patchcore.ray.Scorer` with one and with two workers of one thread each, on this machine.

    python ray_scaling.py MODEL PHOTO... [--rounds 3]

Each number of workers scores the photos once and five times; the difference of both times is without the start of Ray and its workers."""

import argparse
import statistics
import time

import ray
from patchcore.ray import Scorer


def seconds(model, photos, workers):
    started = time.perf_counter()
    rows = ray.data.from_items([{"image_path": photo} for photo in photos], override_num_blocks=max(len(photos) // 32, 2))
    scored = rows.map_batches(Scorer, fn_constructor_args=(model,), batch_size=32, num_cpus=1, concurrency=workers)
    assert scored.materialize().count() == len(photos)
    return time.perf_counter() - started


def main():
    asks = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asks.add_argument("model")
    asks.add_argument("photos", nargs="+")
    asks.add_argument("--rounds", type=int, default=3)
    asked = asks.parse_args()
    ray.init(num_cpus=2, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    rates = {1: [], 2: []}
    for _ in range(asked.rounds):
        for workers, of_workers in rates.items():
            few, many = (seconds(asked.model, asked.photos * times, workers) for times in (1, 5))
            of_workers.append(4 * len(asked.photos) / (many - few))
    print("| workers | photos a second |\n|---|---|")
    for workers, of_workers in rates.items():
        print(f"| {workers} | {statistics.median(of_workers):.1f} |")


main()
