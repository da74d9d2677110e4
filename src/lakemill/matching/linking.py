"""New records beside entities that are known already, whose ids stay."""

import numpy as np

from lakemill.matching import candidates, clustering


def link(
    existing: np.ndarray,
    m: int,
    left: np.ndarray,
    right: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    forced: np.ndarray | None = None,
) -> np.ndarray:
    """The entity of each of m new records, (m,) int64.

    existing: (n,) int64 ids of the known records, which are rows 0 ... n - 1 of the pairs; the new ones follow. A new
    record joins a known entity as if that were one record, by the mean probability over the pairs compared with it.
    Known entities never join each other. New entities get ids above all known ones. forced: as of `clustering.cluster`;
    one forced pair is enough for a record and an entity.
    """
    n = len(existing)
    ids, of = np.unique(existing, return_inverse=True)
    nodes = np.concatenate([of, len(ids) + np.arange(m)])
    total = len(ids) + m
    a, b = nodes[left], nodes[right]
    keys = np.minimum(a, b).astype(np.int64) * total + np.maximum(a, b)
    different, which = np.unique(keys, return_inverse=True)
    mean = np.bincount(which, weights=probability) / np.maximum(1, np.bincount(which))
    a, b = np.divmod(different, max(total, 1))
    firm = np.zeros(len(different), np.int8)
    if forced is not None:
        firm[which[forced > 0]] = 1
        firm[which[forced < 0]] = -1
    strong = (mean >= threshold) | (firm > 0)
    apart = _known_pairs(clustering.components(total, a[strong], b[strong]), len(ids))
    kept = (a != b) & ~((a < len(ids)) & (b < len(ids)))
    firm = np.concatenate([firm[kept], np.full(len(apart[0]), -1, np.int8)])
    a, b = np.concatenate([a[kept], apart[0]]), np.concatenate([b[kept], apart[1]])
    chance = np.concatenate([mean[kept], np.zeros(len(apart[0]))])
    parts = clustering.cluster(total, a, b, chance, threshold, firm)
    named = np.full(parts.max(initial=-1) + 1, -1, np.int64)
    known = np.zeros(len(named), bool)
    known[parts[: len(ids)]] = True
    named[parts[: len(ids)]] = ids
    fresh = int(ids.max(initial=-1)) + 1
    named[~known] = fresh + np.arange((~known).sum())
    return named[parts[len(ids) :]] if n + m else np.empty(0, np.int64)


def _known_pairs(labels: np.ndarray, known: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of known entities, those below `known`, in the same component."""
    order = np.argsort(labels[:known], kind="stable")
    ordered = labels[order]
    found = [np.empty((2, 0), np.int64)]
    for distance in range(1, known):
        same = np.flatnonzero(ordered[distance:] == ordered[:-distance])
        if not len(same):
            break
        found.append(np.stack([order[same], order[same + distance]]))
    a, b = np.concatenate(found, axis=1)
    return candidates.unique(a, b, len(labels))
