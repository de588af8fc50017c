"""Peer of the row score/anomalib: anomalib's own Patchcore model and preprocessing, as they come, with the bank that our
side fitted and the weights of the shared ONNX file. ms per photograph, from decoded pixels to score and map."""

import numpy as np
from side import main, timed


def set_up(_row, work, shared, threads):
    import onnx
    import torch
    from anomalib.models import Patchcore
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel
    from authors import fill, pictures
    from onnx import numpy_helper

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    model = PatchcoreModel(layers=["layer2", "layer3"], backbone="resnet18", pre_trained=False, num_neighbors=9)
    tensors = onnx.load(shared / "weights/resnet18-imagenet1k-v1-trunk.onnx").graph.initializer
    folded = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in tensors}
    fill(model.feature_extractor.feature_extractor, folded)
    model.eval()
    model.memory_bank = torch.from_numpy(np.load(work / "bottle_anomalib_bank.npy"))
    view = Patchcore.configure_pre_processor().transform
    photos = [torch.from_numpy(np.asarray(picture).copy()) for picture in pictures(work / "bottle_score")]

    def run():
        for photo in photos:
            pixels = photo.permute(2, 0, 1)[None].float() / 255
            model(view(pixels))

    return lambda: timed(run) / len(photos)


main(set_up)
