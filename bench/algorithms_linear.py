"""Linear Learner's estimators beside scikit-learn's, on the same arrays and the same split.

Both run alternately in one process with one BLAS thread; CPU seconds are medians of three. A row of quality and the row
of its time belong together: the time counts at that quality.

Quality is compared twice. The training objective is what both sides minimise, with the same penalty: the lower one has
found the better optimum, and there is no slack. Held-out figures differ by chance as well; `noise` is the standard
error of their difference over bootstrap samples of the held-out records, and two of them are allowed.
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
RESAMPLES = 40
FASHION = "best of 8; peer lbfgs, C=0.1"
EXACT = "peer QuantileRegressor, a linear program's exact optimum; 3,300 records"

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


def more_is_better(name: str, ours: float, peer: float, noise: float = 0.0, note: str = "") -> dict:
    target = f">= peer - {2 * noise:.1g}" if noise else ">= peer"
    return {"name": name, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": "",
            "target": target, "met": ours >= peer - 2 * noise, "note": note}  # fmt: skip


def less_is_better(
    name: str, ours: float, peer: float, ratio: float, unit: str, note: str = "", noise: float = 0.0
) -> dict:
    target = f"<= {ratio:g}x" + (f" + {2 * noise:.1g}" if noise else "")
    return {"name": name, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit,
            "target": target, "met": ours <= ratio * peer + 2 * noise, "note": note}  # fmt: skip


def noise(measure: Callable[[np.ndarray, np.ndarray], float], truth: np.ndarray, *predicted: np.ndarray) -> float:
    """The standard error of the difference of two models' figures, over bootstrap samples of the held-out records."""
    random, differences = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        drawn = random.integers(0, len(truth), len(truth))
        ours, peer = (measure(truth[drawn], one[drawn]) for one in predicted)
        differences.append(ours - peer)
    return float(np.std(differences))


def held_out(name: str, split: Split, ours: Any, peer: Any, note: str = "") -> list[dict]:
    """AUC and log loss of two binary classifiers."""
    scores, chances = ([one.decision_function(split[2]) for one in (ours, peer)],
                       [one.predict_proba(split[2])[:, 1] for one in (ours, peer)])  # fmt: skip
    areas = [metrics.roc_auc_score(split[3], one) for one in scores]
    losses = [metrics.log_loss(split[3], one) for one in chances]
    return [
        more_is_better(f"{name}: AUC", *areas, noise(metrics.roc_auc_score, split[3], *scores), note),
        less_is_better(f"{name}: log loss", *losses, 1, "nats", noise=noise(metrics.log_loss, split[3], *chances)),
    ]


def objectives(name: str, split: Split, wd: float, *models: Any) -> dict:
    """mean(log loss) + wd/2 |w|^2 on the training records, in double precision."""
    found = []
    for one in models:
        f, w = one.decision_function(split[0].astype(np.float64)), np.ravel(one.coef_).astype(np.float64)
        found.append(float(np.mean(np.logaddexp(0, f) - f * split[1]) + wd / 2 * w @ w))
    return less_is_better(f"{name}: training objective", *found, 1, "nats", f"difference {found[0] - found[1]:.1e}")


def accuracy(model: Any, split: Split) -> float:
    return float(model.score(split[2], split[3]))


def sparse_rows() -> list[dict]:
    split = flights_sparse()
    wd = 1 / (0.5 * split[0].shape[0])  # liblinear's C = 0.5
    mine, seconds, theirs, peer_seconds = side_by_side(
        lambda: LinearLearnerClassifier(wd=wd, normalize_data=False),
        lambda: LogisticRegression(C=0.5, solver="liblinear"),
        split,
    )
    strong, strong_seconds = timed(lambda: LinearLearnerClassifier(wd=1e-4, normalize_data=False), split)
    sgd, sgd_seconds = timed(lambda: SGDClassifier(alpha=1e-4, loss="log_loss", random_state=0), split)
    many, many_seconds = timed(lambda: LinearLearnerClassifier(num_models=16, normalize_data=False), split)
    return [
        objectives("1a flights, sparse", split, wd, mine, theirs),
        *held_out("1a flights, sparse", split, mine, theirs, "peer liblinear, C=0.5"),
        less_is_better("1a time", seconds, peer_seconds, 0.25, "CPU s"),
        *held_out("1a against SGDClassifier", split, strong, sgd, "wd = alpha = 1e-4"),
        less_is_better("1a against SGDClassifier: time", strong_seconds, sgd_seconds, 1.0, "CPU s"),
        *held_out("1a best of 16 penalties", split, many, theirs),
        less_is_better("1a best of 16 penalties: time", many_seconds, peer_seconds, 1.0, "CPU s", "with the choice"),
        less_is_better("1a 16 models against one of ours: time", many_seconds, seconds, 4, "CPU s", "with the choice"),
    ]


def dense_rows() -> list[dict]:
    split = flights_dense()
    wd = 1 / len(split[1])  # lbfgs's C = 1
    mine, seconds, theirs, peer_seconds = side_by_side(
        lambda: LinearLearnerClassifier(wd=wd, normalize_data=False), lambda: LogisticRegression(max_iter=1000), split
    )
    several, several_seconds, _, one_seconds = side_by_side(
        lambda: LinearLearnerClassifier(num_models=16, l1=0.0), lambda: LinearLearnerClassifier(wd=1e-5), split
    )
    return [
        objectives("1b flights, dense", split, wd, mine, theirs),
        *held_out("1b flights, dense", split, mine, theirs, "peer lbfgs, C=1"),
        less_is_better("1b time", seconds, peer_seconds, 0.5, "CPU s"),
        *held_out("1c best of 16", split, several, theirs),
        less_is_better(
            "1c 16 models against one of ours: time", several_seconds, one_seconds, 4, "CPU s", "with the choice"
        ),
        less_is_better("1c 16 models against one lbfgs: time", several_seconds, peer_seconds, 4, "CPU s"),
    ]


