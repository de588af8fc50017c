"""Models of anomalib's Patchcore, read without anomalib and without torch."""

from __future__ import annotations

import math
import os
import warnings
from typing import Any

import numpy as np

from .._patchcore import Model, PatchCoreError, PatchCoreWarning
from ..estimator import PatchCore
from .geometry import settings_of_transform
from .inert import Record, fields, plain, shown, tensors
from .safetensors import encode
from .torch_file import TorchFile, Values

__all__ = ["from_anomalib"]

#: timm's names of networks that the catalogue has, as anomalib's users write them.
NETWORKS = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "wide_resnet50_2",
    "wide_resnet101_2",
    "resnext50_32x4d",
    "resnext101_32x8d",
)
LAYERS = ("layer1", "layer2", "layer3", "layer4")
#: Twice those of the largest network.
MOST_WEIGHTS = 1 << 28
#: The network within the model.
EXTRACTOR = "feature_extractor.feature_extractor."
POST_PROCESSOR = "post_processor."
#: The geometry of anomalib 2.x where nobody says another.
DEFAULT_VIEW: dict[str, Any] = {"resize": (256, 256)}


class _Found:
    """What a file says of a model."""

    def __init__(self, file: TorchFile) -> None:
        self.file = file
        content = file.content
        parts = fields(content)
        if isinstance(parts.get("state_dict"), (dict, Record)):
            # Of Lightning: names and tensors, and how the model was made.
            self.named = dict(fields(parts["state_dict"]))
            self.about = fields(parts.get("hyper_parameters"))
            self.pre_processor = self._pre_processor_of_checkpoint(parts)
            self.rules = fields(parts.get("anomalib_post_processor_config"))
            enabled = {**self.about, **fields(parts.get("anomalib_components_enabled"))}
            self.has_verdicts = enabled.get("post_processor", True) is not False
            self.has_view = enabled.get("pre_processor", True) is not False
            # It had one, which is not in the file.
            self.view_is_lost = self.pre_processor is None and (
                "transform" in fields(parts.get("anomalib_pre_processor_config")) or isinstance(self.about.get("pre_processor"), Record)
            )
        elif isinstance(parts.get("model"), Record):
            # Of Engine.export: the model itself.
            model = parts["model"]
            self.named = dict(tensors(model))
            modules = fields(fields(model).get("_modules"))
            inner = modules.get("model", model)
            self.about = dict(fields(inner))
            self.pre_processor = fields(fields(modules.get("pre_processor")).get("_modules")).get("transform")
            self.rules = fields(modules.get("post_processor"))
            self.has_verdicts = isinstance(modules.get("post_processor"), Record)
            self.has_view = isinstance(modules.get("pre_processor"), Record)
            self.view_is_lost = self.has_view and self.pre_processor is None
        else:
            kind = ", ".join(sorted(map(shown, parts))[:8]) or type(content).__name__
            raise PatchCoreError(
                f"{file.path} holds {kind}, expected a Lightning checkpoint (state_dict) or a model of Engine.export (model) of anomalib 2.x"
            )

    @staticmethod
    def _pre_processor_of_checkpoint(parts: dict[Any, Any]) -> Any:
        """The transform; None where the checkpoint does not have it."""
        described = fields(parts.get("anomalib_pre_processor_config")).get("transform")
        if described is not None:
            return described
        # Until 2.6 the object itself, where the user gave one.
        given = fields(parts.get("hyper_parameters")).get("pre_processor")
        if not isinstance(given, Record):
            return None
        attributes = fields(given)
        return fields(attributes.get("_modules")).get("transform", attributes.get("transform"))

    def under(self, prefix: str) -> dict[str, Any]:
        """The tensors whose names have a prefix somewhere in front, by what comes behind it."""
        return {name.split(prefix, 1)[1]: value for name, value in self.named.items() if isinstance(name, str) and prefix in name}

    def number(self, name: str) -> float:
        """A buffer of the post-processor that is one number; not a number where it is not there."""
        buffers = self.under(POST_PROCESSOR)
        value = buffers.get(name, buffers.get(f"_{name}"))
        if not self.file.is_tensor(value):
            return math.nan
        values = self.file.tensor(value, name)
        return float(values.reshape(-1)[0]) if values.size == 1 else math.nan

    def rule(self, name: str, otherwise: Any) -> Any:
        """A setting of the post-processor."""
        value = self.rules.get(name)
        return otherwise if value is None else value


