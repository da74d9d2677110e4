"""Channels in memory: content types' short forms, record weights, and what all channels and hosts must agree on."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.contract import Collective, Dataset
from lakemill.algorithms.errors import CustomerError
from lakemill.formats import streams
from lakemill.formats.block import Block
from lakemill.formats.errors import FormatError

SHORT_FORMS = {
    "csv": "text/csv",
    "libsvm": "text/libsvm",
    "text/x-libsvm": "text/libsvm",
    "parquet": "application/x-parquet",
    "recordio-protobuf": "application/x-recordio-protobuf",
}
LIBSVM = "text/libsvm"
ROWS = 1 << 16
"""Records of a part."""


@dataclasses.dataclass
class Table:
    """The records of a channel on this host.

    parts: the features, (m, width) float32 each, all dense (NaN is missing) or all CSR (what is absent is missing).
    labels, weights: (n,) float32; weights may be None. groups: (n,) the query of each record, for ranking, or None.
    libsvm_base: what the columns of LibSVM data were counted from; the features here count from 0.
    """

    parts: list[Any]
    width: int
    labels: np.ndarray
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    libsvm_base: int | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def sparse(self) -> bool:
        return any(not isinstance(part, np.ndarray) for part in self.parts)

    def features(self) -> Any:
        """All of them in one (n, width) array or CSR matrix; the parts go into it one by one."""
        if len(self.parts) != 1:
            self.parts = [_stacked(self.parts, len(self), self.width, self.sparse)]
        return self.parts[0]

    def rows(self, chosen: np.ndarray) -> "Table":
        """The records at some positions."""
        weights = None if self.weights is None else self.weights[chosen]
        groups = None if self.groups is None else self.groups[chosen]
        return Table([self.features()[chosen]], self.width, self.labels[chosen], weights, groups)


def _stacked(parts: list[Any], rows: int, width: int, sparse: bool) -> Any:
    if sparse:
        from scipy.sparse import vstack  # Dense data never waits for scipy.

        return vstack(parts, format="csr", dtype=np.float32)
    together = np.empty((rows, width), np.float32)
    at = 0
    while parts:  # A part is let go once it is copied, so that nothing is held twice.
        part = parts.pop(0)
        together[at : at + len(part)] = part
        at += len(part)
    return together


def long_type(content_type: str) -> str:
    """`csv` -> `text/csv`, and so on."""
    return SHORT_FORMS.get(content_type, content_type)


def read(name: str, dataset: Dataset, csv_weights: bool) -> Table:
    """This host's records of a channel, perhaps none. Raises CustomerError, FormatError."""
    kind = long_type(dataset.content_type)
    if kind == "text/csv" and dataset.parameters.get("label_size", "1") != "1":
        given = f"{dataset.content_type};label_size={dataset.parameters['label_size']}"
        raise CustomerError(
            f"{given} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
        )
    if csv_weights and kind != "text/csv":
        raise CustomerError(f"csv_weights is for CSV data; channel {name} is {dataset.content_type}")
    if dataset.streamed and kind == LIBSVM:
        raise CustomerError(f"Channel {name}: LibSVM data is read in File mode; Pipe mode takes CSV, Parquet, RecordIO")
    return _table(name, list(_blocks(dataset, kind, csv_weights)))


def _table(name: str, blocks: list[Block]) -> Table:
    if not blocks:
        return Table([], 0, np.empty(0, np.float32))
    labels = np.concatenate([_labels(name, block) for block in blocks])
    _check_labels(name, labels)
    weights = _joined(name, "weight", [block.weights for block in blocks])
    _check_weights(name, weights)
    width = blocks[0].features.shape[1]
    if width == 0:
        raise CustomerError(f"Channel {name} has a label but no feature columns")
    groups = _joined(name, "qid", [block.groups for block in blocks])
    return Table([block.features for block in blocks], width, labels, weights, groups)


_TEXTS = {"text/csv": "CSV", LIBSVM: "LIBSVM"}


