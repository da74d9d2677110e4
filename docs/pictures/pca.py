"""Draws docs/algorithms/img/pca-*: PYTHONPATH=. python docs/pictures/pca.py

Data: Fashion-MNIST of the Debian package dataset-fashion-mnist (MIT licence), as in bench/algorithms_kmeans.py.
"""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from bench.algorithms_kmeans import images
from docs.pictures.kmeans import tiles

from lakemill.algorithms.pca import PCA

FOLDER = Path(__file__).parent.parent / "algorithms" / "img"
SHOWN, MOST = 20, 100
matplotlib.rcParams.update({"svg.hashsalt": "lakemill", "svg.fonttype": "none", "axes.spines.top": False,
                            "axes.spines.right": False, "font.size": 9})  # fmt: skip


def components_picture(model: PCA) -> None:
    """Components as images, the strongest first; grey is 0."""
    shown = model.components_[:SHOWN]
    scaled = 0.5 + 0.5 * shown / np.abs(shown).max(axis=1, keepdims=True)
    plt.imsave(FOLDER / "pca-components.png", tiles(scaled, 10, 1.0), cmap="gray", vmin=0, vmax=1,
               metadata={"Software": None})  # fmt: skip


def variance_picture(model: PCA, held: np.ndarray) -> None:
    """The share of the test images' variance that the first components keep."""
    centred = held - model.mean_
    kept = np.cumsum(np.square(centred @ model.components_.T).sum(axis=0)) / np.square(centred).sum()
    print({count: round(float(kept[count - 1]), 4) for count in (1, 10, 20, 50, MOST)})
    figure, axes = plt.subplots(figsize=(6, 3.2))
    axes.plot(range(1, MOST + 1), 100 * kept)
    for count in (1, 10, 50):
        axes.plot(count, 100 * kept[count - 1], marker="o", markersize=4, color="C0")
        axes.annotate(f"{count}: {100 * kept[count - 1]:.0f} %", (count, 100 * kept[count - 1]), xytext=(6, -10),
                      textcoords="offset points")  # fmt: skip
    axes.set_ylim(0, 100)
    axes.set_xlabel("components")
    axes.set_ylabel("per cent of the test images' variance")
    figure.tight_layout()
    figure.savefig(FOLDER / "pca-variance.svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    points, held, lack = images()
    if lack:
        print(lack)
    model = PCA(MOST).fit(points)
    components_picture(model)
    variance_picture(model, held)


if __name__ == "__main__":
    main()
