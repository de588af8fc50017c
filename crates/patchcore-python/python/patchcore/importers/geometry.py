"""torchvision's transforms of an anomalib pre-processor, as settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._patchcore import PatchCoreError
from .inert import Record, fields, plain, shown

__all__ = ["settings_of_transform"]

#: What the networks of the catalogue that anomalib has, too, expect of their input.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: A Compose may be in itself, and has no end then.
MOST_STEPS = 100
#: What to do about a geometry that cannot be had here.
REMEDY = "fit anew with patchcore.PatchCore(mode='anomalib', ...), or train in anomalib with Resize, CenterCrop and Normalize"


def _refused(found: str) -> PatchCoreError:
    return PatchCoreError(f"the pre-processor has {found}, which cannot be done the same here: {REMEDY}")


def _steps(transform: Any) -> list[tuple[str, Mapping[Any, Any]]]:
    """The names of all transforms with their arguments, in order."""
    found: list[tuple[str, Mapping[Any, Any]]] = []
    waiting, seen = [transform], 0
    while waiting:
        transform = waiting.pop()
        seen += 1
        if seen > MOST_STEPS:
            raise _refused(f"more than {MOST_STEPS} transforms")
        if isinstance(transform, Record):
            name, arguments = transform.path.rsplit(".", 1)[-1], fields(transform)
        elif isinstance(transform, dict) and isinstance(transform.get("class_path"), str):
            name, arguments = transform["class_path"].rsplit(".", 1)[-1], fields(transform.get("init_args"))
        else:
            raise _refused(f"a transform that is {type(transform).__name__}")
        if name != "Compose":
            found.append((name, arguments))
            continue
        within = arguments.get("transforms")
        if not isinstance(within, (list, tuple)):
            raise _refused("a Compose without its transforms")
        waiting.extend(reversed(within))
    return found


def _sides(name: str, size: Any) -> list[int]:
    """One side or (height, width)."""
    size = [size] if isinstance(size, int) else size
    if isinstance(size, (list, tuple)) and len(size) in (1, 2) and all(type(side) is int and side > 0 for side in size):
        return list(size)
    raise _refused(f"{name} to {shown(size)}")


def _is_near(values: Any, expected: Sequence[float]) -> bool:
    if not isinstance(values, (list, tuple)) or len(values) != len(expected):
        return False
    return all(isinstance(one, (int, float)) and abs(one - other) < 1e-6 for one, other in zip(values, expected))


def settings_of_transform(transform: Any) -> dict[str, Any]:
    """The settings that see photos as a transform does.

    Parameters
    ----------
    transform : dict or Record
        anomalib's description of a transform, or a pickled one.

    Returns
    -------
    dict
        ``resize``, and ``crop`` where it has one.

    Raises
    ------
    PatchCoreError
        It does what cannot be done the same here; the text names it.
    """
    settings: dict[str, Any] = {}
    normalized = False
    for name, arguments in _steps(transform):
        after = f"{name} after " + ("Normalize" if normalized else "another")
        if name == "Resize":
            if settings or normalized:
                raise _refused(after)
            if plain(arguments.get("interpolation", "bilinear")) not in ("bilinear", 2):
                raise _refused(f"Resize with interpolation {shown(plain(arguments['interpolation']))}")
            if arguments.get("antialias", True) is not True:
                raise _refused("Resize without antialias")
            if arguments.get("max_size") is not None:
                raise _refused(f"Resize with max_size {shown(arguments['max_size'])}")
            sides = _sides(name, arguments.get("size"))
            settings["resize"] = sides[0] if len(sides) == 1 else (sides[1], sides[0])
        elif name in ("CenterCrop", "ExportableCenterCrop"):
            if "crop" in settings or normalized:
                raise _refused(after)
            sides = _sides(name, arguments.get("size"))
            settings["crop"] = (sides[-1], sides[0])
        elif name == "Normalize":
            if normalized:
                raise _refused("Normalize twice")
            mean, std = arguments.get("mean"), arguments.get("std")
            if not _is_near(mean, MEAN) or not _is_near(std, STD):
                raise _refused(f"Normalize with mean {shown(mean)} and std {shown(std)} (here: mean {list(MEAN)}, std {list(STD)})")
            normalized = True
        else:
            raise _refused(shown(name))
    if not normalized:
        raise _refused("no Normalize")
    return {"resize": "keep", **settings}
