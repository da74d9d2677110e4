"""k nearest neighbours beside faiss's own indexes and scikit-learn's, on the same images in one process.

Exact search: accuracy of the classes of the test images, k = 10, and the CPU seconds of all queries at once, of batches
of 50, and of single ones. Approximate search: recall at 10 of the exact neighbours, and CPU seconds of building and
asking. All run alternately with one thread; times are medians of three.

Data: as in bench.algorithms_kmeans.
"""

import gzip
import os
import statistics
import time
from collections.abc import Callable

import faiss
import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from bench.algorithms_kmeans import FULL, MINI, images
from lakemill.algorithms.knn import KNNClassifier
from lakemill.algorithms.knn.votes import majority

K = 10
RUNS = 3
SINGLE, BATCH = 200, 50


def labels(part: str) -> np.ndarray:
    folder = FULL if FULL.is_dir() else MINI
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=8).astype(np.float32)


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def row(what: str, ours: float, peer: float, unit: str, target: str, met: bool | None, note: str) -> dict:
    return {"name": what, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit, "target": target, "met": met,
            "note": note}  # fmt: skip


def in_batches(ask: Callable[[np.ndarray], object], asked: np.ndarray, size: int) -> None:
    for start in range(0, len(asked), size):
        ask(asked[start : start + size])


def alternately(asks: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Name -> median CPU seconds."""
    found: dict[str, list[float]] = {name: [] for name in asks}
    for _ in range(RUNS):
        for name, ask in asks.items():
            found[name].append(seconds(ask)[0])
    return {name: statistics.median(times) for name, times in found.items()}


def exact(points: np.ndarray, classes: np.ndarray, asked: np.ndarray, truth: np.ndarray, lack: str) -> list[dict]:
    ours = KNNClassifier(K).fit(points, classes)
    flat = faiss.IndexFlatL2(points.shape[1])
    flat.add(points)
    theirs = KNeighborsClassifier(K, algorithm="brute").fit(points, classes)

    def by_faiss(queries: np.ndarray) -> np.ndarray:
        return majority(classes[flat.search(queries, K)[1]])

    peers = {"faiss Flat": by_faiss, "scikit-learn brute": theirs.predict}
    accuracy = {name: float((ask(asked) == truth).mean()) for name, ask in {"ours": ours.predict, **peers}.items()}
    rows = []
    for name in peers:
        met = accuracy["ours"] >= accuracy[name] - 0.001
        note = ", ".join(filter(None, (f"peer {name}", lack)))
        rows.append(row("exact, k=10: accuracy", accuracy["ours"], accuracy[name], "", ">= peer - 0.001", met, note))
    for what, size, count, limit in (
        ("all at once", len(asked), len(asked), 1.1),
        (f"batches of {BATCH}", BATCH, 4 * BATCH, 1.1),
        ("one by one", 1, SINGLE, 1.1),
    ):
        asks = {
            name: lambda ask=ask, size=size, count=count: in_batches(ask, asked[:count], size)
            for name, ask in {"ours": ours.predict, **peers}.items()
        }
        times = alternately(asks)
        for name in peers:
            mine, other = times["ours"] / count * 1000, times[name] / count * 1000
            met = mine <= limit * other and (size > 1 or bool(lack) or mine <= 25)
            target = f"<= {limit:g}x" + (" and <= 25" if size == 1 and not lack else "")
            note = ", ".join(filter(None, (f"peer {name}", lack)))
            rows.append(row(f"exact, {what}: a query", mine, other, "CPU ms", target, met, note))
    return rows


def approximate(points: np.ndarray, classes: np.ndarray, asked: np.ndarray, lack: str) -> list[dict]:
    flat = faiss.IndexFlatL2(points.shape[1])
    flat.add(points)
    truth = flat.search(asked, K)[1]

    def built(factory: str) -> faiss.Index:
        index = faiss.index_factory(points.shape[1], factory)
        index.train(points)
        index.add(points)
        return index

    mine = KNNClassifier(K, index_type="faiss.IVFPQFastScan", random_state=0)
    makers = {
        "ours": lambda: mine.fit(points, classes),
        "faiss HNSW32": lambda: built("HNSW32"),
        "faiss IVF256": lambda: built("IVF256,Flat"),
    }
    timed = {name: seconds(make) for name, make in makers.items()}
    hnsw, ivf = timed["faiss HNSW32"][1], timed["faiss IVF256"][1]
    hnsw.hnsw.efSearch, ivf.nprobe = 16, 4
    asks = {
        "ours": lambda: mine.kneighbors(asked, return_distance=False),
        "faiss HNSW32": lambda: hnsw.search(asked, K)[1],
        "faiss IVF256": lambda: ivf.search(asked, K)[1],
    }
    recall = {name: np.mean([len({*a} & {*b}) for a, b in zip(truth.tolist(), ask().tolist(), strict=True)]) / K
              for name, ask in asks.items()}  # fmt: skip
    times = alternately(asks)
    rows = []
    for peer, words in (("faiss HNSW32", "efSearch 16"), ("faiss IVF256", "nprobe 4")):
        note = ", ".join(filter(None, (f"IVFPQFastScan beside {peer}, {words}", lack)))
        good = bool(recall["ours"] >= 0.97)
        rows.append(row("approximate: recall at 10", recall["ours"], recall[peer], "", ">= 0.97", good, note))
        rates = len(asked) / times["ours"], len(asked) / times[peer]
        faster = rates[0] >= rates[1]
        rows.append(row("approximate: queries", *rates, "a CPU s", ">= 1x", faster, note))
        rows.append(row("approximate: building", timed["ours"][0], timed[peer][0], "CPU s", "", None, note))
    return rows


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    os.environ["OMP_NUM_THREADS"] = "1"
    faiss.omp_set_num_threads(1)
    points, asked, lack = images()
    classes, truth = labels("train"), labels("t10k")
    with threadpool_limits(1):
        return exact(points, classes, asked, truth, lack) + approximate(points, classes, asked, lack)
