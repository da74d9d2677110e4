"""Draw the picture of docs/services/kinesis-analytics.md: python docs/pictures/kinesis_analytics.py

It prints the figures of that page, too. Data: examples/data/nab, half a year of taxi rides with five labelled events.
"""

import csv
import json
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

from lakemill.streamsql.session import Session

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "examples" / "data" / "nab"
PICTURE = ROOT / "docs" / "services" / "img" / "kinesis-analytics-taxi.png"
CODE = """
CREATE STREAM "DEST" ("time" VARCHAR(20), "ANOMALY_SCORE" DOUBLE);
CREATE PUMP "P" AS INSERT INTO "DEST" SELECT STREAM "time", "ANOMALY_SCORE" FROM TABLE(RANDOM_CUT_FOREST(
CURSOR(SELECT STREAM "time", "rides" FROM "SOURCE_SQL_STREAM_001"), 100, 256, 100000, {shingle}));
"""
LEARNING = 0.15
matplotlib.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


def scored(rides: list[dict], shingle: int) -> np.ndarray:
    """The scores of all rides, through the SQL function in batches of 1,000."""
    columns = [
        {"name": "time", "type": "VARCHAR(20)", "mapping": "$.timestamp"},
        {"name": "rides", "type": "INTEGER", "mapping": "$.value"},
    ]
    form = {"format": "JSON", "row_path": "$", "columns": columns}
    source = {"prefix": "SOURCE_SQL_STREAM", "count": 1, "form": form, "keyed": True}
    output = {"stream": "DEST", "format": "JSON"}
    plan = {"code": CODE.format(shingle=shingle), "inputs": [source], "references": [], "outputs": [output]}
    session, found = Session(plan), []
    for start in range(0, len(rides), 1000):
        records = [[json.dumps(row).encode(), 0, "", "", ""] for row in rides[start : start + 1000]]
        session.push(0, records, 1_700_000_000_000 + start)
        found += [json.loads(one)["ANOMALY_SCORE"] for one in session.drain()["outputs"].get(0, [])]
    return np.array(found)


def alarms(scores: np.ndarray, limit: float, gap: int = 48) -> list[tuple[int, int]]:
    """First and last place of runs of scores above a limit, no more than a day apart."""
    places = np.flatnonzero(scores > limit)
    if not len(places):
        return []
    parts = np.split(places, np.flatnonzero(np.diff(places) > gap) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]


def best(scores: np.ndarray, inside: list[np.ndarray]) -> tuple[float, float, float, float]:
    """(F1, limit, recall of events, precision of alarms) at the limit where F1 is highest."""
    found, anywhere = [], np.any(inside, axis=0)
    for limit in np.unique(np.quantile(scores, np.linspace(0.9, 0.9999, 400))):
        told = alarms(scores, limit)
        right = sum(bool(anywhere[first : last + 1].any()) for first, last in told)
        recall = np.mean([bool((scores[one] > limit).any()) for one in inside])
        precision = right / len(told) if told else 0.0
        found.append((2 * recall * precision / max(recall + precision, 1e-9), limit, recall, precision))
    return max(found)


def main() -> None:
    with open(DATA / "nyc_taxi.csv") as file:
        rides = [{"timestamp": row["timestamp"], "value": int(row["value"])} for row in csv.DictReader(file)]
    times = np.array([row["timestamp"] for row in rides])
    events = json.loads((DATA / "nyc_taxi_events.json").read_text())
    inside = [(times >= one["begins"]) & (times <= one["ends"]) for one in events]
    judged, anywhere = np.arange(len(times)) >= LEARNING * len(times), np.any(inside, axis=0)
    for shingle in (1, 24, 30):
        scores = scored(rides, shingle)
        area = roc_auc_score(anywhere[judged], scores[judged])
        limit = np.quantile(scores[judged & ~anywhere], 0.995)
        windows = sum(bool((scores[one] > limit).any()) for one in inside)
        f1, cut, recall, precision = best(np.where(judged, scores, 0), inside)
        print(f"shingle {shingle}: area {area:.3f}, {windows} of 5 windows; F1 {f1:.2f} at {cut:.2f}: "
              f"recall {recall:.2f}, precision {precision:.2f}")  # fmt: skip
        if shingle == 24:
            draw(np.array([row["value"] for row in rides]), scores, cut, events, inside)


def draw(values: np.ndarray, scores: np.ndarray, limit: float, events: list[dict], inside: list[np.ndarray]) -> None:
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 3.8), sharex=True, height_ratios=(3, 2))
    for event, window in zip(events, inside, strict=True):
        places = np.flatnonzero(window)
        for axes in (above, below):
            axes.axvspan(places[0], places[-1], color="0.88", linewidth=0)
        above.annotate(event["event"], (places[0], 1.02), xycoords=("data", "axes fraction"), rotation=50, fontsize=7)
    above.plot(values / 1000, linewidth=0.6, color="C0")
    above.set_ylabel("passengers, thousands")
    below.plot(scores, linewidth=0.6, color="C3")
    below.axhline(limit, color="0.4", linewidth=0.8, linestyle="--")
    below.set_ylabel("ANOMALY_SCORE")
    below.set_xlabel("half-hours")
    figure.tight_layout()
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