def from_anomalib(
    path: str | os.PathLike[str],
    *,
    resize: int | tuple[int, int] | None = None,
    crop: int | tuple[int, int] | None = None,
    threads: int | None = None,
) -> PatchCore:
    """A model of anomalib's Patchcore.

    Neither torch nor anomalib is imported, and nothing of the file is run: the pickle's names become records.

    Parameters
    ----------
    path : path
        A Lightning checkpoint (``.ckpt``) of anomalib 2.x, or the ``.pt`` of ``Engine.export(ExportType.TORCH)``.
    resize : int or (int, int), optional
        Short side after the resize, or both as (width, height), where the file does not say.
    crop : int or (int, int), optional
        Centre crop after it, as (width, height), where the file does not say.
    threads : int, optional
        Threads of the model. Default: one for each processor.

    Returns
    -------
    PatchCore
        Of mode ``anomalib``, with the bank, the network's weights and the thresholds of the file. Photos and their names, coverage and scores of
        good photos are not in such a file, and not in the model.

    Raises
    ------
    PatchCoreError
        No such file, or a model that cannot be computed the same here; the text names what was found.

    Warns
    -----
    PatchCoreWarning
        What of the file the model has no place for, and what was taken where the file says nothing.
    """
    with TorchFile(path) as file:
        found = _Found(file)
        bank = _bank(found)
        settings = _settings(found, len(bank), resize, crop)
        weights = _weights(found)
        thresholds = _thresholds(found)
    model = Model.of_bank(
        bank,
        settings,
        weights=weights,
        image_threshold=thresholds[0],
        pixel_threshold=thresholds[1],
        threads=threads,
    )
    return PatchCore.of_model(model, **settings, threads=threads)


def _warn(text: str) -> None:
    warnings.warn(text, PatchCoreWarning, stacklevel=4)


def _bank(found: _Found) -> Values:
    banks = [value for name, value in found.named.items() if str(name).rsplit(".", 1)[-1] == "memory_bank"]
    if len(banks) != 1:
        raise PatchCoreError(f"{found.file.path} has {len(banks)} tensors memory_bank, expected one: it is no checkpoint of Patchcore")
    bank = found.file.tensor(banks[0], "memory_bank")
    if found.file.is_half(banks[0]):
        _warn("anomalib computes this model in float16, and here its weights and bank are computed with in float32: scores differ in the third digit")
    if bank.ndim != 2 or not len(bank):
        raise PatchCoreError(f"{found.file.path}: the memory bank has shape {bank.shape}: fit the model in anomalib before it is saved")
    return bank


def _settings(found: _Found, rows: int, resize: Any, crop: Any) -> dict[str, Any]:
    path, about = found.file.path, found.about
    backbone, layers = about.get("backbone"), about.get("layers")
    if not isinstance(backbone, str):
        raise PatchCoreError(f"{path} names no backbone, expected one of {', '.join(NETWORKS)}: networks of one's own are not imported")
    # timm's names may say which weights: resnet18.tv_in1k.
    network = backbone.split(".", 1)[0]
    if network not in NETWORKS:
        raise PatchCoreError(f"{path} has the backbone {shown(backbone)}, which is none of {', '.join(NETWORKS)}: fit anew with one of these")
    layers = list(layers) if isinstance(layers, (list, tuple)) else layers
    if not isinstance(layers, list) or not all(layer in LAYERS for layer in layers):
        raise PatchCoreError(f"{path} has the layers {shown(layers)}, expected some of {', '.join(LAYERS)} by name")
    if layers != sorted(set(layers)):
        raise PatchCoreError(f"{path} has the layers {', '.join(layers)}: the grid is the first one's, and here the first is the finest; fit anew")
    if found.about.get("tiler") is not None:
        raise PatchCoreError(f"{path} has a tiler, which joins tiles otherwise than here: fit anew with patchcore.PatchCore(tile=...)")
    neighbors = plain(about.get("num_neighbors", 9))
    if type(neighbors) is not int or neighbors < 1:
        raise PatchCoreError(f"{path} has num_neighbors {shown(neighbors)}, expected a whole number from 1")
    settings: dict[str, Any] = {
        "mode": "anomalib",
        "backbone": network,
        "layers": layers,
        # anomalib, too, takes no more than there are.
        "num_neighbors": min(neighbors, rows),
    }
    ratio = plain(about.get("coreset_sampling_ratio"))
    if isinstance(ratio, float) and 0 < ratio <= 1:
        settings["coreset_sampling_ratio"] = ratio
    if not found.has_view:
        raise PatchCoreError(f"{path} has no pre-processor, so its network sees photos that are not normalised: fit anew")
    if found.pre_processor is not None:
        if resize is not None or crop is not None:
            raise PatchCoreError(f"{path} has a pre-processor, so resize and crop are not said beside it")
        return {**settings, **settings_of_transform(found.pre_processor)}
    if found.view_is_lost and resize is None:
        raise PatchCoreError(f"{path} has a pre-processor whose transform is not in the file: say resize=, and crop= where it has one")
    if resize is None and crop is None:
        _warn(f"{path} does not say how photos are prepared: anomalib's default is taken, 256 x 256 without a crop; if that is wrong, say resize= and crop=")
        return {**settings, **DEFAULT_VIEW}
    said = {"resize": resize, "crop": crop}
    return {**settings, **DEFAULT_VIEW, **{name: value for name, value in said.items() if value is not None}}


