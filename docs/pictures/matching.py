"""Draws docs/img/matching-*: python -m docs.pictures.matching

Data: the folder cora of LAKEMILL_BENCH_DATA, as in bench/matching.py.
"""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
from bench.matching import citations, pair_f1

from lakemill.matching import FindMatches

FOLDER = Path(__file__).parent.parent / "img"
SETS = ((10, 10), (20, 10), (30, 20))
DIALS = np.linspace(0, 1, 21)
matplotlib.rcParams.update({"svg.hashsalt": "lakemill", "svg.fonttype": "none", "axes.spines.top": False,
                            "axes.spines.right": False, "font.size": 9})  # fmt: skip


def taught(table: pa.Table, clusters: dict[str, int], sets: int, rows: int) -> FindMatches:
    """A matcher whose own proposals were labelled by somebody who knows the clusters."""
    matcher = FindMatches("id")
    asked = matcher.labeling_sets(table, sets=sets, rows=rows)
    answers = pa.array([str(clusters[key]) for key in asked["id"].to_pylist()])
    return matcher.fit(table, asked.set_column(1, "label", answers))


def dial_picture() -> None:
    """Precision and recall along the dial, for some amounts of labels; a dot is the dial's middle."""
    of = citations()
    table = pa.Table.from_pandas(of.table, preserve_index=False)
    clusters = dict(zip(of.table["id"], of.clusters.tolist(), strict=True))
    figure, axes = plt.subplots(figsize=(5.6, 3.6))
    matchers = {"no labels": FindMatches("id").fit(table)}
    matchers |= {f"{sets * rows} rows labelled": taught(table, clusters, sets, rows) for sets, rows in SETS}
    for place, (name, matcher) in enumerate(matchers.items()):
        found = [pair_f1(matcher.set_params(precision_recall_tradeoff=at).predict(table), of.clusters) for at in DIALS]
        precision, recall, _ = np.array(found).T
        color = plt.get_cmap("viridis")(place / len(matchers))
        axes.plot(recall, precision, color=color, label=name, linewidth=1.5)
        axes.plot(recall[len(DIALS) // 2], precision[len(DIALS) // 2], "o", color=color)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0.6, 1.005), ylim=(0.6, 1.005))
    axes.legend(frameon=False, loc="lower left")
    figure.tight_layout()
    figure.savefig(FOLDER / "matching-dial.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    dial_picture()
