"""Files of other programs, written by hand: pickles opcode by opcode, the zip of torch.save, a network with made weights."""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import patchcore
from patchcore import importers

Array = npt.NDArray[Any]
STORAGES = {"float32": "FloatStorage", "float16": "HalfStorage", "int64": "LongStorage"}


class Name:
    """What a pickle names: a class or a function."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """The result of calling one, with a state."""

    def __init__(self, what: Name, *args: Any, state: Any = None) -> None:
        self.what, self.args, self.state = what, args, state


class Tensor:
    """A tensor, whose values lie beside the pickle. It may claim another shape and other strides than it has."""

    def __init__(self, values: Array, shape: tuple[int, ...] | None = None, steps: tuple[int, ...] | None = None) -> None:
        self.values = np.ascontiguousarray(values).reshape(np.shape(values))
        own = tuple(step // self.values.itemsize for step in self.values.strides)
        self.shape, self.steps = self.values.shape if shape is None else shape, own if steps is None else steps


class Writer:
    """Writes objects as a pickle of protocol 2, and keeps the storages of their tensors."""

    def __init__(self) -> None:
        self.parts = [b"\x80\x02"]
        self.storages: list[bytes] = []

    def put(self, value: Any) -> None:
        if isinstance(value, Name):
            self.parts.append(b"c" + value.module.encode() + b"\n" + value.name.encode() + b"\n")
        elif isinstance(value, Call):
            self.put(value.what)
            self.put(tuple(value.args))
            self.parts.append(b"R")
            if value.state is not None:
                self.put(value.state)
                self.parts.append(b"b")
        elif isinstance(value, Tensor):
            self.tensor(value)
        elif isinstance(value, dict):
            self.parts.append(b"}(")
            for key, part in value.items():
                self.put(key)
                self.put(part)
            self.parts.append(b"u")
        elif isinstance(value, list):
            self.parts.append(b"](")
            for part in value:
                self.put(part)
            self.parts.append(b"e")
        elif isinstance(value, tuple):
            self.parts.append(b"(")
            for part in value:
                self.put(part)
            self.parts.append(b"t")
        else:
            # Plain values: the body of their own pickle, without its head and its end.
            body = pickle.dumps(value, 2)[2:-1]
            self.parts.append(body)

    def tensor(self, tensor: Tensor) -> None:
        key, values = str(len(self.storages)), tensor.values
        self.storages.append(values.tobytes())
        self.put(Name("torch._utils", "_rebuild_tensor_v2"))
        self.parts.append(b"(")
        self.put(("storage", Name("torch", STORAGES[values.dtype.name]), key, "cpu", values.size))
        self.parts.append(b"Q")
        for part in (0, tensor.shape, tensor.steps, False, Call(Name("collections", "OrderedDict"))):
            self.put(part)
        self.parts.append(b"tR")

    def bytes(self) -> bytes:
        return b"".join(self.parts) + b"."


def pickled(value: Any) -> bytes:
    """A pickle of plain values, names and calls."""
    writer = Writer()
    writer.put(value)
    return writer.bytes()


def save(path: Path, value: Any, **zip_options: Any) -> Path:
    """As torch.save writes it."""
    writer = Writer()
    writer.put(value)
    with zipfile.ZipFile(path, "w", **zip_options) as file:
        file.writestr("archive/data.pkl", writer.bytes())
        file.writestr("archive/byteorder", "little")
        for key, data in enumerate(writer.storages):
            file.writestr(f"archive/data/{key}", data)
    return path


def resnet18(seed: int) -> dict[str, Array]:
    """Weights of a ResNet-18 up to layer3 under torchvision's names, with BatchNorms, made so that its maps neither vanish nor grow."""
    random = np.random.default_rng(seed)
    tensors: dict[str, Array] = {}

    def convolution(name: str, norm: str, outputs: int, inputs: int, side: int) -> None:
        weight = random.normal(0, (2 / (inputs * side * side)) ** 0.5, (outputs, inputs, side, side))
        tensors[f"{name}.weight"] = weight.astype(np.float32)
        for part, low, high in (("weight", 0.5, 1), ("bias", -0.2, 0.2), ("running_mean", -0.2, 0.2), ("running_var", 0.5, 1.5)):
            tensors[f"{norm}.{part}"] = random.uniform(low, high, outputs).astype(np.float32)
        tensors[f"{norm}.num_batches_tracked"] = np.array(3)

    convolution("conv1", "bn1", 64, 3, 7)
    inputs = 64
    for stage, outputs in (("layer1", 64), ("layer2", 128), ("layer3", 256)):
        for block in range(2):
            at = f"{stage}.{block}"
            convolution(f"{at}.conv1", f"{at}.bn1", outputs, inputs, 3)
            convolution(f"{at}.conv2", f"{at}.bn2", outputs, outputs, 3)
            if inputs != outputs:
                convolution(f"{at}.downsample.0", f"{at}.downsample.1", outputs, inputs, 1)
            inputs = outputs
    return tensors


