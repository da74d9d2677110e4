"""Draws docs/algorithms/img/kmeans-*: PYTHONPATH=. python docs/pictures/kmeans.py

Data: Fashion-MNIST of the Debian package dataset-fashion-mnist (MIT licence), as in bench/algorithms_kmeans.py.
"""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from bench.algorithms_kmeans import distance, images

from lakemill.algorithms.kmeans import KMeans

FOLDER = Path(__file__).parent.parent / "algorithms" / "img"
SHOWN, KS = 20, (2, 5, 10, 20, 35, 50, 75, 100)
SCALE, GAP = 3, 2
"""Screen pixels of an image's pixel, and image pixels between two images."""
matplotlib.rcParams.update({"svg.hashsalt": "lakemill", "svg.fonttype": "none", "axes.spines.top": False,
                            "axes.spines.right": False, "font.size": 9})  # fmt: skip


def tiles(rows: np.ndarray, across: int, paper: float) -> np.ndarray:
    """Images (n, 784) side by side, `across` in a row, on paper of that grey; each of their pixels is a square."""
    side = 28
    down = -(-len(rows) // across)
    sheet = np.full((down * (side + GAP) - GAP, across * (side + GAP) - GAP), paper)
    for place, row in enumerate(rows):
        top, left = (number * (side + GAP) for number in divmod(place, across))
        sheet[top : top + side, left : left + side] = row.reshape(side, side)
    return np.kron(sheet, np.ones((SCALE, SCALE)))


def centroids_picture(points: np.ndarray) -> None:
    """Centres as images, that of the largest cluster first, ink on white."""
    model = KMeans(SHOWN, random_state=0).fit(points)
    order = np.argsort(-np.bincount(model.labels_, minlength=SHOWN))
    plt.imsave(FOLDER / "kmeans-centroids.png", 1 - tiles(model.cluster_centers_[order], 10, 0.0), cmap="gray",
               vmin=0, vmax=1, metadata={"Software": None})  # fmt: skip


def elbow_picture(points: np.ndarray, held: np.ndarray) -> None:
    """The test images' mean squared distance against k."""
    found = [distance(KMeans(k, random_state=0).fit(points).cluster_centers_, held) for k in KS]
    print(dict(zip(KS, found, strict=True)))
    figure, axes = plt.subplots(figsize=(6, 3.2))
    axes.plot(KS, found, marker="o", markersize=3)
    axes.set_xticks([2, 10, 20, 35, 50, 75, 100])
    axes.set_ylim(0, None)
    axes.set_xlabel("k")
    axes.set_ylabel("mean squared distance of test images")
    figure.tight_layout()
    figure.savefig(FOLDER / "kmeans-elbow.svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    points, held, lack = images()
    if lack:
        print(lack)
    centroids_picture(points)
    elbow_picture(points, held)


if __name__ == "__main__":
    main()
