"""Draws docs/algorithms/img/knn-*.svg: PYTHONPATH=. python docs/pictures/knn.py

Data: Fashion-MNIST of the Debian package dataset-fashion-mnist (MIT licence), as in bench/algorithms_knn.py.
"""

import time
from pathlib import Path

import faiss
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from bench.algorithms_kmeans import images
from bench.algorithms_knn import labels

from lakemill.algorithms.knn import KNNClassifier
from lakemill.algorithms.knn.index import NUMBERS_A_CODE, build, cells_of, search

FOLDER = Path(__file__).parent.parent / "algorithms" / "img"
ASKED = 2000
matplotlib.rcParams.update({"svg.hashsalt": "lakemill", "svg.fonttype": "none", "axes.spines.top": False,
                            "axes.spines.right": False, "font.size": 9})  # fmt: skip


def accuracy_picture(points: np.ndarray, classes: np.ndarray, asked: np.ndarray, truth: np.ndarray) -> None:
    """Accuracy against k, a line for each sample size."""
    figure, axes = plt.subplots(figsize=(6, 3.4))
    ks = [1, 3, 5, 10, 20, 50, 100]
    for size in (1000, 5000, 20_000, len(points)):
        model = KNNClassifier(sample_size=size, random_state=0).fit(points, classes)
        scores = [model.set_params(n_neighbors=k).score(asked, truth) for k in ks]
        axes.plot(ks, scores, marker="o", markersize=3)
        axes.annotate(f"sample of {size:,}", (ks[-1], scores[-1]), xytext=(6, -3), textcoords="offset points")
        print(size, dict(zip(ks, scores, strict=True)))
    axes.set_xscale("log")
    axes.set_xticks(ks, [str(k) for k in ks])
    axes.minorticks_off()
    axes.set_xlabel("k")
    axes.set_ylabel("accuracy on test images")
    axes.set_xlim(0.9, 330)
    _save(figure, "knn-accuracy.svg")


def speed_picture(points: np.ndarray, asked: np.ndarray) -> None:
    """Recall against queries per CPU second, a line for each index."""
    truth = search(build(points, "faiss.Flat", "L2"), asked, 10)[1]
    figure, axes = plt.subplots(figsize=(6, 3.4))
    for kind, parts in (
        ("faiss.IVFPQ", 56),
        ("faiss.IVFFlat", None),
        ("faiss.IVFPQFastScan", points.shape[1] // NUMBERS_A_CODE),
        ("faiss.Flat", None),
    ):
        index = build(points, kind, "L2", parts=parts)
        found = []
        for probes in (2, 4, 8, 16, 32) if kind != "faiss.Flat" else (0,):
            if probes:
                cells_of(index).nprobe = probes
            began = time.process_time()
            numbers = search(index, asked, 10)[1]
            rate = len(asked) / (time.process_time() - began)
            shared = [len({*a} & {*b}) for a, b in zip(truth.tolist(), numbers.tolist(), strict=True)]
            found.append((rate, np.mean(shared) / 10))
        print(kind, found)
        axes.plot(*zip(*found, strict=True), marker="o", markersize=3, label=kind)
    axes.set_xscale("log")
    axes.set_xlabel("queries a CPU second")
    axes.set_ylabel("recall of the 10 nearest")
    axes.legend(frameon=False, loc="lower left")
    _save(figure, "knn-recall.svg")


def _save(figure: plt.Figure, name: str) -> None:
    figure.tight_layout()
    figure.savefig(FOLDER / name, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    faiss.omp_set_num_threads(1)
    points, asked, lack = images()
    if lack:
        print(lack)
    classes, truth = labels("train"), labels("t10k")
    accuracy_picture(points, classes, asked[:ASKED], truth[:ASKED])
    speed_picture(points, asked[:ASKED])


if __name__ == "__main__":
    main()
