"""A fit of anomalib's bounded model (mh_patchcore) on a folder of photos, as it comes: three passes, photos one by one. Its network is of the
same kind as ours, with random weights: time and memory do not depend on them. `cargo xtask coverage --python` times the process."""

import sys
from pathlib import Path

import numpy as np
import torch
from anomalib.models.image.mh_patchcore.lightning_model import MHPatchcore
from PIL import Image

torch.set_grad_enabled(False)
torch.manual_seed(0)
model = MHPatchcore(
    backbone="tf_efficientnet_lite0",
    layers=["blocks.2", "blocks.4"],
    pre_trained=False,
    evaluator=False,
    visualizer=False,
    post_processor=False,
)
model.model.train()
model.model.feature_extractor.eval()
view = MHPatchcore.configure_pre_processor().transform
files = sorted(Path(sys.argv[1]).iterdir())
core = model.model
for stage in range(3):
    for file in files:
        pixels = np.asarray(Image.open(file).convert("RGB"))
        batch = view(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255)
        rows = core(batch)
        if stage == 0:
            core.pca.update(rows)
        elif stage == 1:
            core.covariance.update(core.pca(rows))
        else:
            core.memory_bank.update(core.covariance(core.pca(rows)))
    [core.pca, core.covariance, core.memory_bank][stage].finalize()
print(tuple(core.memory_bank.bank.shape))
