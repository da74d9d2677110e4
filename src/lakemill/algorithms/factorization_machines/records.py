"""Records for the solvers: checked, in chunks that fit in memory, each in a random order."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines.spec import BINARY
from lakemill.algorithms.training import features
from lakemill.formats.block import Block

CHUNK_BYTES = 64 << 20
"""Size of what is shuffled as one; a channel of this size or less is read once and kept."""
LARGEST = 1e18
"""Squares of larger numbers do not fit 32 bits."""
NAME = "factorization machines"


@dataclasses.dataclass(frozen=True)
class Chunk:
    """features : (n, d) csr of float32, without duplicates; labels : (n,) float32; blocks: read for it."""

    features: Any
    labels: np.ndarray
    blocks: int = 1


def checked(block: Block, feature_dim: int, predictor_type: str) -> tuple[Any, np.ndarray]:
    """A block's features, as they came, and its labels (n,). Raises CustomerError."""
    found = features(block, feature_dim, NAME)
    labels = block.labels
    if labels is None or labels.size != len(block):
        raise CustomerError('Every record needs one label, a float32 tensor under the key "values" of its label map')
    labels = labels.reshape(-1)
    if not np.isfinite(labels).all():
        raise CustomerError("The labels hold NaN or infinite values; they must be finite numbers")
    for what, values in (("features", found.data if block.sparse else found), ("labels", labels)):
        if values.size and max(values.max(), -values.min()) > LARGEST:
            raise CustomerError(f"The {what} hold values beyond {LARGEST:g}; scale them")
    if predictor_type == BINARY and not ((labels == 0) | (labels == 1)).all():
        wrong = labels[(labels != 0) & (labels != 1)][0]
        raise CustomerError(f"Labels of predictor_type binary_classifier must be 0 or 1; got {wrong:g}")
    if block.sparse and not found.has_canonical_format:
        found.sum_duplicates()
    return found, labels


def chunks(blocks: Iterable[Block], check: Callable[[Block], tuple[Any, np.ndarray]]) -> Iterator[Chunk]:
    """Blocks joined to chunks of CHUNK_BYTES, rows in the order of their arrival."""
    parts: list[Chunk] = []
    size = 0
    for block in blocks:
        found, labels = check(block)
        found = scipy.sparse.csr_matrix(found)
        parts.append(Chunk(found, labels))
        size += found.data.nbytes + found.indices.nbytes + found.indptr.nbytes
        if size >= CHUNK_BYTES:
            yield joined(parts)
            parts, size = [], 0
    if parts:
        yield joined(parts)


def joined(parts: Sequence[Chunk]) -> Chunk:
    """One chunk of several, at least one."""
    found = scipy.sparse.vstack([one.features for one in parts], format="csr", dtype=np.float32)
    return Chunk(found, np.concatenate([one.labels for one in parts]), sum(one.blocks for one in parts))


def nothing(feature_dim: int) -> Chunk:
    """No records: what a host takes in while others still have some."""
    return Chunk(scipy.sparse.csr_matrix((0, feature_dim), dtype=np.float32), np.empty(0, np.float32), 0)
