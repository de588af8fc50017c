"""Peer of the metrics rows: anomalib's own metrics, as they come. ms for the same 10.5 million pixels."""

import numpy as np
from side import main, timed

SIDE, MAPS, SQUARES = 512, 40, 6


def mixed(x):
    for shift, factor in ((15, 2654435761), (13, 2246822519), (16, 3266489917)):
        x = (x * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
        x ^= x >> np.uint64(shift)
    return x


def maps():
    """As src/rows/metrics.rs makes them."""
    r, c = np.mgrid[0:SIDE, 0:SIDE]
    cell = SIDE // SQUARES
    scores, masks = [], []
    for number in range(MAPS):
        def in_square(along):
            return (along % cell < 12 + number // 4) & (along < SQUARES * cell)

        mask = in_square(r) & in_square(c) & (number % 2 == 1)
        at = np.arange(number * SIDE * SIDE, (number + 1) * SIDE * SIDE, dtype=np.uint64).reshape(SIDE, SIDE)
        uniform = sum((mixed(at + np.uint64(s)) >> np.uint64(8)) / float(1 << 24) for s in (0, 1 << 30))
        scores.append((10 + 5 * uniform + np.where(mask, 20 / 3, 0)).astype(np.float32))
        masks.append(mask)
    return np.stack(scores), np.stack(masks)


def set_up(row, _work, _shared, threads):
    import torch
    from anomalib.metrics.aupr import _AUPR
    from anomalib.metrics.aupro import _AUPRO
    from anomalib.metrics.auroc import _AUROC
    from anomalib.metrics.pimo.functional import aupimo_scores

    torch.set_num_threads(threads)
    scores, masks = (torch.from_numpy(array) for array in maps())
    masks = masks.int()
    # torchmetrics puts a sigmoid around what is not in [0, 1].
    shares, truths = (scores / 32).flatten(), masks.flatten()

    def aupimo():
        return aupimo_scores(scores, masks)[4]

    def every():
        values = [aupimo()]
        for metric in (_AUROC(), _AUPR()):
            metric.update(shares, truths)
            values.append(metric.compute())
        for limit in (0.05, 0.3):
            metric = _AUPRO(fpr_limit=limit)
            metric.update(scores, masks)
            values.append(metric.compute())
        return values

    what = {"aupimo": aupimo, "all": every}[row[1]]
    return lambda: timed(what)


main(set_up)
