"""Records read and written, beside a memory copy, the SageMaker SDK, pyarrow.csv and scikit-learn.

    python bench/formats.py [--sdk .venvs/sdk2/bin/python]

Ours and the peer take turns in one run and the best of several rounds counts, because machines are noisy; where both
use one thread it is that thread's processor time. The SDK runs in its own virtual environment, on the same files, as a
program of its own.
"""

import argparse
import io
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import scipy.sparse
from sklearn.datasets import load_svmlight_file

from lakemill.formats import csv, libsvm, recordio, records
from lakemill.formats.records import wire

SDK = Path(__file__).parent.parent / ".venvs" / "sdk2" / "bin" / "python"
SCRIPT = r"""
import io, json, sys, time
import numpy as np
from sagemaker.amazon.common import read_records, write_numpy_to_dense_tensor
times = {}
for path in sys.argv[1:]:
    times[path] = []
    for _ in range(2):
        with open(path, "rb") as stream:
            began = time.thread_time()
            read_records(stream)
            times[path].append(time.thread_time() - began)
rows, labels = np.ones((20000, 100), np.float32), np.ones(20000, np.float32)
began = time.thread_time()
write_numpy_to_dense_tensor(io.BytesIO(), rows, labels)
write = (time.thread_time() - began) / 20000
print(json.dumps({"read": {path: min(one) for path, one in times.items()}, "write": write}))
"""


