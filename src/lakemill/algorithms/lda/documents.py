"""Documents as word counts, read block by block: all in memory while they fit, else an even sample and the stream."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.kmeans.sample import Sample

SAMPLE_BYTES = 128 << 20
"""Room for the documents that are looked at more than three times: sixteen million entries of counts."""
STEP_ENTRIES = 1 << 20
"""Words taken at once in a pass over documents in memory."""


class Documents:
    """Word counts that can be passed over again.

    Parameters
    ----------
    read : callable
        One pass: an iterator of csr_matrix blocks (n, V) of counts, as `counts` makes them.
    random : numpy.random.Generator
        Draws the sample.
    sample_bytes : int

    Attributes
    ----------
    sample : (m, V) csr_matrix of float32
        All documents that have a word, or an even random choice of them. None if there is none.
    whole : bool
        Whether the sample is all.
    seen : int
        Documents read, empty ones too.
    """

    def __init__(
        self, read: Callable[[], Iterator[Any]], random: np.random.Generator, sample_bytes: int = SAMPLE_BYTES
    ) -> None:
        self._read = read
        kept, self.seen = Sample(random, sample_bytes), 0
        for block in read():
            self.seen += block.shape[0]
            kept.add(_with_words(block))
        self.whole = kept.whole
        parts = kept.parts()
        self.sample: Any = scipy.sparse.vstack(parts, format="csr") if parts else None

    def blocks(self) -> Iterator[Any]:
        """All documents with words, in blocks; from memory where they are all there."""
        if self.whole and self.sample is not None:
            yield from slices(self.sample)
        elif not self.whole:
            yield from map(_with_words, self._read())


def counts(features: Any) -> Any:
    """A block's features as a csr_matrix of counts, without stored zeros. Raises CustomerError for negative ones.

    >>> counts(np.float32([[0, 2]])).nnz
    1
    """
    found = scipy.sparse.csr_matrix(features, dtype=np.float32)
    if not found.has_canonical_format:
        found = found.copy()
        found.sum_duplicates()
    if found.nnz and found.data.min() < 0:
        raise CustomerError(f"The data holds negative values ({found.data.min():g}); LDA needs word counts, 0 or more")
    if found.nnz and found.data.min() == 0:
        found = found.copy()
        found.eliminate_zeros()
    return found


def slices(documents: Any) -> Iterator[Any]:
    """Consecutive rows of a csr_matrix with about STEP_ENTRIES entries each, a row at least."""
    ends = documents.indptr
    begin = 0
    while begin < documents.shape[0]:
        end = max(begin + 1, int(np.searchsorted(ends, ends[begin] + STEP_ENTRIES, side="right")) - 1)
        yield documents[begin:end]
        begin = end


def _with_words(block: Any) -> Any:
    lengths = np.diff(block.indptr)
    return block if lengths.all() else block[np.flatnonzero(lengths)]