def transform(name: str, **arguments: Any) -> dict[str, Any]:
    """anomalib's description of a transform."""
    return {"class_path": f"torchvision.transforms.v2.{name}", "init_args": arguments}


def resize(*size: int, **changes: Any) -> dict[str, Any]:
    """torchvision's Resize."""
    arguments = {"size": list(size), "interpolation": "bilinear", "max_size": None, "antialias": True}
    return transform("Resize", **{**arguments, **changes})


NORMALIZE = transform("Normalize", mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225], inplace=False)


def compose(*parts: dict[str, Any]) -> dict[str, Any]:
    """torchvision's Compose."""
    return transform("Compose", transforms=list(parts))


def checkpoint(weights: dict[str, Array], bank: Array, **changes: Any) -> dict[str, Any]:
    """What a Lightning checkpoint of anomalib 2.7 holds. Changes are of its top level, or of `hyper_parameters` and `buffers` by name."""
    numbers = {"_image_threshold": 4.0, "_pixel_threshold": 3.0, "image_min": 1.0, "image_max": 5.0, "pixel_min": 0.5, "pixel_max": 4.5}
    numbers.update(changes.pop("buffers", {}))
    state: dict[str, Any] = {f"post_processor.{name}": Tensor(np.float32(value)) for name, value in numbers.items()}
    state["model.memory_bank"] = Tensor(bank)
    for name, values in weights.items():
        state[f"model.feature_extractor.feature_extractor.{name}"] = Tensor(values)
    about = {
        "backbone": "resnet18",
        "layers": ["layer2", "layer3"],
        "pre_trained": True,
        "coreset_sampling_ratio": 0.25,
        "num_neighbors": 9,
        "precision": Call(Name("anomalib", "PrecisionType"), "float32"),
        **changes.pop("hyper_parameters", {}),
    }
    content: dict[str, Any] = {
        "epoch": 1,
        "state_dict": state,
        "hyper_parameters": about,
        "anomalib_components_enabled": {"pre_processor": True, "post_processor": True, "evaluator": True, "visualizer": False},
        "anomalib_pre_processor_config": {"transform": compose(resize(96, 96), NORMALIZE)},
        "anomalib_post_processor_config": {
            "enable_normalization": True,
            "enable_thresholding": True,
            "enable_threshold_matching": True,
            "image_sensitivity": 0.5,
            "pixel_sensitivity": 0.5,
        },
    }
    content.update(changes)
    return content


def flat_index(bank: Array, letters: bytes = b"IxF2", metric: int = 1) -> bytes:
    """What faiss writes of an IndexFlatL2."""
    rows = np.ascontiguousarray(bank, "<f4")
    head = struct.pack("<4siqqqBiQ", letters, rows.shape[1], rows.shape[0], 1 << 20, 1 << 20, 1, metric, rows.size)
    return head + rows.tobytes()


def write_folder(folder: Path, bank: Array, prefix: str = "", **changes: Any) -> Path:
    """What the authors' code saves."""
    parameters = {
        "backbone.name": "resnet18",
        "layers_to_extract_from": ["layer2", "layer3"],
        "input_shape": (3, 80, 80),
        "pretrain_embed_dimension": 1024,
        "target_embed_dimension": 1024,
        "patchsize": 3,
        "patchstride": 1,
        "anomaly_scorer_num_nn": 3,
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{prefix}patchcore_params.pkl").write_bytes(pickled(parameters))
    (folder / f"{prefix}nnscorer_search_index.faiss").write_bytes(flat_index(bank))
    return folder


def onnx_tensors(path: Path) -> dict[str, Array]:
    """The float tensors of an ONNX file, without the package onnx: fields of protobuf, as far as these have them."""

    def fields(data: bytes) -> list[tuple[int, Any]]:
        at = 0
        found: list[tuple[int, Any]] = []

        def number() -> int:
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
                if byte < 128:
                    return value

        while at < len(data):
            key = number()
            if key & 7 == 0:
                found.append((key >> 3, number()))
            elif key & 7 == 2:
                length = number()
                found.append((key >> 3, data[at : at + length]))
                at += length
            else:
                at += 8 if key & 7 == 1 else 4
        return found

    tensors: dict[str, Array] = {}
    graph = next(value for field, value in fields(path.read_bytes()) if field == 7)
    for field, value in fields(graph):
        if field == 5:
            parts = fields(value)
            name = next(part.decode() for field, part in parts if field == 8)
            raw = next(part for field, part in parts if field == 9)
            sides = [part for field, part in parts if field == 1]
            tensors[name] = np.frombuffer(raw, "<f4").reshape([side for side in sides if isinstance(side, int)])
    return tensors


def quietly(path: Path, **said: Any) -> patchcore.PatchCore:
    """The import without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", patchcore.PatchCoreWarning)
        return importers.from_anomalib(path, **said)
