"""Draw the picture of docs/algorithms/ipinsights.md: python docs/pictures/ipinsights.py

Data: the simulated log-ins and attacks of bench/algorithms_ipinsights.py.
"""

import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from bench.algorithms_ipinsights import Pairs, area, log_ins, longest_seen, table  # noqa: E402

from lakemill.algorithms.ipinsights import IPInsights  # noqa: E402

TARGET = ROOT / "docs" / "algorithms" / "img" / "ipinsights-scores.svg"
matplotlib.rcParams.update({"svg.hashsalt": "lakemill", "svg.fonttype": "none", "axes.spines.top": False,
                            "axes.spines.right": False, "font.size": 9})  # fmt: skip


def curve(usual: np.ndarray, attacks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of usual log-ins and of attacks that are flagged, for every threshold."""
    different = np.unique(np.concatenate([[-np.inf], usual, attacks]))
    thresholds = different[np.unique(np.linspace(0, len(different) - 1, 400).astype(int))]
    return tuple(np.searchsorted(np.sort(one), thresholds, "right") / len(one) for one in (usual, attacks))


def shown(axes: plt.Axes, model: IPInsights, groups: dict[str, Pairs]) -> dict[str, np.ndarray]:
    """The distribution of scores."""
    scores = {name: model.score_samples(table(pairs)) for name, pairs in groups.items()}
    for (name, found), colour in zip(scores.items(), ("C0", "C3", "0.4"), strict=True):
        axes.hist(found, bins=np.linspace(-15, 10, 101), density=True, histtype="step", color=colour, label=name)
    axes.axvline(0, color="0.7", linewidth=0.8, linestyle="--")
    axes.set_xlabel("dot product (log odds)")
    axes.set_ylabel("density")
    axes.set_ylim(0, 0.42)
    axes.legend(frameon=False, loc="upper right")
    return scores


def main() -> None:
    train, held, attacks = log_ins(0)
    even = Pairs(held.account, np.random.default_rng(0).integers(0, 1 << 32, len(held.account), np.uint32))
    model = IPInsights(random_state=0, random_negatives=5, shuffled_negatives=5, epochs=5).fit(table(train))
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), width_ratios=(5, 4))
    names = ("held-out log-ins", "from others' networks", "from anywhere")
    scores = shown(left, model, dict(zip(names, (held, attacks, even), strict=True)))
    usual, found = scores[names[0]], scores[names[1]]
    seen = [longest_seen(train, pairs) for pairs in (held, attacks)]
    right.plot(*curve(usual, found), color="C3", label=f"IP Insights, area {area(usual, found):.2f}")
    right.plot(*curve(*seen), color="0.4", linestyle="--", label=f"longest prefix seen, {area(*seen):.2f}")
    right.set_xlabel("log-ins flagged")
    right.set_ylabel("attacks from others' networks flagged")
    right.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(TARGET, metadata={"Date": None})


if __name__ == "__main__":
    main()
