"""Random projections that roughly keep distances and inner products, remade from a seed wherever they are needed.

`sign` multiplies by a matrix of random signs (Achlioptas, "Database-friendly random projections", JCSS 66(4), 2003).
`fjlt` flips signs at random, takes a cosine transform, and keeps some coordinates at random (Ailon and Chazelle, "The
fast Johnson-Lindenstrauss transform", SIAM J. Comput. 39(1), 2009, with the Fourier transform in Hadamard's place).
"""

from typing import Any

import numpy as np

BLOCK_BYTES = 16 << 20
"""Records are transformed so many bytes at a time."""


class Projection:
    """A map from input_dim to target_dim features.

    Parameters
    ----------
    kind : {"sign", "fjlt"}
    seed : int
    input_dim, target_dim : int, at least 1

    Notes
    -----
    Reducing n records costs O(n d t) for sign and O(n d log d) for fjlt. Only raw words of PCG64 are used, which
    NumPy promises not to change.

    >>> points = np.random.default_rng(0).normal(size=(2, 900)).astype(np.float32)
    >>> near = Projection("fjlt", 0, 900, 200)(points)
    >>> bool(0.7 < np.square(near[0] - near[1]).sum() / np.square(points[0] - points[1]).sum() < 1.3)
    True
    """

    def __init__(self, kind: str, seed: int, input_dim: int, target_dim: int) -> None:
        self.kind, self.seed, self.input_dim, self.target_dim = kind, seed, input_dim, target_dim
        raw = np.random.PCG64(seed)
        if kind == "sign":
            signs = _signs(raw, input_dim * target_dim).reshape(input_dim, target_dim)
            self._matrix = signs * np.float32(1 / np.sqrt(target_dim))
            return
        self._width = 1 << (max(input_dim, target_dim) - 1).bit_length()
        self._flips = _signs(raw, input_dim) * np.float32(np.sqrt(self._width / target_dim))
        self._kept = np.sort(np.argsort(raw.random_raw(self._width), kind="stable")[:target_dim])

    def __call__(self, points: Any) -> np.ndarray:
        """(n, target_dim) float32 of (n, input_dim) points, dense or csr."""
        if self.kind == "sign":
            return np.ascontiguousarray(points @ self._matrix)
        from scipy import fft  # The other kind never waits for scipy.

        found = np.empty((points.shape[0], self.target_dim), np.float32)
        step = max(1, BLOCK_BYTES // (4 * self._width))
        for start in range(0, len(found), step):
            block = points[start : start + step]
            flipped = (block if isinstance(block, np.ndarray) else block.toarray()) * self._flips
            spread = fft.dct(flipped, n=self._width, axis=1, norm="ortho", overwrite_x=True)
            found[start : start + step] = spread[:, self._kept]
        return found


def _signs(raw: np.random.PCG64, count: int) -> np.ndarray:
    """(count,) float32 of -1 and 1."""
    words = raw.random_raw(-(-count // 64)).astype("<u8")
    return np.unpackbits(words.view(np.uint8), count=count).astype(np.float32) * 2 - 1
