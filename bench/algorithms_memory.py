"""Memory of trainings on a stream of 4 GiB: RecordIO-protobuf, 100 float32 features a record, in Pipe mode.

A process writes the same megabytes again and again into the FIFO until 4 GiB are through, as the platform would write
objects. The figure is the largest resident set of the training process. LAKEMILL_BENCH_STREAM_GIB sets another size.
"""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from lakemill.formats import records

FEATURES = 100
GIB = float(os.environ.get("LAKEMILL_BENCH_STREAM_GIB", "4"))
LIMIT_MIB = 1024
TRAININGS = {
    "kmeans": {"k": "20", "feature_dim": str(FEATURES)},
    "pca": {"num_components": "10", "feature_dim": str(FEATURES), "mini_batch_size": "1000"},
    "pca, randomized": {
        "num_components": "10",
        "feature_dim": str(FEATURES),
        "mini_batch_size": "1000",
        "algorithm_mode": "randomized",
    },
    "linear-learner": {"predictor_type": "binary_classifier", "epochs": "1"},
    "randomcutforest": {"feature_dim": str(FEATURES)},
    "factorization-machines": {
        "predictor_type": "binary_classifier",
        "num_factors": "8",
        "feature_dim": str(FEATURES),
    },
    "knn, sample of 200,000": {
        "predictor_type": "classifier",
        "k": "10",
        "sample_size": "200000",
        "feature_dim": str(FEATURES),
    },
}


def pieces() -> list[bytes]:
    """Some megabytes of records in two overlapping groups, with labels."""
    random = np.random.default_rng(1)
    made = []
    for _ in range(8):
        labels = random.integers(0, 2, 5000).astype(np.float32)
        features = random.normal(size=(5000, FEATURES)).astype(np.float32) + 0.3 * labels[:, None]
        made.append(records.encode(features, labels))
    return made


def feed(fifo: Path, bodies: list[bytes], total: int) -> None:
    """Fill the FIFO; a reader that closes early ends it."""
    left, turn = total, 0
    try:
        with fifo.open("wb", buffering=0) as out:
            fcntl.fcntl(out, 1031, 1 << 20)  # F_SETPIPE_SZ, as the platform does.
            while left > 0:
                view = memoryview(bodies[turn % len(bodies)])
                left -= len(view)
                while view:
                    view = view[out.write(view) :]
                turn += 1
    except BrokenPipeError:
        return


def peak(algorithm: str, hyperparameters: dict[str, str], bodies: list[bytes]) -> tuple[float, float]:
    """Largest resident set in MiB and wall seconds of one training."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        config, data = base / "input" / "config", base / "input" / "data"
        config.mkdir(parents=True)
        data.mkdir(parents=True)
        channel = {"TrainingInputMode": "Pipe", "ContentType": "application/x-recordio-protobuf"}
        (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
        (config / "inputdataconfig.json").write_text(json.dumps({"train": channel}))
        total = int(GIB * 2**30)

        def platform() -> None:
            for number in range(50):  # As many passes as the algorithm asks for.
                os.mkfifo(data / f"train_{number}")
                feed(data / f"train_{number}", bodies, total)

        threading.Thread(target=platform, daemon=True).start()
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "lakemill.container", "train", "--algorithm", algorithm],
            env={**os.environ, "SAGEMAKER_BASE_DIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        largest = 0
        watched = psutil.Process(process.pid)
        output: list[str] = []
        reader = threading.Thread(target=lambda: output.extend(process.stdout or ()), daemon=True)
        reader.start()
        while process.poll() is None:
            try:
                largest = max(largest, watched.memory_info().rss)
            except psutil.NoSuchProcess:
                break
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        reader.join(5)
        if process.wait() != 0:
            raise RuntimeError(f"{algorithm} failed: {''.join(output)[-2000:]}")
        return largest / 2**20, seconds


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    bodies = pieces()
    rows = []
    for name, hyperparameters in TRAININGS.items():
        largest, seconds = peak(name.split(",")[0], hyperparameters, bodies)
        rows.append(
            {
                "name": f"{name}: resident, {GIB:g} GiB stream",
                "ours": largest,
                "peer": None,
                "ratio": None,
                "unit": "MiB",
                "target": f"< {LIMIT_MIB}",
                "met": largest < LIMIT_MIB,
                "note": f"{GIB * 1024 / seconds:.0f} MiB/s",
            }
        )
    return rows