def _weights(found: _Found) -> bytes:
    named = found.under(EXTRACTOR)
    path = found.file.path
    # How many batches a BatchNorm has seen is no weight.
    wanted = {name: value for name, value in named.items() if not name.endswith("num_batches_tracked")}
    if not wanted:
        raise PatchCoreError(f"{path} has no weights of the network ({EXTRACTOR}*): save the whole model")
    weights, values = {}, 0
    for name, value in wanted.items():
        weights[name] = found.file.tensor(value, name)
        values += weights[name].size
        if values > MOST_WEIGHTS:
            raise PatchCoreError(f"{path} has more than {MOST_WEIGHTS} weights, which no network of the catalogue has")
    return encode(weights)


def _thresholds(found: _Found) -> tuple[float | None, float | None]:
    """Those of photos and pixels, in the unit of raw scores."""
    thresholds = {kind: found.number(f"{kind}_threshold") for kind in ("image", "pixel")}
    ranges = {kind: (found.number(f"{kind}_min"), found.number(f"{kind}_max")) for kind in ("image", "pixel")}
    if not found.has_verdicts or not found.rule("enable_thresholding", True):
        _warn("the file has no thresholds: calibrate the model before it judges")
        return None, None
    if found.rule("enable_threshold_matching", True):
        own = dict(thresholds)
        for kind, other in (("image", "pixel"), ("pixel", "image")):
            if math.isnan(own[kind]):
                thresholds[kind] = own[other]
    values: list[float | None] = []
    for kind in ("image", "pixel"):
        threshold, (least, largest) = thresholds[kind], ranges[kind]
        normalizes = bool(found.rule("enable_normalization", True)) and math.isfinite(least) and math.isfinite(largest)
        sensitivity = plain(found.rule(f"{kind}_sensitivity", 0.5))
        if not isinstance(sensitivity, (int, float)):
            raise PatchCoreError(f"{found.file.path} has the {kind}_sensitivity {shown(sensitivity)}, expected a number")
        if math.isfinite(threshold) and not normalizes:
            # anomalib then compares raw scores with 1 - sensitivity, whatever threshold it has found.
            _warn(
                f"anomalib does not normalise scores of this model and judges {kind} scores by {1 - sensitivity}, not by the threshold "
                f"{threshold:.6g} that it has found; the model has the latter"
            )
        elif math.isfinite(threshold):
            if not 0 < sensitivity < 1:
                _warn(f"the {kind} sensitivity is {sensitivity}, with which anomalib calls all or nothing anomalous: the model has no such threshold")
                threshold = math.nan
            else:
                threshold += (0.5 - sensitivity) * (largest - least)
            _warn(
                f"anomalib shows {kind} scores normalised (0.5 at {thresholds[kind]:.6g}, 1 / {largest - least:.6g} for each unit); those of the model are raw"
            )
        values.append(float(np.float32(threshold)) if math.isfinite(threshold) else None)
    if values[0] is None:
        _warn("the file has no threshold for photos (anomalib finds it in validation): calibrate the model before it judges")
    if values[1] is None:
        _warn("the file has no threshold for pixels: masks and regions are empty until there is one")
    return values[0], values[1]
