"""Peer of the trunk rows: onnxruntime on the CPU, as it comes, with as many threads as our side. ms per image."""

from side import main, timed
from trunk import images, onnxruntime_session


def set_up(row, work, _shared, threads):
    _, backbone, batch = row
    session, outputs = onnxruntime_session(work, backbone, threads)
    inputs = {"image": images(work, int(batch))}
    return lambda: timed(lambda: session.run(outputs, inputs)) / int(batch)


main(set_up)
