"""Linear Learner's estimators beside scikit-learn's, on the same arrays and the same split.

Both run alternately in one process with one BLAS thread; CPU seconds are medians of three. A row of quality and the row
of its time belong together: the time counts at that quality.
"""

import gzip
import lzma
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn import metrics
from sklearn.linear_model import HuberRegressor, LinearRegression, LogisticRegression, QuantileRegressor, SGDClassifier
from threadpoolctl import threadpool_limits

from lakemill.algorithms.linear_learner import LinearLearnerClassifier, LinearLearnerRegressor

DATA = Path(__file__).parent.parent / "examples" / "data"
REPEATS = 3
FASHION = "best of 8; peer lbfgs, C=0.1"
EXACT = "peer QuantileRegressor, exact; 3,300 records"

Split = tuple[Any, np.ndarray, Any, np.ndarray]


def flights() -> tuple[pd.DataFrame, np.ndarray]:
    """Flights that arrived, and who trains: the split that the data set's README names."""
    frame = pd.read_parquet(DATA / "nycflights13" / "flights.parquet")
    frame = frame[frame.arr_delay.notna()].reset_index(drop=True)
    date = pd.to_datetime(frame[["year", "month", "day"]])
    frame["weekday"], frame["day_of_year"] = date.dt.weekday, date.dt.dayofyear
    return frame, np.random.RandomState(7).rand(len(frame)) < 0.8


def one_hot(columns: list[pd.Series], train: np.ndarray) -> sp.csr_matrix:
    """(n, d) float32 CSR over the values seen in training."""
    blocks = []
    for column in columns:
        values = column.fillna("").astype(str)
        codes = pd.Categorical(values, categories=pd.unique(values[train])).codes
        seen = codes >= 0
        place = (np.flatnonzero(seen), codes[seen])
        blocks.append(sp.csr_matrix((np.ones(seen.sum(), np.float32), place), (len(codes), codes.max() + 1)))
    return sp.hstack(blocks, format="csr", dtype=np.float32)


def flights_sparse() -> Split:
    """Rows of ten ones among 12,000 columns."""
    frame, train = flights()
    flight = frame.carrier + frame.flight.astype(str)
    bank = frame.origin + frame.dest + frame.hour.astype(str)
    plain = [
        frame[name] for name in ("carrier", "origin", "dest", "month", "weekday", "hour", "tailnum", "day_of_year")
    ]
    return _split(one_hot([*plain, flight, bank], train), (frame.arr_delay > 15).to_numpy(np.float32), train)


def flights_dense() -> Split:
    """Six one-hot columns and five standardised numbers, dense."""
    frame, train = flights()
    hot = one_hot([frame[name] for name in ("carrier", "origin", "dest", "month", "weekday", "hour")], train)
    numbers = frame[["distance", "day_of_year", "sched_dep_time", "sched_arr_time", "minute"]].to_numpy(np.float32)
    numbers = (numbers - numbers[train].mean(axis=0)) / numbers[train].std(axis=0)
    return _split(np.hstack([hot.toarray(), numbers]), (frame.arr_delay > 15).to_numpy(np.float32), train)


def delays() -> Split:
    """Regression: minutes of delay, from the dense columns; every fourth record, the peers are slow."""
    frame, train = flights()
    hot = one_hot([frame[name] for name in ("carrier", "origin", "month", "weekday", "hour")], train)
    numbers = frame[["distance", "dep_delay", "air_time"]].to_numpy(np.float32)
    numbers = (numbers - numbers[train].mean(axis=0)) / numbers[train].std(axis=0)
    features = np.hstack([hot.toarray(), numbers])[::4].astype(np.float64)
    return _split(features, frame.arr_delay.to_numpy(np.float64)[::4], train[::4])


def adult() -> Split:
    """One-hot categories and standardised numbers of the census, dense."""
    frames = []
    for name in ("train", "test"):
        with lzma.open(next((DATA / "adult").glob(f"*{name}*.xz"))) as file:
            frames.append(pd.read_csv(file, header=None, skipinitialspace=True))
    frame = pd.concat(frames, ignore_index=True)
    train = np.arange(len(frame)) < len(frames[0])
    kinds = frame.iloc[:, :-1].dtypes
    numbers = frame[[name for name, kind in kinds.items() if kind.kind in "if"]].to_numpy(np.float32)
    numbers = (numbers - numbers[train].mean(axis=0)) / numbers[train].std(axis=0)
    hot = one_hot([frame[name] for name, kind in kinds.items() if kind.kind not in "if"], train)
    labels = frame.iloc[:, -1].astype(str).str.startswith(">50K").to_numpy(np.float32)
    return _split(np.hstack([hot.toarray(), numbers]), labels, train)