def best(*works: Callable[[], object], rounds: int = 7, clock: Callable[[], float] = time.thread_time) -> list[float]:
    """The least seconds of each work; they take turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, found in zip(works, times, strict=True):
            began = clock()
            work()
            found.append(clock() - began)
    return [min(found) for found in times]


def row(name: str, ours: float, peer: float | None, unit: str, at_least: float | None, target: str, note: str, *,
        lower: bool = False) -> dict:  # fmt: skip
    """One line of the table; lower: small figures are the good ones."""
    ratio = None if peer is None else (peer / ours if lower else ours / peer)
    met = None if at_least is None or ratio is None else ratio >= at_least
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "target": target, "met": met,
            "note": note}  # fmt: skip


def varying(data: bytes) -> bytes:
    """The same records with a uid of 0 to 6 letters, so that no two neighbours have the same layout."""
    return recordio.encode([bytes(one) + wire.span(3, b"x" * (i % 7)) for i, one in enumerate(recordio.frames(data))])


def sdk_times(python: Path, files: dict[str, bytes]) -> dict | None:
    """Seconds the SDK takes to read each file and to write one record; None when it is not there."""
    if not python.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in files}
        for name, path in paths.items():
            path.write_bytes(files[name])
        done = subprocess.run([str(python), "-c", SCRIPT, *map(str, paths.values())], capture_output=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
    return {"read": {name: found["read"][str(path)] for name, path in paths.items()}, "write": found["write"]}


def run_records(python: Path) -> list[dict]:
    rng = np.random.default_rng(1)
    dense, labels = rng.random((200_000, 100), np.float32), rng.random(200_000, np.float32)
    sparse = scipy.sparse.random(100_000, 2000, 0.02, "csr", np.float32, random_state=1)
    files = {"dense": records.encode(dense, labels), "sparse": records.encode(sparse, labels[:100_000])}
    files["varying length"] = varying(files["dense"][: len(files["dense"]) // 2])
    small = {name: data[: recordio.frames(data[:10_000_000], partial=True).consumed] for name, data in files.items()}
    peer = sdk_times(python, small)
    rows = []
    for name, data in files.items():
        raw = np.frombuffer(data, np.uint8)
        records.decode(data)
        ours, copy = (len(data) / seconds / 1e9 for seconds in best(lambda d=data: records.decode(d), raw.copy))
        if name == "dense":
            rows.append(row("RecordIO-protobuf, 200,000 x 100 dense float32, decode", ours, copy, "GB/s", 0.4,
                            "at least 0.4 of a memory copy", "peer: numpy copy of the file's bytes"))  # fmt: skip
        else:
            rows.append(row(f"RecordIO-protobuf, {name}, decode", ours, copy, "GB/s", None, "at least 1 GB/s",
                            "peer: numpy copy of the file's bytes") | {"met": ours >= 1})  # fmt: skip
        if peer:
            theirs = len(small[name]) / peer["read"][name] / 1e9
            rows.append(row(f"RecordIO-protobuf, {name}, decode, beside the SDK", ours, theirs, "GB/s", 10,
                            "at least 10 times the SDK",
                            "peer: read_records of SDK 2.x, which stops at one object per record"))  # fmt: skip
    if peer:
        (seconds,) = best(lambda: records.encode(dense[:20_000], labels[:20_000]))
        rows.append(row("RecordIO-protobuf, dense, encode, beside the SDK", 20_000 / seconds, 1 / peer["write"],
                        "records/s", 10, "at least 10 times the SDK", "peer: write_numpy_to_dense_tensor"))  # fmt: skip
    one = records.encode(dense[:1])
    (seconds,) = best(lambda: [records.decode(one) for _ in range(1000)])
    rows.append(row("RecordIO-protobuf, request of one record, decode", seconds * 1e3, None, "us", None, "", ""))
    return rows


def run_csv() -> list[dict]:
    table = np.random.default_rng(2).random((100_000, 30), np.float32)
    data = csv.encode(table)
    names = [str(i) for i in range(30)]
    convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float32()))

    def peer() -> pa.Table:
        reader = pa.BufferReader(data)
        return pyarrow.csv.read_csv(reader, pyarrow.csv.ReadOptions(column_names=names), convert_options=convert)

    ours, theirs = (
        len(data) / seconds / 1e6 for seconds in best(lambda: csv.decode(data), peer, clock=time.perf_counter)
    )
    one = csv.encode(table[:1])
    count = 500
    small, loadtxt = (
        seconds / count * 1e6
        for seconds in best(
            lambda: [csv.decode(one) for _ in range(count)],
            lambda: [np.loadtxt(io.BytesIO(one), np.float32, delimiter=",") for _ in range(count)],
        )
    )
    return [
        row("CSV, 100,000 x 30, decode to a row-major matrix", ours, theirs, "MB/s", 0.8, "at least 0.8 of pyarrow.csv",
            "peer: pyarrow.csv.read_csv to float32 columns, without the matrix"),
        row("CSV, request of one record of 30 numbers, decode", small, loadtxt, "us", None, "less than 30 us",
            "peer: numpy.loadtxt", lower=True) | {"met": small < 30},
    ]  # fmt: skip


def run_libsvm() -> list[dict]:
    features = scipy.sparse.random(30_000, 1000, 0.03, "csr", np.float32, random_state=3)
    data = libsvm.encode(features, np.ones(30_000))
    data = data * (1 + (9 << 20) // len(data))  # Large enough for the compiled reader in a fresh process.
    libsvm.decode(data)
    ours, theirs = (
        len(data) / seconds / 1e6
        for seconds in best(
            lambda: libsvm.decode(data),
            lambda: load_svmlight_file(io.BytesIO(data), dtype=np.float32, zero_based=True),
            rounds=3,
        )
    )
    return [row("LibSVM, decode", ours, theirs, "MB/s", 1, "no slower than scikit-learn", "peer: load_svmlight_file")]


def run(python: Path = SDK) -> list[dict]:
    """All rows: name, ours, peer, ratio, unit, target, met, note."""
    return [*run_records(python), *run_csv(), *run_libsvm()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sdk", type=Path, default=SDK, help="Python of an environment with the SageMaker SDK 2.x")
    for one in run(parser.parse_args().sdk):
        peer = "" if one["peer"] is None else f"  peer {one['peer']:.4g}  ratio {one['ratio']:.3g}"
        met = {True: "met", False: "NOT MET", None: ""}[one["met"]]
        print(f"{one['name']}: {one['ours']:.4g} {one['unit']}{peer}  {one['target']} {met}  ({one['note']})")
