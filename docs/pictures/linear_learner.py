"""Draws docs/algorithms/img/linear-learner-*.svg: python -m docs.pictures.linear_learner

The data are the flights of examples/data, split as in bench/algorithms_linear.py.
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp
from bench.algorithms_linear import Split, flights_dense, flights_sparse
from sklearn.metrics import roc_auc_score, roc_curve

from lakemill.algorithms.linear_learner import LinearLearnerClassifier

IMAGES = Path(__file__).parent.parent / "algorithms" / "img"
CRITERIA = {
    "accuracy": "accuracy",
    "f1": "F1",
    "precision_at_target_recall": "precision at recall 0.8",
    "recall_at_target_precision": "recall at precision 0.8",
}
BACKGROUND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
POINTS = 300
"""Of a curve; the file stays small."""


def curve(axes: Any, scores: np.ndarray, labels: np.ndarray, name: str) -> None:
    fall_out, recall, _ = roc_curve(labels, scores)
    shown = np.unique(np.linspace(0, len(recall) - 1, POINTS).astype(int))
    axes.plot(fall_out[shown], recall[shown], label=f"{name}: area {roc_auc_score(labels, scores):.3f}", lw=1.5)


def thresholds(axes: Any, split: Split) -> None:
    """Where each criterion cuts: the threshold comes from a tenth of the training records."""
    features, labels, held, truth = split
    for criterion, name in CRITERIA.items():
        model = LinearLearnerClassifier(
            wd=1e-5,
            normalize_data=False,
            binary_classifier_model_selection_criteria=criterion,
            target_recall=0.8,
            target_precision=0.8,
        ).fit(features, labels)
        called = model.predict(held) > 0
        point = np.mean(called[truth == 0]), np.mean(called[truth == 1])
        axes.plot(*point, "o", color="black", ms=4)
        text = f"{name} (cut at {model.threshold_:.2f})"
        axes.annotate(text, point, (7, -9), textcoords="offset points", size=8, bbox=BACKGROUND)


def roc() -> None:
    sparse, dense = flights_sparse(), flights_dense()
    figure, axes = plt.subplots(figsize=(6.4, 4.8))
    for split in (sparse, dense):
        kind = "12,121 sparse columns" if sp.issparse(split[0]) else "166 dense columns"
        model = LinearLearnerClassifier(num_models=16, normalize_data=False).fit(split[0], split[1])
        curve(axes, model.decision_function(split[2]), split[3], kind)
    thresholds(axes, sparse)
    axes.plot([0, 1], [0, 1], color="grey", lw=0.8, ls="--", label="chance")
    axes.set(xlabel="on time, called late", ylabel="late, called late", xlim=(0, 1), ylim=(0, 1))
    axes.set_title("Flights more than 15 minutes late, held-out fifth of 2013", size=10)
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(IMAGES / "linear-learner-roc.svg", metadata={"Date": None})


if __name__ == "__main__":
    plt.rcParams["svg.hashsalt"] = "linear-learner"  # The same picture gives the same file.
    roc()
