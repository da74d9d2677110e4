"""The samples of several hosts as one."""

import numpy as np

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.knn.reservoir import Reservoir

PIECE_BYTES = 16 << 20
"""How much of a sample travels from every host at a time."""


def joined(sample: Reservoir, collective: Collective, *, everywhere: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """An even sample of all hosts' records, as large as one host's may be: vectors (m, width) and labels (m,).

    On the first host, and on the others if `everywhere`; else None there. Hosts that all read the very same records
    (FullyReplicated) count as one, or every neighbour would come several times. A collective call.
    """
    if collective.size == 1:
        return sample.vectors, sample.labels
    told = collective.gather([sample.seen, sample.checksum])
    if all(one == told[0] for one in told):
        told = [told[0]] + [[0, 0]] * (collective.size - 1)
    shares = share([seen for seen, _ in told], sample.size)
    vectors, labels = sample.draw(shares[collective.rank])
    wanted = everywhere or collective.rank == 0
    rows = max(1, PIECE_BYTES // (4 * vectors.shape[1]))
    total = sum(shares) if wanted else 0
    all_vectors, all_labels = np.empty((total, vectors.shape[1]), np.float32), np.empty(total, np.float32)
    firsts = np.cumsum([0, *shares])
    for start in range(0, max(shares), rows):
        piece = slice(start, start + rows)
        found = collective.gather({"vectors": vectors[piece], "labels": labels[piece]})
        if wanted:
            for first, one in zip(firsts, found, strict=False):
                place = slice(first + start, first + start + len(one["labels"]))
                all_vectors[place], all_labels[place] = one["vectors"], one["labels"]
    return (all_vectors, all_labels) if wanted else None


def share(seen: list[int], size: int) -> list[int]:
    """How many records of each host make an even sample of `size`, or of all if there are fewer.

    >>> share([100, 0, 300], 40)
    [10, 0, 30]
    """
    total = sum(seen)
    size = min(size, total)
    ends = [sum(seen[: rank + 1]) * size // max(total, 1) for rank in range(len(seen))]
    return [end - before for end, before in zip(ends, [0, *ends], strict=False)]