def _blocks(dataset: Dataset, kind: str, csv_weights: bool) -> Iterator[Block]:
    options = {"missing": True, "weights": csv_weights} if kind == "text/csv" else {}
    try:
        yield from dataset.blocks(ROWS, **options)
    except FormatError as wrong:
        path = next((path for path in dataset.files if path.name == wrong.file), None)
        if path is None or wrong.line != 1 or kind not in _TEXTS:
            raise
        with streams.opened(path) as stream:
            line = stream.readline().decode("utf-8", "replace").strip()
        text = _TEXTS[kind]
        raise CustomerError(
            f"First line {line[:50]!r} of file {path.name!r} is not {text!r} format. "
            f"Please ensure the file is in {text!r} format. ({wrong.message})"
        ) from None


def _labels(name: str, block: Block) -> np.ndarray:
    if block.labels is None:
        raise CustomerError(f"Channel {name} has no labels; every record needs one")
    if block.labels.ndim == 2:
        if block.labels.shape[1] != 1:
            raise CustomerError(f"Channel {name} has {block.labels.shape[1]} labels in a record; XGBoost takes one")
        return block.labels[:, 0]
    return block.labels


def _check_labels(name: str, labels: np.ndarray) -> None:
    wrong = np.flatnonzero(~np.isfinite(labels))
    if len(wrong):
        raise CustomerError(f"The label of record {wrong[0] + 1} of channel {name} is not a finite number")


def _joined(name: str, what: str, columns: list[np.ndarray | None]) -> np.ndarray | None:
    present = [column for column in columns if column is not None]
    if present and len(present) < len(columns):
        raise CustomerError(f"Some records of channel {name} have a {what} and others have none")
    return np.concatenate(present) if present else None


def _check_weights(name: str, weights: np.ndarray | None) -> None:
    if weights is None:
        return
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise CustomerError(f"The weight of record {wrong[0] + 1} of channel {name} must be a number >= 0")


_NO_INDEX = (1 << 31) - 1


def agree(tables: Mapping[str, Table], libsvm: bool, collective: Collective) -> None:
    """Bring the tables of all channels and hosts to one form, in place: width, dense or sparse, columns from 0.

    Sparse tables take the greatest width; column 0 of LibSVM data is dropped when no record has it, because then the
    files count from 1. Raises CustomerError for dense tables of different width and for a channel without records.
    """
    hosts = collective.gather({name: _described(table) for name, table in tables.items()})
    for name in tables:
        if not any(host[name]["rows"] for host in hosts):
            raise CustomerError(f"Channel {name} holds no records")
    found = [(name, one) for host in hosts for name, one in host.items() if one["rows"]]
    width = max(one["width"] for _, one in found)
    sparse = any(one["sparse"] for _, one in found)
    narrow = next((name for name, one in found if not one["sparse"] and one["width"] != width), None)
    if narrow:
        listed = ", ".join(sorted({f"{name} has {one['width']}" for name, one in found}))
        raise CustomerError(f"All channels need the same number of feature columns: {listed}; see {narrow}")
    base = int(libsvm and all(one["lowest"] >= 1 for _, one in found))
    for table in tables.values():
        table.width = width - base
        table.libsvm_base = base if libsvm else None
        if sparse:
            table.parts = [_csr(part, base, table.width) for part in table.parts]


def _described(table: Table) -> dict[str, Any]:
    lowest = _NO_INDEX
    if table.sparse:
        lowest = min(int(part.indices.min()) for part in table.parts if part.nnz) if _stored(table) else lowest
    return {"rows": len(table), "width": table.width, "sparse": table.sparse, "lowest": lowest}


def _stored(table: Table) -> bool:
    return any(part.nnz for part in table.parts)


def _csr(part: Any, base: int, width: int) -> Any:
    from scipy.sparse import csr_matrix

    rows = csr_matrix(part)
    return csr_matrix((rows.data, rows.indices - base if base else rows.indices, rows.indptr), (rows.shape[0], width))
