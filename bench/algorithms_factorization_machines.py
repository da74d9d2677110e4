"""Factorization machines beside myfm (Gibbs sampling, as libFM's MCMC) and linear models, on the same sparse records.

Ours and the peers run alternately with one thread; qualities and CPU seconds are medians of three runs with seeds 0, 1,
2. myfm runs in a process of its own, which measures its fit only. Its prediction is a mean over samples, for which the
factors of all of them are kept; ours is one machine of 8 factors.

Data: late flights of New York, eight columns and the day of the year one-hot (examples/data); ratings of lecturers
(folder insteval of LAKEMILL_BENCH_DATA, which is left out if absent).
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from bench.algorithms_linear import Split, flights, one_hot
from lakemill.algorithms.factorization_machines import FactorizationMachineClassifier, FactorizationMachineRegressor

DATA = Path(os.environ.get("LAKEMILL_BENCH_DATA", "absent"))
PEERS = Path(__file__).parent.parent / ".venvs" / "peers" / "bin" / "python"
FACTORS, SEEDS = 8, (0, 1, 2)
MYFM = """
import contextlib, io, json, sys, time
import myfm, numpy as np, scipy.sparse as sp
folder, kind, iterations, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
train, test = (sp.load_npz(f"{folder}/{name}.npz").astype(float) for name in ("train", "test"))
labels = np.load(f"{folder}/labels.npy")
model = (myfm.MyFMClassifier if kind == "classifier" else myfm.MyFMRegressor)(rank=8, random_seed=seed)
began = time.process_time()
with contextlib.redirect_stderr(io.StringIO()):
    model.fit(train, labels, n_iter=iterations, n_kept_samples=iterations * 2 // 3)
seconds = time.process_time() - began
said = model.predict_proba(test) if kind == "classifier" else model.predict(test)
print(json.dumps([seconds, said.tolist()]))
"""

Measured = tuple[float, float]
"""Quality and CPU seconds."""
Contender = Callable[[int], Measured]


def flights_split() -> Split:
    """Nine ones a record among 10,086 columns."""
    frame, train = flights()
    flight = frame.carrier + frame.flight.astype(str)
    names = ("carrier", "origin", "dest", "month", "weekday", "hour", "tailnum")
    features = one_hot([*(frame[name] for name in names), flight, frame["day_of_year"]], train)
    late = (frame.arr_delay > 15).to_numpy(np.float32)
    return features[train], late[train], features[~train], late[~train]


def ratings_split() -> Split:
    """Six ones a record: student, lecturer, their ages, service, department."""
    frame = pd.read_csv(DATA / "insteval" / "insteval.csv.xz")
    train = np.random.RandomState(5).rand(len(frame)) < 0.9
    features = one_hot([frame[name] for name in ("s", "d", "studage", "lectage", "service", "dept")], train)
    score = frame["y"].to_numpy(np.float32)
    return features[train], score[train], features[~train], score[~train]


def quality(labels: np.ndarray, said: np.ndarray, kind: str) -> float:
    """AUC of a classifier, root mean squared error of a regressor."""
    if kind == "classifier":
        return float(roc_auc_score(labels, said))
    return float(np.sqrt(np.square(said - labels).mean()))


def fitted(make: Callable[[int], Any], split: Split, kind: str) -> Contender:
    def run(seed: int) -> Measured:
        began = time.process_time()
        model = make(seed).fit(split[0], split[1])
        seconds = time.process_time() - began
        say = model.decision_function if kind == "classifier" else model.predict
        return quality(split[3], say(split[2]), kind), seconds

    return run


def myfm(split: Split, kind: str, iterations: int, folder: str) -> Contender:
    for name, features in (("train", split[0]), ("test", split[2])):
        sp.save_npz(f"{folder}/{name}.npz", features, compressed=False)
    np.save(f"{folder}/labels.npy", split[1])

    def run(seed: int) -> Measured:
        command = [str(PEERS), "-c", MYFM, folder, kind, str(iterations), str(seed)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        seconds, said = json.loads(answer.stdout)
        return quality(split[3], np.array(said), kind), seconds

    return run


def side_by_side(contenders: dict[str, Contender]) -> dict[str, Measured]:
    """Name -> median quality and CPU seconds; all alternately."""
    runs: dict[str, list[Measured]] = {name: [] for name in contenders}
    for seed in SEEDS:
        for name, run in contenders.items():
            runs[name].append(run(seed))
    medians = {name: [statistics.median(column) for column in zip(*found, strict=True)] for name, found in runs.items()}
    return {name: (found[0], found[1]) for name, found in medians.items()}


def rows(what: str, kind: str, split: Split, iterations: int, ours: dict[int, Measured], linear: Any) -> list[dict]:
    """ours: passes -> the quality and CPU seconds to reach."""
    estimator = FactorizationMachineClassifier if kind == "classifier" else FactorizationMachineRegressor
    estimator(FACTORS, max_iter=1).fit(split[0][:100], split[1][:100])  # Loads the compiled loop.
    with tempfile.TemporaryDirectory() as folder:
        contenders = {
            str(passes): fitted(lambda seed, n=passes: estimator(FACTORS, max_iter=n, random_state=seed), split, kind)
            for passes in ours
        }
        contenders["linear"] = fitted(lambda seed: linear, split, kind)
        if PEERS.exists():
            contenders["myfm"] = myfm(split, kind, iterations, folder)
        else:
            print("left out: myfm, which is not in .venvs/peers (make bench-algorithms)")
        found = side_by_side(contenders)
    peers = {"linear": type(linear).__name__, "myfm": f"myfm, {iterations} iterations"}
    made = []
    for passes, (target, seconds) in ours.items():
        for peer, words in peers.items():
            if peer not in found:
                continue
            mine, theirs = found[str(passes)], found[peer]
            better = mine[0] >= target if kind == "classifier" else mine[0] <= target
            sign, name = (">=", "AUC") if kind == "classifier" else ("<=", "RMSE")
            head, note = f"{what}, {passes} passes: ", f"peer {words}"
            made.append(row(head + name, mine[0], theirs[0], "", f"{sign} {target}", better, note))
            made.append(row(head + "time", mine[1], theirs[1], "CPU s", f"<= {seconds}", mine[1] <= seconds, note))
    return made


def row(name: str, ours: float, peer: float, unit: str, target: str, met: bool, note: str) -> dict:
    return {"name": name, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit,
            "target": target, "met": met, "note": note}  # fmt: skip


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with threadpool_limits(1):
        linear = LogisticRegression(C=0.5, solver="liblinear")
        found = rows("late flights", "classifier", flights_split(), 30, {1: (0.782, 1.0), 10: (0.799, 3.0)}, linear)
        if (DATA / "insteval").is_dir():
            found += rows("ratings", "regressor", ratings_split(), 100, {10: (1.195, 2.0)}, Ridge(alpha=10))
        else:
            print(f"left out: ratings, {DATA}/insteval is absent")
        return found
