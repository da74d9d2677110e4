"""Draws docs/algorithms/img/factorization-machines-*.svg: python -m docs.pictures.factorization_machines

Data: the flights of examples/data, as in bench/algorithms_factorization_machines.py; myfm from .venvs/peers.
"""

import tempfile
import time
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from bench.algorithms_factorization_machines import FACTORS, flights_split, myfm
from bench.algorithms_linear import Split
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from lakemill.algorithms.factorization_machines import FactorizationMachineClassifier

FOLDER = Path(__file__).parent.parent / "algorithms" / "img"
matplotlib.rcParams.update({"svg.hashsalt": "lakemill", "svg.fonttype": "none", "axes.spines.top": False,
                            "axes.spines.right": False, "font.size": 9})  # fmt: skip


def ours(split: Split, passes: int, **settings: object) -> tuple[float, float]:
    """CPU seconds and AUC of held-out flights."""
    began = time.process_time()
    model = FactorizationMachineClassifier(FACTORS, max_iter=passes, random_state=0, **settings)  # type: ignore[arg-type]
    model.fit(split[0], split[1])
    seconds = time.process_time() - began
    return seconds, float(roc_auc_score(split[3], model.decision_function(split[2])))


def learning_picture(split: Split) -> None:
    """AUC against CPU seconds, a line for each solver."""
    ours((split[0][:99], split[1][:99], *split[2:]), 1)  # Loads the compiled loop.
    curves = {"lakemill": [ours(split, passes) for passes in (1, 2, 3, 5, 10, 20)]}
    tuned = {"solver": "adam", "learning_rates": (0.1, 0.01, 0.01)}
    curves["Adam, rates of 0.01"] = [ours(split, passes, **tuned) for passes in (1, 2, 3, 5, 10)]
    with tempfile.TemporaryDirectory() as folder:
        runs = [myfm(split, "classifier", iterations, folder)(0) for iterations in (5, 10, 20, 30, 60, 100)]
    curves["myfm, Gibbs sampling"] = [(seconds, area) for area, seconds in runs]
    linear = LogisticRegression(C=0.5, solver="liblinear").fit(split[0], split[1])
    level = roc_auc_score(split[3], linear.decision_function(split[2]))
    figure, axes = plt.subplots(figsize=(6, 3.4))
    for name, points in curves.items():
        print(name, np.round(points, 4).tolist())
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    axes.axhline(level, color="gray", lw=1, ls=":")
    axes.annotate("logistic regression", (0.11, level), xytext=(0, 3), textcoords="offset points", color="gray")
    axes.set_xscale("log")
    axes.set_xticks([0.1, 0.3, 1, 3, 10, 30], ["0.1", "0.3", "1", "3", "10", "30"])
    axes.minorticks_off()
    axes.set_xlabel("CPU seconds of training")
    axes.set_ylabel("AUC on held-out flights")
    axes.legend(frameon=False, loc="center right")
    figure.tight_layout()
    figure.savefig(FOLDER / "factorization-machines-learning.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    with threadpool_limits(1):
        learning_picture(flights_split())
