"""Peer of the rows of reduced precision: OpenVINO on one instruction set, in int8, bf16 or f32. ms per image, batch 1.

The int8 networks are made by NNCF as it comes: all convolutions quantised, weights for each channel, fast bias correction,
calibrated on 60 photographs of good parts. What ran is read from the compiled network: a row whose convolutions are of
another precision or instruction set than it says is left out.
"""

import os
import sys

import numpy as np
from side import Skip, main, timed
from trunk import images

# Our name of a set: what caps OpenVINO to it, what the processor's flags must have, what the names of all its kernels have.
SETS = {
    "avx2": ("AVX2", "avx2", "_avx2_"),
    "avx_vnni": ("AVX2_VNNI", "avx_vnni", "_avx2_"),
    "avx512": ("AVX512_CORE", "avx512f", "_avx512_"),
    "avx512_vnni": ("AVX512_CORE_VNNI", "avx512_vnni", "_avx512_"),
    "avx512_bf16": ("AVX512_CORE_BF16", "avx512_bf16", "_avx512_"),
    "amx": ("AVX512_CORE_AMX", "amx_tile", "_avx512_"),
}
KERNELS = {"int8": "_i8", "bf16": "_bf16", "f32": "_f32"}
# Elsewhere it is refused, or accepted and made of many instructions.
HAVE_BF16 = ["avx512_bf16", "amx"]
CALIBRATED = 60
# Of the features' size: 0.06 to 0.33 were measured; what is far above is no longer the network.
LARGEST_ERROR = 0.6


def photographs(work, backbone):
    """Photographs of good parts as the network takes them, 224 x 224; one more than calibrates."""
    from PIL import Image

    imagenet = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    lite = np.float32(127 / 255), np.float32(128 / 255)
    mean, deviation = lite if backbone == "efficientnet_lite0" else imagenet
    for path in sorted((work / "bottle100").glob("*.png"))[: CALIBRATED + 1]:
        photo = Image.open(path).convert("RGB").resize((256, 256), Image.BILINEAR).crop((16, 16, 240, 240))
        yield ((np.asarray(photo, np.float32) / 255 - mean) / deviation).transpose(2, 0, 1)[None].copy()


def float_network(work, backbone):
    import openvino

    # Constants folded, which `read_model` leaves: NNCF would then leave depthwise convolutions and biases as they are.
    model = openvino.convert_model(work / f"{backbone}.onnx", input=[("image", [1, 3, 224, 224])])
    # The published ResNet-18 file has a third output, which nobody asks for.
    for result in [one for one in model.get_results() if "layer1" in one.input_value(0).get_names()]:
        model.remove_result(result)
    return model


def int8_network(core, work, backbone):
    """Made once, and held against the float one on a photograph that it has not seen."""
    import nncf
    import openvino

    path = work / f"{backbone}_int8.xml"
    if not path.exists():
        *calibrating, other = photographs(work, backbone)
        model = nncf.quantize(float_network(work, backbone), nncf.Dataset(calibrating), subset_size=CALIBRATED)
        hints = {"INFERENCE_PRECISION_HINT": "f32"}
        answers = [core.compile_model(one, "CPU", hints)(other) for one in (model, float_network(work, backbone))]
        ours, expected = [[answer[index] for index in range(len(answer))] for answer in answers]
        rms = lambda values: np.sqrt(np.mean(np.square(values)))
        off = [rms(one - other) / rms(other) for one, other in zip(ours, expected)]
        print(f"{backbone} in int8 is off by {', '.join(f'{one:.2f}' for one in off)} of its features", file=sys.stderr)
        if not max(off) <= LARGEST_ERROR:
            raise Skip(f"OpenVINO's int8 features are off by {off} of their size")
        openvino.save_model(model, path, compress_to_fp16=False)
    return core.read_model(path)


def convolutions(compiled):
    """The names of the kernels that run as convolutions, such as `brgconv_avx512_1x1_i8`."""
    operations = [operation.get_rt_info() for operation in compiled.get_runtime_model().get_ordered_ops()]
    of = lambda info, key: info[key].astype(str)
    return {of(info, "primitiveType").lower() for info in operations if of(info, "layerType").endswith("Convolution")}


def set_up(row, work, _shared, threads):
    _, backbone, instructions, precision = row
    if instructions not in SETS:
        raise Skip(f"OpenVINO cannot be held to {instructions}")
    if precision == "bf16" and instructions not in HAVE_BF16:
        raise Skip(f"{instructions} has no bf16")
    cap, flag, kernel = SETS[instructions]
    with open("/proc/cpuinfo") as file:
        flags = next((line for line in file if line.startswith("flags")), "").split()
    if flag not in flags:
        raise Skip(f"this processor has no {flag}")
    # Read when the first kernel is chosen.
    os.environ["ONEDNN_MAX_CPU_ISA"] = cap
    import openvino

    core = openvino.Core()
    model = int8_network(core, work, backbone) if precision == "int8" else float_network(work, backbone)
    hints = {
        # What int8 leaves in float.
        "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        # Both of two virtual processors, whether or not they share a core.
        "ENABLE_HYPER_THREADING": True,
    }
    compiled = core.compile_model(model, "CPU", hints)
    if compiled.get_property("INFERENCE_NUM_THREADS") != threads:
        raise Skip(f"OpenVINO does not take {threads} threads")
    ran = convolutions(compiled)
    others = [name for name in ran if kernel not in name or not name.endswith(KERNELS[precision])]
    # Depthwise convolutions and the first one have no products of tiles.
    without_tiles = instructions == "amx" and precision != "f32" and not any("_amx" in name for name in ran)
    if others or not ran or without_tiles:
        raise Skip(f"OpenVINO's convolutions ran as {', '.join(sorted(ran)) or 'nothing'}")
    print(f"OpenVINO, {cap}: {', '.join(sorted(ran))}", file=sys.stderr)
    request = compiled.create_infer_request()
    inputs = {0: images(work, 1)}
    # Without copies of input and outputs.
    return lambda: timed(lambda: request.infer(inputs, share_inputs=True, share_outputs=True))


main(set_up)
