"""The model: an index, the labels of what is in it, and how records become its vectors."""

from typing import Any

import faiss
import numpy as np

from lakemill.algorithms.knn.index import exact_squares, exhaustive, search
from lakemill.algorithms.knn.vectors import Preparation
from lakemill.algorithms.knn.votes import majority, mean


class NeighborModel:
    """Answers by the k nearest records of a sample.

    Parameters
    ----------
    index : faiss.Index of m vectors
    labels : (m,) float32
    prepare : Preparation
    k : int, 1 <= k <= m
    classifier : bool
        The most frequent label; else the mean label.
    """

    def __init__(
        self, index: faiss.Index, labels: np.ndarray, prepare: Preparation, *, k: int, classifier: bool
    ) -> None:
        self.index, self.labels, self.prepare = index, labels, prepare
        self.k, self.classifier = k, classifier
        self._squares = index.metric_type == faiss.METRIC_L2
        self._exhaustive = exhaustive(index)

    def neighbors(self, points: Any, k: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Distances (n, k) float32, ascending, and numbers (n, k) int64 of the nearest records of (n, d) points.

        L2: the squared distance. COSINE: 1 less the cosine. INNER_PRODUCT: the product times -1.
        """
        vectors = self.prepare(points)
        found, numbers = search(self.index, vectors, k or self.k)
        if not self._squares:
            return (1 - found if self.prepare.normalize else -found), numbers
        if not self._exhaustive:
            return found, numbers
        found = exact_squares(self.index, vectors, numbers)
        order = np.argsort(found, axis=1, kind="stable")
        return np.take_along_axis(found, order, 1), np.take_along_axis(numbers, order, 1)

    def nearest(self, points: Any, k: int | None = None) -> np.ndarray:
        """Numbers (n, k) of the nearest records, in about their order: quicker than `neighbors`."""
        return search(self.index, self.prepare(points), k or self.k)[1]

    def answer(self, numbers: np.ndarray) -> np.ndarray:
        """The predicted labels (n,) float32 of records whose neighbours are numbered (n, k)."""
        labels = self.labels[numbers]
        return majority(labels) if self.classifier else mean(labels)
