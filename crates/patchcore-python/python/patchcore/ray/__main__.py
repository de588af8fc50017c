"""``python -m patchcore.ray score|fit|calibrate|evaluate MANIFEST MODEL OUT``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from .. import storage
from .._patchcore import PatchCoreError
from ..estimator import PatchCore
from . import calibrate, evaluate, fit_products, score

_SETTINGS = "a setting of PatchCore, its value in JSON or as a word; may be said several times"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m patchcore.ray",
        description="Fit and score tables of photos on a Ray cluster: the one that RAY_ADDRESS names, else this machine.",
        epilog="A table has the columns image_path[, label, split, product, mask_path], in Parquet or CSV. A run that is started again goes on.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str, model: str, out: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help, description=help)
        one.add_argument("manifest", metavar="MANIFEST", help="table of photos")
        one.add_argument("model", metavar="MODEL", help=model)
        one.add_argument("out", metavar="OUT", help=out)
        one.add_argument("--num-cpus", type=int, default=1, metavar="N", help="processors of each worker [default: 1]")
        return one

    read = "model, or the folder of PRODUCT.patchcore"
    scoring = command("score", "Score every photo", read, "folder of the results, in Parquet")
    scoring.add_argument("--concurrency", type=int, metavar="N", help="workers [default: as many as there are processors for]")
    scoring.add_argument("--block-rows", type=int, default=256, metavar="N", help="photos of one file [default: 256]")
    fitting = command("fit", "Fit a model of each product", "model to write, or the folder of them", "folder in which shards are kept")
    fitting.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=_SETTINGS)
    fitting.add_argument("--shard-photos", type=int, default=1000, metavar="N", help="photos of a shard [default: 1000]")
    fitting.add_argument("--memory", type=int, metavar="BYTES", help="bytes for the patches and banks of a shard [default: no limit]")
    calibrating = command("calibrate", "Set the threshold of each product", read, "model to write, or the folder of them")
    calibrating.add_argument("--fpr", type=float, required=True, help="largest rate of false alarms")
    calibrating.add_argument("--confidence", type=float, default=0.95, help="with which it holds [default: 0.95]")
    command("evaluate", "Metrics of each product", read, "file of JSON to write")
    return parser


def _estimator(said: Sequence[str]) -> PatchCore:
    values: dict[str, Any] = {}
    for one in said:
        name, equals, value = one.partition("=")
        if not equals:
            raise PatchCoreError(f"--set {one}: it is NAME=VALUE")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return PatchCore().set_params(**values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0, 1 for an error, 3 where some photos have none but an error."""
    said = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        if said.command == "score":
            summary = score(
                said.manifest,
                said.model,
                said.out,
                concurrency=said.concurrency,
                num_cpus=said.num_cpus,
                block_rows=said.block_rows,
            )
            print(f"{summary.photos} photos, {summary.already} of them already there, {summary.errors} errors: {said.out}")
            return 3 if summary.errors else 0
        if said.command == "fit":
            written = fit_products(
                said.manifest,
                said.model,
                _estimator(said.set),
                shard_photos=said.shard_photos,
                memory=said.memory,
                num_cpus=said.num_cpus,
                work=said.out,
            )
            print("\n".join(written.values()))
        elif said.command == "calibrate":
            thresholds = calibrate(
                said.manifest, said.model, said.out, fpr=said.fpr, confidence=said.confidence, num_cpus=said.num_cpus
            )
            for product, threshold in thresholds.items():
                print(f"{product or os.path.basename(said.out)}: threshold {threshold:.6f}")
        else:
            metrics = evaluate(said.manifest, said.model, num_cpus=said.num_cpus)
            storage.write_bytes(said.out, json.dumps(metrics, indent=1).encode())
            print(said.out)
    except (PatchCoreError, OSError) as error:
        # Of a worker's error the cause, without the worker's stack.
        print(f"error: {getattr(error, 'cause', error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
