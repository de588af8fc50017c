"""Import and verify models without Python code: ``python -m patchcore.importers anomalib model.ckpt -o part.patchcore``."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence

from .._patchcore import PatchCoreError, PatchCoreWarning
from ..estimator import PatchCore
from . import from_anomalib, from_authors, verify


def _size(text: str) -> int | tuple[int, int]:
    """256 or 320x256, as width x height."""
    width, by, height = text.partition("x")
    try:
        return (int(width), int(height)) if by else int(width)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: pixels, as 256 or 320x256") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m patchcore.importers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    anomalib = commands.add_parser("anomalib", help="a checkpoint or an exported .pt of anomalib's Patchcore")
    anomalib.add_argument("checkpoint")
    anomalib.add_argument("--resize", type=_size, help="as 256 or 320x256, where the file does not say")
    anomalib.add_argument("--crop", type=_size, help="centre crop, where the file does not say")
    authors = commands.add_parser("authors", help="a folder that the authors' code has saved")
    authors.add_argument("folder")
    authors.add_argument("--weights", help="ONNX or safetensors file of the network")
    authors.add_argument("--resize", type=int, help="short side before the crop")
    authors.add_argument("--member", type=int, help="of an ensemble the network, from 1")
    for command in (anomalib, authors):
        command.add_argument("-o", "--out", required=True, help="model to write")
    comparing = commands.add_parser("verify", help="score the same photos in both")
    comparing.add_argument("model")
    comparing.add_argument("reference", help="CSV (image_path,score), or an anomalib checkpoint where anomalib is installed")
    comparing.add_argument("photos", nargs="+", help="a folder, or files")
    comparing.add_argument("--tolerance", type=float, default=1e-3, help="largest share by which scores may differ [default: 0.001]")
    comparing.add_argument("--reference-threshold", type=float, help="from which score the other program calls a photo anomalous")
    return parser


def _imported(said: argparse.Namespace) -> PatchCore:
    if said.command == "anomalib":
        return from_anomalib(said.checkpoint, resize=said.resize, crop=said.crop)
    return from_authors(said.folder, weights=said.weights, resize=said.resize, member=said.member)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0, 1 for an error, 3 where scores or verdicts differ by more than the tolerance."""
    said = _parser().parse_args(arguments)
    try:
        if said.command == "verify":
            photos = said.photos[0] if len(said.photos) == 1 else said.photos
            found = verify(
                said.model, said.reference, photos, tolerance=said.tolerance, reference_threshold=said.reference_threshold
            )
            print(found)
            return 0 if found.ok else 3
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", PatchCoreWarning)
            model = _imported(said)
        for warning in told:
            print(f"warning: {warning.message}", file=sys.stderr)
        # The weights are the other program's: the file alone suffices.
        model.save(said.out, with_weights=True)
        print(f"{said.out}: {model.model_!r}")
    except (PatchCoreError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