def fashion() -> Split:
    """Ten classes of clothes, pixels in 0..1."""
    folder = DATA / "fashion-mnist-mini"

    def read(word: str, head: int) -> np.ndarray:
        with gzip.open(next(path for path in sorted(folder.glob("*.gz")) if path.name.startswith(word))) as file:
            return np.frombuffer(file.read(), np.uint8, offset=head)

    images = [read(f"{name}-images", 16).reshape(-1, 784).astype(np.float32) / 255 for name in ("train", "t10k")]
    labels = [read(f"{name}-labels", 8) for name in ("train", "t10k")]
    return images[0], labels[0], images[1], labels[1]


def _split(features: Any, labels: np.ndarray, train: np.ndarray) -> Split:
    return features[train], labels[train], features[~train], labels[~train]


def timed(make: Callable[[], Any], split: Split) -> tuple[Any, float]:
    """A fitted estimator and its CPU seconds."""
    began = time.process_time()
    fitted = make().fit(split[0], split[1])
    return fitted, time.process_time() - began


def side_by_side(ours: Callable[[], Any], peer: Callable[[], Any], split: Split) -> tuple[Any, float, Any, float]:
    """Both fitted alternately; medians."""
    runs = [(timed(ours, split), timed(peer, split)) for _ in range(REPEATS)]
    (mine, _), (theirs, _) = runs[-1]
    return mine, statistics.median(m[1] for m, _ in runs), theirs, statistics.median(t[1] for _, t in runs)


def more_is_better(name: str, ours: float, peer: float, slack: float, note: str = "") -> dict:
    met = ours >= peer - slack
    return {"name": name, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": "",
            "target": f">= peer - {slack:g}", "met": met, "note": note}  # fmt: skip


def less_is_better(name: str, ours: float, peer: float, ratio: float, unit: str, note: str = "") -> dict:
    return {"name": name, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit,
            "target": f"<= {ratio:g}x", "met": ours <= ratio * peer, "note": note}  # fmt: skip


def auc(model: Any, split: Split) -> float:
    return float(metrics.roc_auc_score(split[3], model.decision_function(split[2])))


def log_loss(model: Any, split: Split) -> float:
    return float(metrics.log_loss(split[3], model.predict_proba(split[2])))


def accuracy(model: Any, split: Split) -> float:
    return float(model.score(split[2], split[3]))


def sparse_rows() -> list[dict]:
    split = flights_sparse()
    n = split[0].shape[0]
    wd = 1 / (0.5 * n)  # liblinear's C = 0.5
    mine, seconds, theirs, peer_seconds = side_by_side(
        lambda: LinearLearnerClassifier(wd=wd, normalize_data=False),
        lambda: LogisticRegression(C=0.5, solver="liblinear"),
        split,
    )
    sgd, sgd_seconds = timed(lambda: SGDClassifier(loss="log_loss", random_state=0), split)
    rows = [
        more_is_better("1a flights, sparse: AUC", auc(mine, split), auc(theirs, split), 0.001, "peer liblinear, C=0.5"),
        less_is_better("1a log loss", log_loss(mine, split), log_loss(theirs, split), 1.002, "nats"),
        less_is_better("1a time", seconds, peer_seconds, 0.25, "CPU s"),
        more_is_better("1a against SGDClassifier: AUC", auc(mine, split), auc(sgd, split), 0),
        less_is_better("1a against SGDClassifier: time", seconds, sgd_seconds, 1.0, "CPU s"),
    ]
    many, many_seconds = timed(lambda: LinearLearnerClassifier(num_models=16, normalize_data=False), split)
    qualities = (auc(many, split), auc(theirs, split))
    rows.append(more_is_better("1a best of 16 penalties: AUC", *qualities, 0, f"{many_seconds:.2f} CPU s"))
    return rows


