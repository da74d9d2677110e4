"""The New York flights as arrays: what every example that uses them shares."""

from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parent / "data"
LATE_MINUTES = 15


def flights(rows: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (n, 10) float32, late (n,) float32, and the mask of the training part.

    Columns: month, day, weekday, day of year, scheduled departure and arrival in minutes, distance, and the codes of
    carrier, origin and destination. `rows` takes an even sample.
    """
    frame = pd.read_parquet(DATA / "nycflights13" / "flights.parquet")
    frame = frame[frame["arr_delay"].notna()].reset_index(drop=True)
    train = np.random.RandomState(7).rand(len(frame)) < 0.8
    date = pd.to_datetime(frame[["year", "month", "day"]])
    minutes = [frame[name] // 100 * 60 + frame[name] % 100 for name in ("sched_dep_time", "sched_arr_time")]
    codes = [frame[name].astype("category").cat.codes for name in ("carrier", "origin", "dest")]
    columns = [
        frame["month"], frame["day"], date.dt.weekday, date.dt.dayofyear, *minutes, frame["distance"], *codes,
    ]  # fmt: skip
    features = np.column_stack([np.asarray(column, dtype="float32") for column in columns])
    late = (frame["arr_delay"].to_numpy() > LATE_MINUTES).astype("float32")
    if rows is not None and rows < len(late):
        chosen = np.linspace(0, len(late) - 1, rows).astype(int)
        return features[chosen], late[chosen], train[chosen]
    return features, late, train


def images(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Fashion-MNIST pixels in 0..1, (n, 784) float32, and classes; part is "train" or "t10k"."""
    import gzip

    folder = DATA / "fashion-mnist-mini"
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return (pixels / 255).astype("float32"), labels.astype("float32")


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve, ties counted half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks) / counts)[inverse]
    positive = labels > 0.5
    p, n = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * n))
