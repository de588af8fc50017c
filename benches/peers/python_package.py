"""The Python package beside the program and beside anomalib: every side in a process of its own, in turn, CPU seconds of all cores, wall
seconds and the largest memory of each.

    python python_package.py --program patchcore --ours PYTHON --anomalib PYTHON --data bottle/ --weights resnet18.onnx [--rounds 3]

OURS: an interpreter with this package, ANOMALIB: one with anomalib; they may be the same. Prints one table of medians."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIT_OURS = """
import sys, glob, patchcore
model = patchcore.PatchCore(mode="anomalib", backbone="resnet18", weights=sys.argv[2], coreset_sampling_ratio=0.1)
model.fit(sorted(glob.glob(sys.argv[1] + "/train/good/*"))[:20])
print(len(model.score(sorted(glob.glob(sys.argv[1] + "/test/*/*")))))
"""
FIT_ANOMALIB = """
import sys, glob, torch, numpy
from PIL import Image
from anomalib.models import Patchcore
from anomalib.models.image.patchcore.torch_model import PatchcoreModel
torch.set_grad_enabled(False)
model = PatchcoreModel(layers=["layer2", "layer3"], backbone="resnet18", pre_trained=False, num_neighbors=9)
view = Patchcore.configure_pre_processor().transform
def photo(file):
    pixels = numpy.asarray(Image.open(file).convert("RGB")).copy()
    return view(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)
model.train()
model.feature_extractor.eval()
for file in sorted(glob.glob(sys.argv[1] + "/train/good/*"))[:20]:
    model(photo(file))
model.subsample_embedding(sampling_ratio=0.1)
model.eval()
print(len([float(model(photo(file)).pred_score) for file in sorted(glob.glob(sys.argv[1] + "/test/*/*"))]))
"""
SCORE = """
import sys, patchcore
print(len(patchcore.load(sys.argv[1]).score(sys.argv[2:])))
"""
METRICS = """
import json, sys, time, numpy
random = numpy.random.default_rng(7)
masks = numpy.zeros((40, 512, 512), dtype=bool)
for at in range(1, 40, 2):
    for row in range(6):
        for column in range(6):
            masks[at, row * 85:row * 85 + 12 + at // 4, column * 85:column * 85 + 12 + at // 4] = True
maps = (random.normal(size=masks.shape) + 1.5 * masks).astype(numpy.float32)
scores, labels = maps.ravel(), masks.ravel()
def ours():
    from patchcore import metrics
    return {"auroc": lambda: metrics.auroc(scores, labels), "average_precision": lambda: metrics.average_precision(scores, labels),
            "aupro_0.3": lambda: metrics.aupro(maps, masks)}
def theirs():
    import torch
    from sklearn.metrics import average_precision_score, roc_auc_score
    from anomalib.metrics.aupro import _AUPRO
    def aupro():
        metric = _AUPRO(fpr_limit=0.3)
        metric.update(torch.from_numpy(maps), torch.from_numpy(masks).int())
        return float(metric.compute())
    return {"auroc": lambda: roc_auc_score(labels, scores), "average_precision": lambda: average_precision_score(labels, scores),
            "aupro_0.3": aupro}
found = {}
for name, metric in (ours if sys.argv[1] == "ours" else theirs)().items():
    started = time.process_time()
    value = float(metric())
    found[name] = [value, time.process_time() - started]
print(json.dumps(found))
"""

# torch's aligned blocks of some MiB, which glibc takes from its heap once a first one was freed, find no room in the holes that they leave:
# anomalib's selection of 2,047 rows among 20,480 grew by 12 MB a row until it was killed at 24 GiB. With a fixed threshold they are mapped.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}


def taken(command):
    """Output, wall seconds, CPU seconds and largest memory in MiB of a command."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, env=os.environ | ENVIRONMENT)
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        if status:
            sys.exit(f"{command[:3]} failed: {said[-2000:]}")
        output.seek(0)
        return output.read().decode(), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def table(name, sides, rounds):
    """Medians of some rounds of each side, which take turns."""
    found = {side: [] for side in sides}
    for _ in range(rounds):
        for side, command in sides.items():
            found[side].append(taken(command)[1:])
    for side, runs in found.items():
        wall, cpu, peak = (statistics.median(column) for column in zip(*runs))
        print(f"| {name} | {side} | {cpu:.2f} | {wall:.2f} | {peak:.0f} |", flush=True)


def installed(python):
    """MiB of everything that is installed beside an interpreter, without pip and what it brings."""
    folder = Path(subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True).strip())
    left_out = ("pip", "setuptools", "_distutils_hack", "pkg_resources", "wheel")
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return sum(file.stat().st_size for file in files if not file.relative_to(folder).parts[0].startswith(left_out)) / 2**20


def main():
    asks = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "ours", "anomalib", "data", "weights"):
        asks.add_argument(f"--{name}", required=True)
    asks.add_argument("--rounds", type=int, default=3)
    asks.add_argument("--only-fits", action="store_true")
    asked = asks.parse_args()
    if asked.only_fits:
        return fits(asked)
    print("| what | side | CPU seconds | seconds | peak, MiB |\n|---|---|---|---|---|")
    table("import", {"patchcore": [asked.ours, "-c", "import patchcore"], "anomalib": [asked.anomalib, "-c", "from anomalib.models import Patchcore"]}, asked.rounds)
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/m.patchcore"
        taken([asked.program, "fit", "--data", f"{asked.data}/train/good", "-o", model])
        photos = [str(photo) for photo in sorted(Path(asked.data).glob("test/*/*"))] * 6
        sides = {"the wheel": [asked.ours, "-c", SCORE, model, *photos], "the program": [asked.program, "score", "--model", model, *photos]}
        table(f"{len(photos)} photos scored", sides, asked.rounds)
    values = {side: json.loads(taken([python, "-c", METRICS, side])[0]) for side, python in (("ours", asked.ours), ("theirs", asked.anomalib))}
    print("\n| metric of 10,485,760 pixels | patchcore | CPU seconds | scikit-learn, anomalib | CPU seconds |\n|---|---|---|---|---|")
    for name, (value, seconds) in values["ours"].items():
        theirs, their_seconds = values["theirs"][name]
        print(f"| {name} | {value:.8f} | {seconds:.2f} | {theirs:.8f} | {their_seconds:.2f} |")
    fits(asked)
    print(f"\ninstalled: {installed(asked.ours):.0f} MiB here, {installed(asked.anomalib):.0f} MiB with anomalib")


def fits(asked):
    """A fit and the scores of a test set, the same network, input and rules on both sides."""
    sides = {"patchcore": [asked.ours, "-c", FIT_OURS, asked.data, asked.weights], "anomalib": [asked.anomalib, "-c", FIT_ANOMALIB, asked.data]}
    print("\n| what | side | CPU seconds | seconds | peak, MiB |\n|---|---|---|---|---|")
    table("fit of 20 photos and 83 scores, ResNet-18", sides, asked.rounds)


main()
