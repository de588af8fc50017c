"""Peer of the coreset, scoring and fit rows: the steps of the authors' code (amazon-science/patchcore-inspection,
Apache-2.0), which is no package, rebuilt with torch, faiss-cpu and scipy: unfold, two adaptive average poolings, the
plain approximate-greedy loop, IndexFlatL2, bilinear growth and a Gaussian. Checked against the golden vectors at start.

Rows: coreset/N/PICKS, score/authors, fit/authors. The loop over picks is timed for the first PROBE picks only and
multiplied: every pick costs the same.
"""

import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from side import main, timed

LEVELS, DIM, GRID, SIDE, PROJECTED = ("layer2", "layer3"), 1024, 28, 224, 128
RATIO, STARTS, PROBE, BATCH = 0.1, 10, 100, 8


def backbone(shared):
    """torchvision's ResNet-18 with the weights of the shared ONNX file: BatchNorm is folded there, so ours only adds."""
    import onnx
    import torch
    import torchvision
    from onnx import numpy_helper

    model = onnx.load(shared / "weights/resnet18-imagenet1k-v1-trunk.onnx")
    folded = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}
    network = torchvision.models.resnet18(weights=None).eval()
    fill(network, folded)
    return network


def fill(network, folded):
    """Puts folded weights and biases into convolutions and the BatchNorm that follows each."""
    import torch

    modules = dict(network.named_modules())
    with torch.no_grad():
        for name, tensor in folded.items():
            layer, kind = name.rsplit(".", 1)
            if kind == "weight":
                modules[layer].weight.copy_(tensor)
                continue
            # conv1 -> bn1, downsample.0 -> downsample.1
            norm = modules[layer[:-1] + "1" if "downsample" in layer else layer.replace("conv", "bn")]
            norm.weight.fill_(1)
            norm.bias.copy_(tensor)
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)


class Authors:
    """The pieces of the authors' pipeline for ResNet-18, levels 2 and 3, 224 x 224."""

    def __init__(self, shared, threads):
        import faiss
        import torch
        from torchvision import transforms

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        faiss.omp_set_num_threads(threads)
        self.network = backbone(shared)
        self.view = transforms.Compose(
            [
                transforms.Resize(256),
                transforms.CenterCrop(SIDE),
                transforms.ToTensor(),
                transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ]
        )
        self.check(shared)

    def levels(self, images):
        n = self.network
        x = n.maxpool(n.relu(n.bn1(n.conv1(images))))
        second = n.layer2(n.layer1(x))
        return [second, n.layer3(second)]

    def embed(self, images):
        """Rows [images * 784, 1024]."""
        import torch
        import torch.nn.functional as F

        pooled = []
        for level in self.levels(images):
            n, channels, height, width = level.shape
            planes = F.unfold(level, 3, padding=1).reshape(n, channels * 9, height, width)
            if height != GRID:
                flat = planes.reshape(n * channels * 9, 1, height, width)
                flat = F.interpolate(flat, size=(GRID, GRID), mode="bilinear", align_corners=False)
                planes = flat.reshape(n, channels * 9, GRID, GRID)
            vectors = planes.permute(0, 2, 3, 1).reshape(-1, 1, channels * 9)
            pooled.append(F.adaptive_avg_pool1d(vectors, DIM).squeeze(1))
        stacked = torch.stack(pooled, 1).reshape(-1, 1, 2 * DIM)
        return F.adaptive_avg_pool1d(stacked, DIM).squeeze(1)

    def map(self, scores):
        import scipy.ndimage
        import torch
        import torch.nn.functional as F

        grid = torch.from_numpy(scores).reshape(1, 1, GRID, GRID)
        grown = F.interpolate(grid, size=(SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0].numpy()
        return scipy.ndimage.gaussian_filter(grown, sigma=4)

    def score(self, picture, index):
        rows = self.embed(self.view(picture)[None]).numpy()
        scores = index.search(np.ascontiguousarray(rows), 1)[0].mean(1)
        return scores.max(), self.map(scores)

    def check(self, shared):
        """Our rebuilding against what the authors' code gave."""
        import torch
        from safetensors.numpy import load_file

        golden, bank = load_file(shared / "golden/defect.safetensors"), load_file(shared / "golden/bank.safetensors")
        rows = self.embed(torch.from_numpy(golden["input"])).numpy()
        np.testing.assert_allclose(rows[golden["rows"]], golden["embedding_rows"], atol=1e-4)
        scores = flat_index(bank["bank"]).search(rows, 1)[0][:, 0]
        np.testing.assert_allclose(scores.max(), golden["image_score"].reshape(-1)[0], rtol=1e-3)
        np.testing.assert_allclose(self.map(scores), golden["map_smoothed"], atol=1e-2)
        greedy = load_file(shared / "golden/greedy.safetensors")
        features = torch.from_numpy(greedy["approx_projected"])
        starts = torch.from_numpy(greedy["approx_start_points"]).long()
        picks = ApproximateGreedy(features, starts).pick(len(greedy["approx_indices"]))
        assert picks == greedy["approx_indices"].tolist(), "the greedy loop picks other rows than the authors'"


def flat_index(bank):
    import faiss

    index = faiss.IndexFlatL2(bank.shape[1])
    index.add(np.ascontiguousarray(bank, np.float32))
    return index


class ApproximateGreedy:
    """The plain loop: distances of all rows to the last pick, running minimum, argmax."""

    def __init__(self, features, starts):
        self.features = features
        self.nearest = self.distances(features[starts]).mean(1, keepdim=True)

    def distances(self, others):
        import torch

        own = self.features.unsqueeze(1).bmm(self.features.unsqueeze(2)).reshape(-1, 1)
        their = others.unsqueeze(1).bmm(others.unsqueeze(2)).reshape(1, -1)
        return torch.sqrt((own - 2 * self.features.mm(others.T) + their).clamp(min=0))

    def pick(self, count):
        import torch

        picks = []
        for _ in range(count):
            row = torch.argmax(self.nearest).item()
            picks.append(row)
            both = torch.cat([self.nearest, self.distances(self.features[row : row + 1])], 1)
            self.nearest = both.min(1).values.reshape(-1, 1)
        return picks


def random_starts(rows):
    return np.random.default_rng(0).choice(rows, STARTS, replace=False).tolist()


def coreset(row, work, _shared, threads):
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    rows, picks = int(row[1]), int(row[2])
    greedy = ApproximateGreedy(torch.from_numpy(np.load(work / f"projected_{rows}.npy")), random_starts(rows))
    probe = max(10, PROBE * 78_400 // max(rows, 78_400))

    def measure():
        started = time.perf_counter()
        greedy.pick(probe)
        return (time.perf_counter() - started) * 1e3 / probe * picks

    return measure


def pictures(folder):
    from PIL import Image

    return [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))]


