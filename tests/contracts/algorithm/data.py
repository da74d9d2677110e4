"""Small data in every content type."""

from typing import Any

import numpy as np

from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.formats import records
from tests.contracts.recipes import FEATURES, Recipe, Table

ROWS = 240
CSV = "text/csv"
JSON = "application/json"
JSONLINES = "application/jsonlines"
LIBSVM = "text/libsvm"
PARQUET = "application/x-parquet"
RECORDIO = "application/x-recordio-protobuf"


def kind_of(spec: AlgorithmSpec) -> str:
    """The content type most checks use: CSV where the algorithm reads it."""
    known = [kind.split(";")[0] for kind in spec.channel("train").content_types]  # type: ignore[union-attr]
    return CSV if CSV in known else known[0]


def channel_type(spec: AlgorithmSpec, of: Recipe) -> str:
    """The same as a channel names it."""
    kind = kind_of(spec)
    return f"{CSV};label_size=0" if kind == CSV and of.task == "unsupervised" else kind


def data_of(of: Recipe, rows: int = ROWS, seed: int = 3) -> Table:
    """The recipe's own table, or the common one for its task."""
    return of.table(rows, seed) if of.table else table(of.task, rows, seed)


def table(task: str, rows: int = ROWS, seed: int = 3) -> Table:
    """Separable data with a little noise; a third of the values is 0, so that sparse forms are worth it."""
    random = np.random.default_rng(seed)
    group = random.integers(0, 3, rows)
    features = random.normal(size=(rows, FEATURES)) + np.eye(3, FEATURES)[group] * 6
    features[random.random(features.shape) < 0.33] = 0
    features = np.round(features, 3).astype(np.float32)
    target = features[:, 0] + features[:, 1] * 0.5 + random.normal(size=rows) * 0.2
    labels = {
        "binary": (target > 1.5).astype(np.float32),
        "multiclass": group.astype(np.float32),
        "regression": target.astype(np.float32),
        "unsupervised": None,
    }[task]
    return Table(features, labels)


def encoded(data: Table, kind: str, sparse: bool = False) -> bytes:
    """A table in a content type; labels first or in their place, if there are any."""
    if kind == CSV:
        return "".join(",".join(map(_cell, row)) + "\n" for row in _columns(data)).encode()
    if kind == LIBSVM:
        return _libsvm(data)
    if kind == PARQUET:
        return _parquet(data)
    return _recordio(data, sparse)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def spoiled(data: Table, kind: str, *, missing_values: bool) -> dict[str, bytes]:
    """What no training may accept: good records with a bad one behind, and none at all."""
    good = encoded(data, kind)
    cases = {"empty": b""}
    if kind == CSV:
        width = len(good.splitlines()[0].split(b","))
        cases |= {
            "text": good + b",".join([b"1"] * (width - 1) + [b"pear"]) + b"\n",
            "ragged": good + b"1,2,3,4,5,6,7,8,9\n",
            "no records": b"\n",
        }
        if not missing_values:
            cases["nan"] = good + b",".join([b"1"] * (width - 1) + [b"nan"]) + b"\n"
        return cases
    labels = None if data.labels is None else data.labels[:1]
    wider = Table(np.ones((1, data.features.shape[1] + 1), np.float32), labels)
    cases |= {"torn": good[:-5], "text": good + b"pear,apple", "ragged": good + encoded(wider, kind)}
    if not missing_values:
        cases["nan"] = good + encoded(Table(np.full((1, data.features.shape[1]), np.nan, np.float32), labels), kind)
    return cases


def _columns(data: Table) -> np.ndarray:
    return data.features if data.labels is None else np.column_stack([data.labels, data.features])


def _libsvm(data: Table) -> bytes:
    assert data.labels is not None
    lines = []
    for label, row in zip(data.labels, data.features, strict=True):
        cells = " ".join(f"{place}:{value:g}" for place, value in enumerate(row) if value)
        lines.append(f"{label:g} {cells}\n")
    return "".join(lines).encode()


def _parquet(data: Table) -> bytes:
    import pyarrow
    import pyarrow.parquet

    columns = {f"c{place}": column for place, column in enumerate(_columns(data).T)}
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue().to_pybytes()


def _recordio(data: Table, sparse: bool) -> bytes:
    import scipy.sparse

    features: Any = scipy.sparse.csr_matrix(data.features) if sparse else data.features
    return records.encode(features, data.labels)
