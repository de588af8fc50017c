"""Peer of the trunk rows: OpenVINO on the CPU, of the same ONNX files, with as many threads as our side. ms per image.

In f32, which has to be asked for: where the processor has bf16, OpenVINO takes that by default. Its maps are held against
onnxruntime's before anything is measured.
"""

import sys

import numpy as np
from side import Skip, main, timed
from trunk import images, onnxruntime_session

# Of the largest value: sums in another order, or by Winograd, are within 1e-5; bf16 is off by 1e-2.
TOLERANCE = 1e-4


def set_up(row, work, _shared, threads):
    import openvino

    _, backbone, batch = row
    input_images = images(work, int(batch))
    core = openvino.Core()
    model = core.read_model(work / f"{backbone}.onnx")
    # Of a size that is known beforehand kernels are chosen once.
    model.reshape(input_images.shape)
    hints = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        # Both of two virtual processors, whether or not they share a core.
        "ENABLE_HYPER_THREADING": True,
    }
    compiled = core.compile_model(model, "CPU", hints)
    took = {name: compiled.get_property(name) for name in ("INFERENCE_PRECISION_HINT", "INFERENCE_NUM_THREADS")}
    if took["INFERENCE_PRECISION_HINT"] != openvino.Type.f32 or took["INFERENCE_NUM_THREADS"] != threads:
        raise Skip(f"OpenVINO takes {took} instead of f32 on {threads} threads")
    request = compiled.create_infer_request()
    session, outputs = onnxruntime_session(work, backbone, threads)
    expected = session.run(outputs, {"image": input_images})
    del session

    def run():
        # Without copies of input and outputs.
        return request.infer({"image": input_images}, share_inputs=True, share_outputs=True)

    answer = run()
    off = max(np.abs(answer[name] - level).max() / np.abs(level).max() for name, level in zip(outputs, expected))
    if not off <= TOLERANCE:
        raise Skip(f"OpenVINO's maps are off by {off:.1e} of their largest value")
    print(f"OpenVINO's maps are within {off:.1e} of onnxruntime's, of the largest value", file=sys.stderr)
    return lambda: timed(run) / int(batch)


main(set_up)
