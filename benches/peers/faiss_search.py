"""Peer of the search rows: faiss-cpu's IndexFlatL2, as it comes. ms per image of 784 queries, or per query for k > 1."""

import numpy as np
from side import main, timed

PATCHES, IMAGES, STEP = 784, 4, 131


def set_up(row, work, _shared, threads):
    import faiss

    _, data, dim, rows, k = row
    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatL2(int(dim))
    index.add(np.load(work / f"{data}_{dim}_bank.npy")[: int(rows)])
    queries = np.load(work / f"{data}_{dim}_queries.npy")[: IMAGES * PATCHES]
    k = int(k)
    if k == 1:
        parts = queries.reshape(IMAGES, PATCHES, -1)
    else:
        parts = queries[::STEP, None, :]

    def search():
        for part in parts:
            index.search(part, k)

    return lambda: timed(search) / len(parts)


main(set_up)
