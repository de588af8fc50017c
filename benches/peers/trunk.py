"""What the peers of the trunk rows share: the photograph, and onnxruntime with the network."""

import numpy as np


def images(work, batch):
    """[batch, 3, 224, 224], all of them the same photograph."""
    return np.repeat(np.load(work / "input.npy").reshape(1, 3, 224, 224), batch, 0)


def onnxruntime_session(work, backbone, threads):
    """A session on so many threads of the CPU, and the names of the maps that our side computes, too."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(work / f"{backbone}.onnx", options, providers=["CPUExecutionProvider"])
    # The published ResNet-18 file has a third output, which nobody asks for.
    return session, [output.name for output in session.get_outputs() if output.name != "layer1"]
