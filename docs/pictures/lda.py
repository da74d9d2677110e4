"""Draws docs/algorithms/img/lda-*: PYTHONPATH=. python docs/pictures/lda.py

Data: movie reviews of Pang and Lee's polarity dataset 2.0 (CC BY 4.0) in the folder movie-reviews of
LAKEMILL_BENCH_DATA, as in bench/algorithms_lda.py; and documents made up of the rows and columns of a grid.
"""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from bench.algorithms_lda import reviews

from lakemill.algorithms.lda import LDA

FOLDER = Path(__file__).parent.parent / "algorithms" / "img"
TOPICS, SHOWN, WORDS = 20, 10, 8
SIDE, ALPHA, LENGTH, DOCUMENTS = 5, 0.1, 100, 2000
matplotlib.rcParams.update({"svg.hashsalt": "lakemill", "svg.fonttype": "none", "axes.spines.top": False,
                            "axes.spines.right": False, "font.size": 9})  # fmt: skip


def topics_picture() -> None:
    """The first words of the topics with the largest prior, each with its probability in the topic."""
    corpus = reviews()
    model = LDA(TOPICS, random_state=0).fit(corpus.train)
    figure, grid = plt.subplots(2, SHOWN // 2, figsize=(8.6, 4))
    for place, (axes, topic) in enumerate(zip(grid.flat, model.components_, strict=False)):
        first = np.argsort(-topic)[:WORDS]
        axes.barh(corpus.words[first], topic[first], color="tab:blue", height=0.7)
        axes.invert_yaxis()
        axes.set_xlim(0, model.components_[:SHOWN].max())
        axes.set_xticks([0, 0.02], ["0", "2 %"] if place >= SHOWN // 2 else [])
        axes.tick_params(axis="y", length=0)
        axes.set_title(f"alpha {model.alpha_[place]:.2f}", fontsize=8, color="gray")
    figure.tight_layout(w_pad=0.5)
    figure.savefig(FOLDER / "lda-topics.svg", metadata={"Date": None})
    plt.close(figure)


def bars() -> np.ndarray:
    """(2 SIDE, SIDE^2): each row and each column of a grid is a topic."""
    places = np.arange(SIDE**2).reshape(SIDE, SIDE)
    return np.array([np.isin(places, line).ravel() / SIDE for line in [*places, *places.T]])


def written(documents: int) -> np.ndarray:
    random = np.random.default_rng(1)
    mixtures = random.dirichlet(np.full(2 * SIDE, ALPHA), documents)
    return random.multinomial(LENGTH, mixtures @ bars()).astype(np.float32)


def grid_picture() -> None:
    """Ten documents above, the ten topics found in all of them below."""
    documents = written(DOCUMENTS)
    model = LDA(2 * SIDE, alpha0=1.0, random_state=0).fit(documents)
    figure, grid = plt.subplots(2, 2 * SIDE, figsize=(8, 1.9))
    for line, images in zip(grid, (documents, model.components_), strict=True):
        for axes, image in zip(line, images, strict=False):
            axes.imshow(image.reshape(SIDE, SIDE), cmap="gray_r", vmin=0)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(True)
    grid[0, 0].set_ylabel("documents")
    grid[1, 0].set_ylabel("topics")
    figure.tight_layout(pad=0.4)
    figure.savefig(FOLDER / "lda-bars.png", dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    topics_picture()
    grid_picture()


if __name__ == "__main__":
    main()
