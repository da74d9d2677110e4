"""PCA beside scikit-learn's and faiss's, 50 components of the same images in one process.

Quality is the share of the test images' variance that the components leave out. All run alternately with one thread;
figures are medians of three. Data: as in bench.algorithms_kmeans.
"""

import os
import statistics
import time
from collections.abc import Callable

import faiss
import numpy as np
from sklearn import decomposition
from threadpoolctl import threadpool_limits

from bench.algorithms_kmeans import images
from lakemill.algorithms.pca import PCA

COMPONENTS = 50
SEEDS = (0, 1, 2)

Fitted = tuple[np.ndarray, np.ndarray]
"""Mean (d,) and components (c, d)."""


def contenders(points: np.ndarray) -> dict[str, Callable[[int], Fitted]]:
    def by(estimator: Callable[..., object], **settings: object) -> Callable[[int], Fitted]:
        def fit(seed: int) -> Fitted:
            made = estimator(COMPONENTS, random_state=seed, **settings).fit(points)
            return made.mean_, made.components_

        return fit

    def by_faiss(seed: int) -> Fitted:
        made = faiss.PCAMatrix(points.shape[1], COMPONENTS)
        made.train(points)
        matrix = faiss.vector_to_array(made.A).reshape(-1, points.shape[1])[:COMPONENTS]
        return faiss.vector_to_array(made.mean), matrix

    return {
        "regular": by(PCA),
        "randomized": by(PCA, mode="randomized"),
        "covariance_eigh": by(decomposition.PCA, svd_solver="covariance_eigh"),
        "sklearn randomized": by(decomposition.PCA, svd_solver="randomized"),
        "faiss PCAMatrix": by_faiss,
    }


def residual(fitted: Fitted, held: np.ndarray) -> float:
    mean, components = (array.astype(np.float64) for array in fitted)
    centred = held - mean
    return float(1 - np.square(centred @ components.T).sum() / np.square(centred).sum())


def row(what: str, ours: float, peer: float, target: str, met: bool | None, unit: str, note: str) -> dict:
    return {"name": what, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit, "target": target, "met": met,
            "note": note}  # fmt: skip


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    os.environ["OMP_NUM_THREADS"] = "1"
    faiss.omp_set_num_threads(1)
    points, held, lack = images()
    runs: dict[str, list[tuple[float, float]]] = {}
    with threadpool_limits(1):
        for seed in SEEDS:
            for name, fit in contenders(points).items():
                began = time.process_time()
                fitted = fit(seed)
                seconds = time.process_time() - began
                runs.setdefault(name, []).append((residual(fitted, held), seconds))
    found = {name: [statistics.median(column) for column in zip(*one, strict=True)] for name, one in runs.items()}
    made = []
    for mode, peer, quality, slack, speed in (
        ("regular", "covariance_eigh", 0.1384, 1.0001, 1.0),
        ("regular", "faiss PCAMatrix", 0.1384, 1.0001, 1.0),
        ("randomized", "sklearn randomized", 0.1384, 1.001, 0.5),
    ):
        (left, seconds), (their_left, their_seconds) = found[mode], found[peer]
        note = ", ".join(filter(None, (f"peer {peer}", lack)))
        good = left <= slack * their_left and (lack != "" or quality is None or left <= quality)
        target = f"<= {slack:g}x" + (f" and <= {quality:g}" if quality and not lack else "")
        made.append(row(f"{mode}, 50 components: residual", left, their_left, target, good, "", note))
        met = seconds <= speed * their_seconds
        made.append(row(f"{mode}: time", seconds, their_seconds, f"<= {speed:g}x", met, "CPU s", note))
    return made
