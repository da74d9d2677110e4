"""Entities from pairs: average linkage, so that a chain of doubtful pairs does not make one entity.

Two clusters join while the mean probability over all their pairs is at least the threshold; a pair that nobody compared
counts as 0. Clusters at a higher threshold therefore lie within those at a lower one. Only records that some chain of
likely pairs connects can join at all, so each connected component is clustered by itself.

Source: Sokal and Michener, "A statistical method for evaluating systematic relationships", University of Kansas Science
Bulletin 38, 1958; Hassanzadeh, Chiang, Lee and Miller, "Framework for evaluating clustering algorithms in duplicate
detection", PVLDB 2(1), 2009.
"""

from collections.abc import Iterator

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

LARGEST = 3000
"""Records of one component; larger ones are cut at a higher threshold."""
FORCED = 1e9
"""Weight of a pair that has to be together or apart: more than all others of its component can outweigh."""


def components(n: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The connected component of each of n records, (n,) int64, numbered by their first records."""
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(n, n))
    return numbered(connected_components(graph, directed=False)[1])


def numbered(labels: np.ndarray) -> np.ndarray:
    """The same partition with its parts numbered 0, 1, ... in order of their first records.

    >>> numbered(np.array([7, 3, 7, 5])).tolist()
    [0, 1, 0, 2]
    """
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[which]


def cluster(
    n: int,
    left: np.ndarray,
    right: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    forced: np.ndarray | None = None,
) -> np.ndarray:
    """The entity of each of n records, (n,) int64 from 0, numbered by their first records.

    left, right, probability: (P,) pairs, each at most once. forced: (P,) int8, 1 for pairs that must be together, -1
    for pairs that must not, 0 for others; where they contradict each other, apart wins. O(s^2) time and memory for a
    component of s records, s at most LARGEST (beyond that only as forced pairs demand).
    """
    firm = np.zeros(len(left), np.int8) if forced is None else forced
    worth = np.where(firm == 0, probability, np.where(firm > 0, np.inf, -np.inf))
    labels = _bounded_components(n, left, right, worth, threshold)
    result = labels.copy()
    total = labels.max(initial=-1) + 1
    inside = labels[left] == labels[right]
    for members, rows in _parts(labels, left, np.flatnonzero(inside), worth, threshold):
        place = {record: at for at, record in enumerate(members.tolist())}
        a = np.array([place[record] for record in left[rows].tolist()])
        b = np.array([place[record] for record in right[rows].tolist()])
        parts = _linked(len(members), a, b, worth[rows], threshold)
        result[members] = np.where(parts == 0, result[members], total + parts - 1)
        total += parts.max()
    return numbered(result)


def _bounded_components(n: int, left: np.ndarray, right: np.ndarray, worth: np.ndarray, threshold: float) -> np.ndarray:
    """Components of pairs that reach the threshold; of those above LARGEST, by one that rises until they fit."""
    strong = worth >= threshold
    labels = components(n, left[strong], right[strong])
    while threshold < 0.9999:
        sizes = np.bincount(labels)
        large = sizes[labels] > LARGEST
        if not large.any():
            break
        threshold += (1 - threshold) / 4
        keep = (worth >= threshold) | ~large[left]
        labels = components(n, left[strong & keep], right[strong & keep])
    return labels


def _parts(
    labels: np.ndarray, left: np.ndarray, rows: np.ndarray, worth: np.ndarray, threshold: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Components that need a closer look: members and rows of pairs of each. In others all pairs are strong."""
    sizes = np.bincount(labels)
    of = labels[left[rows]]
    strong = np.bincount(of[worth[rows] >= threshold], minlength=len(sizes))
    doubtful = np.flatnonzero(strong < sizes * (sizes - 1) // 2)
    by_label, by_pair = np.argsort(labels, kind="stable"), np.argsort(of, kind="stable")
    ends, pair_ends = np.cumsum(sizes), np.cumsum(np.bincount(of, minlength=len(sizes)))
    for label in doubtful.tolist():
        members = by_label[ends[label] - sizes[label] : ends[label]]
        start = pair_ends[label - 1] if label else 0
        yield members, rows[by_pair[start : pair_ends[label]]]


def _linked(s: int, a: np.ndarray, b: np.ndarray, worth: np.ndarray, threshold: float) -> np.ndarray:
    """Clusters of s records by average linkage, (s,) int64 from 0."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    distances = np.ones(s * (s - 1) // 2)
    distances[low * s - low * (low + 1) // 2 + high - low - 1] = 1 - np.clip(worth, -FORCED * s * s, FORCED)
    tree = linkage(distances, method="average")
    heights = np.maximum(tree[:, 2], 0)  # Forced pairs joined below 0: fcluster wants heights from 0.
    tree[:, 2] = np.maximum.accumulate(heights)
    return numbered(fcluster(tree, 1 - threshold + 1e-12, criterion="distance"))


def unscored(
    labels: np.ndarray, left: np.ndarray, right: np.ndarray, largest: int, limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs within components of up to `largest` records that are not among the given: (Q,) and (Q,) int32.

    Smaller components come first, until their pairs, the given ones counted, are `limit`.
    """
    n = len(labels)
    sizes = np.bincount(labels)
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(sizes)
    inside = np.bincount(labels[left[labels[left] == labels[right]]], minlength=len(sizes))
    wanted = np.flatnonzero((sizes > 2) & (sizes <= largest) & (inside < sizes * (sizes - 1) // 2))
    wanted = wanted[np.argsort(sizes[wanted], kind="stable")]
    wanted = wanted[np.cumsum(sizes[wanted] * (sizes[wanted] - 1) // 2) <= limit]
    found = [np.empty(0, np.int64)]
    for label in wanted.tolist():
        members = np.sort(order[ends[label] - sizes[label] : ends[label]])
        a, b = np.triu_indices(len(members), 1)
        found.append(members[a] * n + members[b])
    keys = np.concatenate(found)
    keys = keys[~np.isin(keys, np.minimum(left, right).astype(np.int64) * n + np.maximum(left, right))]
    first, second = np.divmod(keys, max(n, 1))
    return first.astype(np.int32), second.astype(np.int32)


def confidence(ids: np.ndarray, left: np.ndarray, right: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """How sure the place of each record is, (n,) float64 in [0, 1].

    The mean probability over the compared pairs with others of its entity; of a record alone, 1 - its largest one.
    """
    n = len(ids)
    inside = ids[left] == ids[right]
    ends = np.concatenate([left[inside], right[inside]])
    total = np.bincount(ends, weights=np.tile(probability[inside], 2), minlength=n)
    count = np.bincount(ends, minlength=n)
    largest = np.zeros(n)
    np.maximum.at(largest, left, probability)
    np.maximum.at(largest, right, probability)
    alone = np.bincount(ids)[ids] == 1
    return np.where(alone, 1 - largest, total / np.maximum(1, count))
