"""A faiss index of vectors: built, and asked.

Flat compares with every vector. The IVF indexes sort vectors into cells around k-means centres and look into the
nearest few: IVFFlat at the vectors themselves, IVFPQ at one byte for each of their parts (Jegou, Douze and Schmid,
"Product quantization for nearest neighbor search", IEEE TPAMI 33(1), 2011). IVFPQFastScan has four bits for every four
numbers, held in registers, and compares the best of them with the vectors (Andre, Kermarrec and Le Scouarnec, "Cache
locality is not enough", VLDB 9(4), 2015); AWS does not offer it.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import faiss
import numpy as np

FAR = 0.9
"""Share of the mean in the mean square of the vectors from which on it is taken off: below, it costs one digit."""
BLAS_QUERIES = 4
"""From so many queries on a matrix product is quicker than a reading of the vectors for each; faiss waits for more."""
CODES = {"faiss.IVFPQ": 1 << 8, "faiss.IVFPQFastScan": 1 << 4}
"""Values of the code of one part; each needs a record."""
REFINED = 4
"""Candidates for each neighbour that IVFPQFastScan compares exactly."""
NUMBERS_A_CODE = 4
BLOCK_BYTES = 16 << 20


def least(kind: str, n_lists: int | None) -> int:
    """The smallest number of records of which an index can be built.

    >>> least("faiss.Flat", 500), least("faiss.IVFFlat", 500), least("faiss.IVFPQ", None)
    (1, 500, 256)
    """
    return 1 if kind == "faiss.Flat" else max(n_lists or 1, CODES.get(kind, 1))


def build(
    vectors: np.ndarray,
    kind: str,
    metric: str,
    *,
    n_lists: int | None = None,
    parts: int | None = None,
    n_probe: int = 5,
    told: Callable[[str], None] = lambda line: None,
) -> faiss.Index:
    """An index of vectors (n, d) float32 that numbers them 0..n-1.

    Parameters
    ----------
    kind : {"faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ", "faiss.IVFPQFastScan"}
    metric : {"L2", "INNER_PRODUCT", "COSINE"}
        COSINE: the vectors are normalised already.
    n_lists : int or None
        Cells; None is the square root of n.
    parts : int or None
        Parts of a vector for the PQ kinds; it divides d.
    n_probe : int
        Cells that are searched.
    told : callable
        Called with a line before and after each of the two steps.

    Raises
    ------
    ValueError
        If there are too few records.

    >>> build(np.float32([[0], [1], [5]]), "faiss.Flat", "L2").search(np.float32([[4]]), 2)[1].tolist()
    [[2, 1]]
    """
    n, width = vectors.shape
    if n < (needed := least(kind, n_lists)):
        raise ValueError(f"{kind} needs at least {needed} records here; n_samples = {n}")
    cells = f"IVF{n_lists or max(1, math.isqrt(n))}"
    factory = {
        "faiss.Flat": "Flat",
        "faiss.IVFFlat": f"{cells},Flat",
        # np: codes are not ordered for a filter by Hamming distance, which is off and takes 20 times as long.
        "faiss.IVFPQ": f"{cells},PQ{parts}x8np",
        "faiss.IVFPQFastScan": f"{cells},PQ{parts}x4fs,RFlat",
    }[kind]
    index: Any = faiss.index_factory(width, factory, faiss.METRIC_L2 if metric == "L2" else faiss.METRIC_INNER_PRODUCT)
    if kind == "faiss.IVFPQFastScan":
        index.k_factor = REFINED
    if ivf := cells_of(index):
        ivf.nprobe = min(n_probe, ivf.nlist)
        for part in (ivf, getattr(faiss.downcast_index(ivf), "pq", ivf)):
            part.cp.min_points_per_centroid = 1  # faiss would print warnings into the log.
    if metric == "L2" and _far(vectors):
        index = faiss.IndexPreTransform(faiss.CenteringTransform(width), index)
    for name, step in (("train", index.train), ("add", index.add)):
        told(f"calling index.{name}...")
        step(vectors)
        told(f"...done calling index.{name}")
    return index


def cells_of(index: faiss.Index) -> Any:
    """The IndexIVF in an index; None if it has no cells."""
    return faiss.try_extract_index_ivf(index)


def _far(vectors: np.ndarray) -> bool:
    """Whether the vectors lie so far from 0 for their spread that products of them lose their differences."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    square = float(np.vdot(vectors, vectors)) / max(len(vectors), 1)
    return bool(mean @ mean > FAR * square)


def search(index: faiss.Index, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """What faiss finds: (n, k) float32, squared distances or products as its metric says, and (n, k) int64 numbers.

    The nearest comes first. k is at most the number of vectors. Where the searched cells hold fewer than k, all are.
    """
    with _products_from(BLAS_QUERIES * vectors.shape[1]):
        found, numbers = index.search(vectors, k)
    short = np.flatnonzero(numbers[:, -1] < 0)
    ivf = cells_of(index) if len(short) else None
    if ivf:
        usual, ivf.nprobe = ivf.nprobe, ivf.nlist
        try:
            found[short], numbers[short] = index.search(vectors[short], k)
        finally:
            ivf.nprobe = usual
    return found, numbers


@contextlib.contextmanager
def _products_from(size: int) -> Iterator[None]:
    """faiss's limit of exhaustive search by matrix product, in numbers of all queries, for a while."""
    usual = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = size
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = usual


def exact_squares(index: faiss.Index, vectors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(n, k) squared distances to the numbered vectors of an index that keeps them, without cancellation."""
    found = np.empty(numbers.shape, np.float32)
    n, k = numbers.shape
    step = max(1, BLOCK_BYTES // (4 * k * vectors.shape[1]))
    for start in range(0, n, step):
        asked = numbers[start : start + step]
        kept = index.reconstruct_batch(asked.ravel()).reshape(*asked.shape, -1)
        kept -= vectors[start : start + step, None]
        found[start : start + step] = np.einsum("nkd,nkd->nk", kept, kept)
    return found


def exhaustive(index: faiss.Index) -> bool:
    """Whether every vector is compared as it is."""
    inner = faiss.downcast_index(index)
    if isinstance(inner, faiss.IndexPreTransform):
        inner = faiss.downcast_index(inner.index)
    return isinstance(inner, faiss.IndexFlat)