def dense_rows() -> list[dict]:
    split = flights_dense()
    one, many = (lambda: LinearLearnerClassifier(wd=1e-5), lambda: LinearLearnerClassifier(num_models=16, l1=0.0))
    mine, seconds, theirs, peer_seconds = side_by_side(one, lambda: LogisticRegression(max_iter=1000), split)
    several, several_seconds = timed(many, split)
    return [
        more_is_better("1b flights, dense: AUC", auc(mine, split), auc(theirs, split), 0.0002, "peer lbfgs"),
        less_is_better("1b log loss", log_loss(mine, split), log_loss(theirs, split), 1.0005, "nats"),
        less_is_better("1b time", seconds, peer_seconds, 0.5, "CPU s"),
        less_is_better(
            "1c 16 models against one of ours: time", several_seconds, seconds, 4, "CPU s", "with the choice"
        ),
        less_is_better("1c 16 models against one lbfgs: time", several_seconds, peer_seconds, 4, "CPU s"),
        more_is_better("1c best of 16: AUC", auc(several, split), auc(theirs, split), 0.0002),
    ]


def census_rows() -> list[dict]:
    split = adult()
    n = len(split[1])  # lbfgs's C = 1
    mine, seconds, theirs, peer_seconds = side_by_side(
        lambda: LinearLearnerClassifier(wd=1 / n, normalize_data=False),
        lambda: LogisticRegression(max_iter=1000),
        split,
    )
    return [
        more_is_better("adult: AUC", auc(mine, split), auc(theirs, split), 0.0005, "peer lbfgs"),
        more_is_better("adult: accuracy", accuracy(mine, split), accuracy(theirs, split), 0.001),
        less_is_better("adult: time", seconds, peer_seconds, 1.0, "CPU s"),
    ]


def fashion_rows() -> list[dict]:
    split = fashion()
    mine, seconds, theirs, peer_seconds = side_by_side(
        lambda: LinearLearnerClassifier(num_models=8), lambda: LogisticRegression(max_iter=1000, C=0.1), split
    )
    return [
        more_is_better(
            "fashion-mnist-mini, 10 classes: accuracy", accuracy(mine, split), accuracy(theirs, split), 0.002, FASHION
        ),
        less_is_better("fashion-mnist-mini: log loss", log_loss(mine, split), log_loss(theirs, split), 1.01, "nats"),
        less_is_better("fashion-mnist-mini: time", seconds, peer_seconds, 1.0, "CPU s"),
    ]


def regression_rows() -> list[dict]:
    split = delays()
    x, y, held, truth = split
    rows = []
    mine, seconds, theirs, peer_seconds = side_by_side(LinearLearnerRegressor, LinearRegression, split)
    mse = [float(np.mean((model.predict(held) - truth) ** 2)) for model in (mine, theirs)]
    rows.append(less_is_better("delay, squared loss: mse", *mse, 1.0001, "min^2", "peer LinearRegression"))
    rows.append(less_is_better("delay, squared loss: time", seconds, peer_seconds, 1.0, "CPU s"))
    delta = 1.35
    mine, seconds = timed(lambda: LinearLearnerRegressor(loss="huber_loss", huber_delta=delta * 10 / y.std()), split)
    theirs, peer_seconds = timed(lambda: HuberRegressor(epsilon=delta, alpha=0, max_iter=1000), split)
    mae = [float(np.mean(np.abs(model.predict(held) - truth))) for model in (mine, theirs)]
    rows.append(less_is_better("delay, Huber loss: mean absolute error", *mae, 1.001, "min", "peer HuberRegressor"))
    rows.append(less_is_better("delay, Huber loss: time", seconds, peer_seconds, 1.0, "CPU s"))
    few = (x[::20], y[::20], held, truth)
    for quantile in (0.5, 0.9):
        mine, seconds = timed(lambda q=quantile: LinearLearnerRegressor(loss="quantile_loss", quantile=q), few)
        theirs, peer_seconds = timed(lambda q=quantile: QuantileRegressor(quantile=q, alpha=0, solver="highs"), few)
        pinball = [metrics.mean_pinball_loss(few[1], model.predict(few[0]), alpha=quantile) for model in (mine, theirs)]
        rows.append(less_is_better(f"delay, quantile {quantile}: training loss", *pinball, 1.002, "min", EXACT))
        rows.append(less_is_better(f"delay, quantile {quantile}: time", seconds, peer_seconds, 1.0, "CPU s"))
    return rows


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with threadpool_limits(1):
        return [*sparse_rows(), *dense_rows(), *census_rows(), *fashion_rows(), *regression_rows()]