def score(_row, work, shared, threads):
    authors = Authors(shared, threads)
    index = flat_index(np.load(work / "bottle_authors_bank.npy"))
    photos = pictures(work / "bottle_score")

    def run():
        for photo in photos:
            authors.score(photo, index)

    return lambda: timed(run) / len(photos)


def fit(_row, work, shared, threads):
    import torch
    from PIL import Image

    authors = Authors(shared, threads)
    files = sorted((work / "bottle100").glob("*.png"))

    def measure():
        started = time.perf_counter()
        # One thread decodes ahead, as on our side.
        with ThreadPoolExecutor(1) as decoder:
            inputs = decoder.map(lambda path: authors.view(Image.open(path).convert("RGB")), files)
            rows, batch = [], []
            for view in inputs:
                batch.append(view)
                if len(batch) == BATCH:
                    rows.append(authors.embed(torch.stack(batch)))
                    batch = []
            if batch:
                rows.append(authors.embed(torch.stack(batch)))
        rows = torch.cat(rows)
        count = int(len(rows) * RATIO)
        greedy = ApproximateGreedy(torch.nn.Linear(DIM, PROJECTED, bias=False)(rows), random_starts(len(rows)))
        before = time.perf_counter()
        greedy.pick(PROBE)
        loop = time.perf_counter() - before
        index = flat_index(rows[:count].numpy())
        import faiss

        faiss.write_index(index, str(work / "fitted.faiss"))
        with open(work / "fitted.pkl", "wb") as file:
            pickle.dump({"levels": LEVELS, "dim": DIM}, file)
        return (time.perf_counter() - started + loop * (count / PROBE - 1)) * 1e3

    return measure


if __name__ == "__main__":
    rows = {"coreset": coreset, "score": score, "fit": fit}
    main(lambda row, work, shared, threads: rows[row[0]](row, work, shared, threads))
