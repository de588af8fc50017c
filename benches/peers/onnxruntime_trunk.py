"""Peer of the trunk rows: onnxruntime on the CPU, as it comes, with as many threads as our side. ms per image."""

import numpy as np
from side import main, timed


def set_up(row, work, _shared, threads):
    import onnxruntime

    _, backbone, batch = row
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(work / f"{backbone}.onnx", options, providers=["CPUExecutionProvider"])
    # The published ResNet-18 file has a third output, which nobody asks for.
    outputs = [output.name for output in session.get_outputs() if output.name != "layer1"]
    image = np.load(work / "input.npy").reshape(1, 3, 224, 224)
    images = {"image": np.repeat(image, int(batch), 0)}
    return lambda: timed(lambda: session.run(outputs, images)) / int(batch)


main(set_up)
