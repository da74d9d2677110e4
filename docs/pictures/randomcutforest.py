"""Draw the pictures of docs/algorithms/randomcutforest.md: python docs/pictures/randomcutforest.py

Data: the series of the Numenta Anomaly Benchmark (NAB, MIT licence) in the folder nab of LAKEMILL_BENCH_DATA: the
machine temperature, or the ambient temperature where that series is absent, and the taxi rides.
"""

import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from bench.algorithms_randomcutforest import DATA, series  # noqa: E402

from lakemill.algorithms.randomcutforest import RandomCutStream  # noqa: E402

FOLDER = ROOT / "docs" / "algorithms" / "img"
MACHINE = "realKnownCause/machine_temperature_system_failure.csv"
AMBIENT = "realKnownCause/ambient_temperature_system_failure.csv"
TAXI = "realKnownCause/nyc_taxi.csv"
matplotlib.rcParams.update({"svg.hashsalt": "lakemill", "svg.fonttype": "none", "axes.spines.top": False,
                            "axes.spines.right": False, "font.size": 9, "path.simplify_threshold": 0.5})  # fmt: skip


def draw(values: np.ndarray, windows: list[np.ndarray], scores: np.ndarray, what: str, unit: str, name: str) -> None:
    """A series above its scores, with the labelled windows in grey and the cut-off as a line."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 3.8), sharex=True, height_ratios=(3, 2))
    for axes in (above, below):
        for window in windows:
            inside = np.flatnonzero(window)
            axes.axvspan(inside[0], inside[-1], color="0.88", linewidth=0)
    above.plot(values, linewidth=0.6, color="C0")
    above.set_ylabel(what)
    limit = scores[scores > 0].mean() + 3 * scores[scores > 0].std()
    below.plot(scores, linewidth=0.6, color="C3")
    below.axhline(limit, color="0.4", linewidth=0.8, linestyle="--")
    below.annotate("mean + 3 deviations", (0, limit), xytext=(2, 3), textcoords="offset points", color="0.3")
    below.set_ylabel("anomaly score")
    below.set_xlabel(unit)
    figure.tight_layout()
    figure.savefig(FOLDER / name, metadata={"Date": None} if name.endswith("svg") else None, dpi=110)
    plt.close(figure)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    there = (DATA / "nab" / MACHINE).exists()
    values, windows = series(MACHINE if there else AMBIENT)
    scores = RandomCutStream(1, shingle_size=48 if there else 24).process(values)
    what, unit = ("machine temperature, F", "five minutes") if there else ("office temperature, F", "hours")
    draw(values, windows, scores, what, unit, "randomcutforest-temperature.png")
    values, windows = series(TAXI)
    scores = RandomCutStream(1, shingle_size=48).process(values)
    draw(values / 1000, windows, scores, "passengers, thousands", "half-hours", "randomcutforest-taxi.png")


if __name__ == "__main__":
    main()
