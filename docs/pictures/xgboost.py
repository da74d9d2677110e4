"""Draws docs/algorithms/img/xgboost-*.svg: python -m docs.pictures.xgboost

The data are the flights of examples/data, split as in bench/algorithms_xgboost.py.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from bench.algorithms_xgboost import flights

from lakemill.algorithms.xgboost import XGBClassifier

IMAGES = Path(__file__).parent.parent / "algorithms" / "img"
ROUNDS = 150


def pictures() -> None:
    train, test = flights()
    figure, (curve, gain) = plt.subplots(1, 2, figsize=(9, 3.6), width_ratios=(3, 2))
    for depth, colour in ((3, "tab:green"), (6, "tab:blue"), (10, "tab:red")):
        model = XGBClassifier(n_estimators=ROUNDS, max_depth=depth, learning_rate=0.2, eval_metric="auc")
        channels = [(frame.drop(columns="late"), frame.late) for frame in (train, test)]
        model.fit(*channels[0], eval_set=channels, verbose=False)
        seen, held_out = (np.array(one["auc"]) for one in model.evals_result().values())
        best = int(held_out.argmax())
        curve.plot(held_out, color=colour, label=f"max_depth {depth}: {held_out[best]:.3f} in round {best}")
        curve.plot(seen, color=colour, lw=0.8, ls="--")
        curve.plot(best, held_out[best], "o", color=colour, ms=4)
        if depth == 6:
            shares = dict(
                sorted(model.get_booster().get_score(importance_type="total_gain").items(), key=lambda x: x[1])
            )
            total = sum(shares.values())
            gain.barh([name.replace("_", " ") for name in shares], [100 * share / total for share in shares.values()])
    curve.set(xlabel="round", ylabel="AUC", ylim=(0.66, 1.0), xlim=(0, ROUNDS))
    curve.set_title("held out (solid, best round marked), training (dashed)", size=10)
    curve.legend(loc="upper left", frameon=False, fontsize=8)
    gain.set(xlabel="% of all gain, max_depth 6")
    gain.set_title("What the trees split on", size=10)
    for axes in (curve, gain):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(IMAGES / "xgboost-flights.svg", metadata={"Date": None})


if __name__ == "__main__":
    plt.rcParams["svg.hashsalt"] = "xgboost"  # The same picture gives the same file.
    pictures()
