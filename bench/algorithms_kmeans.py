"""K-Means beside scikit-learn's KMeans and MiniBatchKMeans and faiss's Kmeans, on the same images in one process.

Quality is the mean squared distance of the test images to their nearest centre, measured by one and the same code for
all. All run alternately with one thread; qualities and CPU seconds are medians of three runs with seeds 0, 1, 2.

Data: Fashion-MNIST, 60,000 images, of the Debian package dataset-fashion-mnist; without it the 8,000 of
examples/data/fashion-mnist-mini, where the targets do not apply. `images` serves bench.algorithms_pca too.
"""

import gzip
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
from sklearn import cluster
from threadpoolctl import threadpool_limits

from lakemill.algorithms.kmeans import KMeans
from lakemill.algorithms.kmeans.assignment import exact_distances, nearest

FULL = Path("/usr/share/datasets/fashion-mnist")
MINI = Path(__file__).parent.parent / "examples" / "data" / "fashion-mnist-mini"
SEEDS = (0, 1, 2)
SMALL_SAMPLE = 64 << 20
"""Of 188 MB of images; the rest is seen once, by the streaming centres alone."""
TARGETS = {
    (10, "ours"): (32.06, 0.7),
    (10, "bounded"): (32.06, 0.7),
    (100, "ours"): (20.42, 4.0),
    (100, "bounded"): (20.62, 2.4),
}
"""Mean squared distance and CPU seconds to reach."""

Fit = Callable[[int], np.ndarray]


def images() -> tuple[np.ndarray, np.ndarray, str]:
    """Training and test images as (n, 784) float32 in 0..1, and a note when they are only the small set."""
    folder, note = (FULL, "") if FULL.is_dir() else (MINI, "dataset-fashion-mnist is not installed: 8,000 images only")

    def read(name: str) -> np.ndarray:
        with gzip.open(folder / f"{name}-images-idx3-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).astype(np.float32) / 255

    return read("train"), read("t10k"), note


def contenders(k: int, points: np.ndarray) -> dict[str, Fit]:
    """Name -> a function of a seed that returns centres."""

    def by_faiss(seed: int) -> np.ndarray:
        made = faiss.Kmeans(points.shape[1], k, niter=25, seed=seed + 1)
        made.train(points)
        return made.centroids

    def by(estimator: Callable[..., object], **settings: object) -> Fit:
        return lambda seed: estimator(k, random_state=seed, **settings).fit(points).cluster_centers_

    return {
        "ours": by(KMeans),
        "bounded": by(KMeans, sample_bytes=SMALL_SAMPLE),
        "KMeans": by(cluster.KMeans, n_init=1, max_iter=50),
        "MiniBatchKMeans": by(cluster.MiniBatchKMeans, n_init=1, batch_size=4096),
        "faiss": by_faiss,
    }


def distance(centers: np.ndarray, held: np.ndarray) -> float:
    centers = np.ascontiguousarray(centers, np.float32)
    return float(np.square(exact_distances(held, centers, nearest(held, centers)[0]), dtype=np.float64).mean())


def measured(k: int, points: np.ndarray, held: np.ndarray) -> dict[str, tuple[float, float]]:
    """Name -> median distance and CPU seconds."""
    runs: dict[str, list[tuple[float, float]]] = {}
    for seed in SEEDS:
        for name, fit in contenders(k, points).items():
            began = time.process_time()
            centers = fit(seed)
            seconds = time.process_time() - began
            runs.setdefault(name, []).append((distance(centers, held), seconds))
    return {
        name: tuple(statistics.median(column) for column in zip(*found, strict=True)) for name, found in runs.items()
    }


def rows(k: int, points: np.ndarray, held: np.ndarray, note: str) -> list[dict]:
    found = measured(k, points, held)
    made = []
    for name, words in (("ours", ""), ("bounded", ", sample of 64 MB")):
        for peer in ("KMeans", "MiniBatchKMeans", "faiss"):
            for column, (what, unit) in enumerate((("squared distance", ""), ("time", "CPU s"))):
                ours, theirs = found[name][column], found[peer][column]
                target = TARGETS[k, name][column]
                made.append(
                    {
                        "name": f"k={k}{words}: {what}",
                        "ours": ours,
                        "peer": theirs,
                        "ratio": ours / theirs,
                        "unit": unit,
                        "target": "" if note else f"<= {target:g}",
                        "met": None if note else ours <= target,
                        "note": ", ".join(filter(None, (f"peer {peer}", note))),
                    }
                )
    return made


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    os.environ["OMP_NUM_THREADS"] = "1"
    faiss.omp_set_num_threads(1)
    points, held, note = images()
    with threadpool_limits(1):
        return [row for k in (10, 100) for row in rows(k, points, held, note)]