def census_rows() -> list[dict]:
    split = adult()
    wd = 1 / len(split[1])  # lbfgs's C = 1
    mine, seconds, theirs, peer_seconds = side_by_side(
        lambda: LinearLearnerClassifier(wd=wd, normalize_data=False), lambda: LogisticRegression(max_iter=1000), split
    )
    converged = LogisticRegression(solver="newton-cholesky", tol=1e-10).fit(split[0].astype(np.float64), split[1])
    return [
        objectives("adult", split, wd, mine, theirs),
        *held_out("adult", split, mine, theirs, "peer lbfgs, C=1"),
        *held_out("adult, peer converged", split, mine, converged, "newton-cholesky, tol=1e-10"),
        less_is_better("adult: time", seconds, peer_seconds, 1.0, "CPU s"),
    ]


def fashion_rows() -> list[dict]:
    split = fashion()
    mine, seconds, theirs, peer_seconds = side_by_side(
        lambda: LinearLearnerClassifier(num_models=8), lambda: LogisticRegression(max_iter=1000, C=0.1), split
    )
    name, hits = "fashion-mnist-mini", [one.predict(split[2]) for one in (mine, theirs)]
    chances = [one.predict_proba(split[2]) for one in (mine, theirs)]
    right, loss = noise(metrics.accuracy_score, split[3], *hits), noise(metrics.log_loss, split[3], *chances)
    losses = [metrics.log_loss(split[3], one) for one in chances]
    return [
        more_is_better(f"{name}: accuracy", accuracy(mine, split), accuracy(theirs, split), right, FASHION),
        less_is_better(f"{name}: log loss", *losses, 1, "nats", noise=loss),
        less_is_better(f"{name}: time", seconds, peer_seconds, 1.0, "CPU s"),
    ]


def regression_rows() -> list[dict]:
    split = delays()
    mine, seconds, theirs, peer_seconds = side_by_side(LinearLearnerRegressor, LinearRegression, split)
    fits = [float(np.mean((model.predict(split[0]) - split[1]) ** 2)) for model in (mine, theirs)]
    errors, spread = regression_figures(metrics.mean_squared_error, split, mine, theirs)
    return [
        # Rounding in double precision; the peer solves the normal equations exactly.
        less_is_better("delay, squared loss: training loss", *fits, 1 + 1e-9, "min^2", "peer LinearRegression"),
        less_is_better("delay, squared loss: mse", *errors, 1, "min^2", noise=spread),
        less_is_better("delay, squared loss: time", seconds, peer_seconds, 1.0, "CPU s"),
        *huber_rows(split),
        *quantile_rows((split[0][::20], split[1][::20], *split[2:])),
    ]


def regression_figures(measure: Callable, split: Split, *models: Any) -> tuple[list[float], float]:
    """Both models' held-out figures and the noise of their difference."""
    predicted = [one.predict(split[2]) for one in models]
    return [float(measure(split[3], one)) for one in predicted], noise(measure, split[3], *predicted)


def huber_rows(split: Split) -> list[dict]:
    """The peer estimates a scale s and cuts at epsilon s; ours is given that cut, in units of the scaled label."""
    x, y, *_ = split
    theirs, peer_seconds = timed(lambda: HuberRegressor(epsilon=1.35, alpha=0, max_iter=1000), split)
    cut = 1.35 * theirs.scale_
    mine, seconds = timed(lambda: LinearLearnerRegressor(loss="huber_loss", huber_delta=cut / y.std()), split)
    sizes = [np.abs(model.predict(x) - y) for model in (mine, theirs)]
    fits = [float(np.mean(np.where(e <= cut, e * e / 2, cut * (e - cut / 2)))) for e in sizes]
    errors, spread = regression_figures(metrics.mean_absolute_error, split, mine, theirs)
    return [
        less_is_better("delay, Huber loss: training loss", *fits, 1, "min^2", "peer HuberRegressor, the same cut"),
        less_is_better("delay, Huber loss: mean absolute error", *errors, 1, "min", noise=spread),
        less_is_better("delay, Huber loss: time", seconds, peer_seconds, 1.0, "CPU s"),
    ]


def quantile_rows(split: Split) -> list[dict]:
    rows = []
    for quantile in (0.5, 0.9):

        def pinball(truth: np.ndarray, predicted: np.ndarray, alpha: float = quantile) -> float:
            return float(metrics.mean_pinball_loss(truth, predicted, alpha=alpha))

        mine, seconds = timed(lambda q=quantile: LinearLearnerRegressor(loss="quantile_loss", quantile=q), split)
        theirs, peer_seconds = timed(lambda q=quantile: QuantileRegressor(quantile=q, alpha=0), split)
        fits = [pinball(split[1], model.predict(split[0])) for model in (mine, theirs)]
        errors, spread = regression_figures(pinball, split, mine, theirs)
        name = f"delay, quantile {quantile}"
        rows += [
            less_is_better(f"{name}: training loss", *fits, 1 + 2e-5, "min", EXACT),
            less_is_better(f"{name}: held-out loss", *errors, 1, "min", noise=spread),
            less_is_better(f"{name}: time", seconds, peer_seconds, 1.0, "CPU s"),
        ]
    return rows


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with threadpool_limits(1):
        return [*sparse_rows(), *dense_rows(), *census_rows(), *fashion_rows(), *regression_rows()]
