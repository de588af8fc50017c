"""Models that the authors' code (amazon-science/patchcore-inspection) has saved, read without faiss and without torch."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from .._patchcore import Model, PatchCoreError
from ..estimator import PatchCore, Weights
from .faiss_file import read_flat_index
from .inert import fields, read_pickle, shown

__all__ = ["from_authors"]

INDEX, PARAMETERS = "nnscorer_search_index.faiss", "patchcore_params.pkl"
#: The authors' names of networks that the catalogue has with the same weights.
NETWORKS = {
    "wideresnet50": "wide_resnet50_2",
    "wideresnet101": "wide_resnet101_2",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "resnext101": "resnext101_32x8d",
    "densenet121": "densenet121",
    "densenet201": "densenet201",
    # Not in their list, and used with it all the same.
    "resnet18": "resnet18",
    "resnet34": "resnet34",
}
#: The short side after the resize that the authors pair with each crop.
RESIZE_OF_CROP = {224: 256, 320: 366}


def from_authors(
    folder: str | os.PathLike[str],
    *,
    weights: Weights | None = None,
    resize: int | None = None,
    member: int | None = None,
    threads: int | None = None,
) -> PatchCore:
    """A model of the authors' code.

    Neither faiss nor torch is imported, and nothing of the pickle is run.

    Parameters
    ----------
    folder : path
        With ``nnscorer_search_index.faiss`` and ``patchcore_params.pkl``.
    weights : path, optional
        ONNX or safetensors file of the network's ImageNet weights, which the folder does not have. Without it as for any model.
    resize : int, optional
        Short side before the crop, which the folder does not say. Default: the authors' own pairs, 256 for a crop of 224 and 366 for 320.
    member : int, optional
        Of an ensemble the network wanted, from 1.
    threads : int, optional
        Threads of the model. Default: one for each processor.

    Returns
    -------
    PatchCore
        Of mode ``authors``. Their code saves no threshold, no photos and no coverage: the model has none either.

    Raises
    ------
    PatchCoreError
        No such folder, another index, or a model that cannot be computed the same here; the text names what was found.
    """
    prefix = _prefix(Path(folder), member)
    parameters = Path(folder) / f"{prefix}{PARAMETERS}"
    settings = _settings(parameters, resize)
    if weights is not None:
        settings["weights"] = weights
    bank = read_flat_index(Path(folder) / f"{prefix}{INDEX}")
    settings["num_neighbors"] = min(settings["num_neighbors"], len(bank))
    return PatchCore.of_model(Model.of_bank(bank, settings, threads=threads), **settings, threads=threads)


def _prefix(folder: Path, member: int | None) -> str:
    """What stands before the files' names: nothing, or `Ensemble-1-3_`."""
    if not folder.is_dir():
        raise PatchCoreError(f"{folder} is no folder, expected the one with {INDEX} and {PARAMETERS}")
    names = sorted(path.name.removesuffix(PARAMETERS) for path in folder.iterdir() if path.name.endswith(PARAMETERS))
    members = {int(found[1]): name for name in names if (found := re.fullmatch(r"Ensemble-(\d+)-\d+_", name))}
    if member is None:
        if "" in names:
            return ""
        if members:
            raise PatchCoreError(
                f"{folder} holds an ensemble of {len(members)} networks: import one of them with member=1 to {max(members)}, or fit all of them "
                "here with PatchCore(preset='authors-ensemble')"
            )
        raise PatchCoreError(f"{folder} has no {PARAMETERS}, expected a folder that the authors' code saved")
    if member not in members:
        raise PatchCoreError(f"{folder} has no network {member} of an ensemble (it has {', '.join(map(str, sorted(members))) or 'none'})")
    return members[member]


def _settings(path: Path, resize: int | None) -> dict[str, Any]:
    try:
        found = fields(read_pickle(path.read_bytes(), str(path)))
    except OSError as error:
        raise PatchCoreError(f"{path} cannot be read ({error})") from error

    def number(name: str) -> int:
        value = found.get(name)
        if type(value) is not int or value < 1:
            raise PatchCoreError(f"{path}: {name} is {shown(value)}, expected a whole number from 1")
        return value

    backbone, layers = found.get("backbone.name"), found.get("layers_to_extract_from")
    network = NETWORKS.get(backbone) if isinstance(backbone, str) else None
    if network is None:
        raise PatchCoreError(f"{path} has the backbone {shown(backbone)}, which is none of {', '.join(NETWORKS)}: fit anew with one of these")
    if not isinstance(layers, (list, tuple)) or not all(isinstance(layer, str) for layer in layers):
        raise PatchCoreError(f"{path} has the layers {shown(layers)}, expected their names")
    if number("patchstride") != 1:
        raise PatchCoreError(f"{path} has patchstride {found['patchstride']}, expected 1: every cell has its patch here; fit anew")
    shape = found.get("input_shape")
    if not isinstance(shape, (list, tuple)) or len(shape) != 3 or not all(type(side) is int and side > 0 for side in shape):
        raise PatchCoreError(f"{path} has the input shape {shown(shape)}, expected 3 channels, height, width")
    height, width = shape[1:]
    if resize is None:
        resize = RESIZE_OF_CROP.get(height) if height == width else None
    if resize is None:
        raise PatchCoreError(f"{path} has inputs of {width} x {height} and does not say from which size they are cut: say resize=")
    return {
        "mode": "authors",
        "backbone": network,
        "layers": [layer.rsplit(".", 1)[-1] for layer in layers],
        "pretrain_embed_dimension": number("pretrain_embed_dimension"),
        "target_embed_dimension": number("target_embed_dimension"),
        "patch_size": number("patchsize"),
        "num_neighbors": number("anomaly_scorer_num_nn"),
        "resize": resize,
        "crop": (width, height),
    }
