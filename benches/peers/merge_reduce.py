"""anomalib's MergeReduceMemoryBank beside a bank of ours, on the same rows: how far the rows lie from either.

    python merge_reduce.py ALL.patchcore OURS.patchcore

ALL: a model of one bank with every patch (`patchcore fit --mode paper --coreset-sampling-ratio 1`); OURS: one of the same photos within a
budget (`--bank-rows 1000 --memory ...`). The peer gets the rows photo by photo, in their order, and as many rows as ours."""

import json
import sys
import time

import numpy as np
import torch
from anomalib.models.image.mh_patchcore.components import MergeReduceMemoryBank
from safetensors.numpy import load_file

SHARES = [0.5, 0.9, 0.99, 1.0]


def distances(rows, bank):
    """L2 of every row to its nearest row of the bank, in float64."""
    bank = torch.from_numpy(bank).double()
    found = [torch.cdist(part.double(), bank).min(dim=1).values for part in torch.from_numpy(rows).split(4096)]
    return torch.cat(found).numpy()


def told(rows, bank):
    away = np.sort(distances(rows, bank))
    at = [float(away[min(int(np.ceil(share * len(away))), len(away)) - 1]) for share in SHARES]
    return {"rows": len(bank), "shares": SHARES, "distances": at}


every, ours = load_file(sys.argv[1]), load_file(sys.argv[2])
rows, photos = every["memory_bank"], every["origins"][:, 0]
bank = ours["memory_bank"]
started = time.perf_counter()
peer = MergeReduceMemoryBank(memory_bank_size=len(bank))
for photo in np.unique(photos):
    peer.update(torch.from_numpy(rows[photos == photo]))
peer.finalize()
seconds = time.perf_counter() - started
print(json.dumps({"patches": len(rows), "ours": told(rows, bank), "peer": told(rows, peer.bank.numpy()), "peer_seconds": seconds}))
