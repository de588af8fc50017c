"""Writes the ONNX files of the trunk rows into a folder: ResNets, ResNeXts, DenseNets and the larger EfficientNet-Lites with
random weights (the time of a network does not depend on them), EfficientNet-Lite0 up to block 7 with the weights that the
program embeds.

Every convolution has its BatchNorm folded in, as our side has it. A DenseNet's normalisations before a convolution stand there
as torchvision's file has them, and its transitions convolve before they pool. Usage: onnx_models.py FOLDER EFFICIENTNET_SAFETENSORS
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """An ONNX graph that grows by one fused layer at a time."""

    def __init__(self, tensors=None):
        self.nodes, self.initializers = [], []
        self.tensors = tensors
        self.random = np.random.default_rng(0)
        self.count = 0

    def node(self, kind, inputs, output=None, **attributes):
        self.count += 1
        output = output or f"value{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def tensor(self, name, values):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def conv(self, name, at, channels, kernel, stride, pads, groups=1):
        into, out = channels
        shape = (out, into // groups, kernel, kernel)
        if self.tensors is None:
            # He initialisation, a little smaller: the residual sums do not grow out of range.
            spread = 0.7 * np.sqrt(2 / np.prod(shape[1:]))
            weight, bias = self.random.normal(0, spread, shape), self.random.normal(0, 0.05, out)
        else:
            weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
            assert weight.shape == shape, (name, weight.shape, shape)
        inputs = [at, self.tensor(f"{name}.weight", weight), self.tensor(f"{name}.bias", bias)]
        geometry = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": pads, "group": groups}
        return self.node("Conv", inputs, **geometry)

    def write(self, path, outputs):
        for index, output in enumerate(outputs):
            self.node("Identity", [output], f"level{index}")
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 224, 224])
        free = ["n", None, None, None]
        levels = [helper.make_tensor_value_info(f"level{i}", TensorProto.FLOAT, free) for i in range(len(outputs))]
        graph = helper.make_graph(self.nodes, "trunk", [image], levels, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def bottleneck_resnet(path, width, groups=1, depths=(3, 4, 6)):
    graph = Graph()

    def conv(name, at, channels, kernel, stride, groups=1):
        return graph.conv(name, at, channels, kernel, stride, [kernel // 2] * 4, groups)

    relu = lambda at: graph.node("Relu", [at])
    at = relu(conv("conv1", "image", (3, 64), 7, 2))
    at = graph.node("MaxPool", [at], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels, levels = 64, []
    for stage, blocks in enumerate(depths):
        inner, out = width << stage, 256 << stage
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            name = f"layer{stage + 1}.{block}"
            shortcut = conv(f"{name}.downsample.0", at, (channels, out), 1, stride) if block == 0 else at
            inside = relu(conv(f"{name}.conv1", at, (channels, inner), 1, 1))
            inside = relu(conv(f"{name}.conv2", inside, (inner, inner), 3, stride, groups))
            inside = conv(f"{name}.conv3", inside, (inner, out), 1, 1)
            at = relu(graph.node("Add", [inside, shortcut]))
            channels = out
        levels.append(at)
    graph.write(path, levels[1:])


def densenet(path, depths):
    graph = Graph()

    def norm_relu(name, at, channels):
        parts = [np.ones(channels), np.zeros(channels), graph.random.normal(0, 0.1, channels), np.full(channels, 1.0)]
        kinds = ["weight", "bias", "running_mean", "running_var"]
        tensors = [graph.tensor(f"{name}.{kind}", values) for kind, values in zip(kinds, parts)]
        return graph.node("Relu", [graph.node("BatchNormalization", [at] + tensors, epsilon=1e-5)])

    at = graph.node("Relu", [graph.conv("features.conv0", "image", (3, 64), 7, 2, [3] * 4)])
    at = graph.node("MaxPool", [at], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels, levels = 64, []
    for block, layers in enumerate(depths):
        if block > 0:
            name = f"features.transition{block}"
            at = norm_relu(f"{name}.norm", at, channels)
            at = graph.conv(f"{name}.conv", at, (channels, channels // 2), 1, 1, [0] * 4)
            at = graph.node("AveragePool", [at], kernel_shape=[2, 2], strides=[2, 2])
            channels //= 2
        for layer in range(layers):
            name = f"features.denseblock{block + 1}.denselayer{layer + 1}"
            inside = norm_relu(f"{name}.norm1", at, channels)
            inside = graph.node("Relu", [graph.conv(f"{name}.conv1", inside, (channels, 128), 1, 1, [0] * 4)])
            inside = graph.conv(f"{name}.conv2", inside, (128, 32), 3, 1, [1] * 4)
            at = graph.node("Concat", [at, inside], axis=1)
            channels += 32
        levels.append(at)
    graph.write(path, levels[1:])


def efficientnet_lite(path, safetensors, repeats, widths):
    from safetensors.numpy import load_file

    tensors = None
    if safetensors is not None:
        tensors = {name: values.astype(np.float32) for name, values in load_file(safetensors).items()}
    graph = Graph(tensors)
    low, high = graph.tensor("low", np.float32(0)), graph.tensor("high", np.float32(6))
    side = 224

    def conv(name, at, channels, kernel, stride, groups=1):
        # TensorFlow's "same": what does not divide evenly goes to the right and the bottom.
        nonlocal side
        pad = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        side = -(-side // stride)
        return graph.conv(name, at, channels, kernel, stride, [pad // 2, pad // 2, pad - pad // 2, pad - pad // 2], groups)

    clip = lambda at: graph.node("Clip", [at, low, high])
    at, channels, levels = clip(conv("stem", "image", (3, 32), 3, 2)), 32, []
    # Expansion, kernel, stride, channels out of every block of the first four stages.
    blocks, ends = [], []
    for (expand, kernel, stride), repeat, out in zip([(1, 3, 1), (6, 3, 2), (6, 5, 2), (6, 3, 2)], repeats, widths):
        blocks += [(expand, kernel, stride if index == 0 else 1, out) for index in range(repeat)]
        ends.append(len(blocks) - 1)
    for index, (expand, kernel, stride, out) in enumerate(blocks):
        name, inner, before = f"blocks.{index}", channels * expand, at
        if expand != 1:
            at = clip(conv(f"{name}.expand", at, (channels, inner), 1, 1))
        at = clip(conv(f"{name}.depthwise", at, (inner, inner), kernel, stride, inner))
        at = conv(f"{name}.project", at, (inner, out), 1, 1)
        if stride == 1 and channels == out:
            at = graph.node("Add", [at, before])
        channels = out
        if index in ends[2:]:
            levels.append(at)
    graph.write(path, levels)


def main():
    folder, safetensors = Path(sys.argv[1]), sys.argv[2]
    makers = {
        "resnet50": lambda path: bottleneck_resnet(path, 64),
        "wide_resnet50_2": lambda path: bottleneck_resnet(path, 128),
        "resnext50_32x4d": lambda path: bottleneck_resnet(path, 128, 32),
        "resnext101_32x8d": lambda path: bottleneck_resnet(path, 256, 32, (3, 4, 23)),
        "densenet121": lambda path: densenet(path, (6, 12, 24)),
        "densenet201": lambda path: densenet(path, (6, 12, 48)),
        "efficientnet_lite0": lambda path: efficientnet_lite(path, safetensors, (1, 2, 2, 3), (16, 24, 40, 80)),
        "efficientnet_lite1": lambda path: efficientnet_lite(path, None, (1, 3, 3, 4), (16, 24, 40, 80)),
        "efficientnet_lite2": lambda path: efficientnet_lite(path, None, (1, 3, 3, 4), (16, 24, 48, 88)),
    }
    for name, make in makers.items():
        path = folder / f"{name}.onnx"
        if not path.exists():
            make(path)


if __name__ == "__main__":
    main()
