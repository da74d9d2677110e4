"""Channels into DMatrix objects: content types' short forms, record weights, the base of LibSVM indices."""

import dataclasses
import re
from typing import Any

import numpy as np

from lakemill.algorithms.contract import Dataset
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost.library import xgboost
from lakemill.formats import csv, streams
from lakemill.formats.block import Block, concatenate
from lakemill.formats.errors import FormatError

SHORT_FORMS = {
    "csv": "text/csv",
    "libsvm": "text/libsvm",
    "text/x-libsvm": "text/libsvm",
    "parquet": "application/x-parquet",
    "recordio-protobuf": "application/x-recordio-protobuf",
}


@dataclasses.dataclass
class Table:
    """One channel in memory. features: (n, d) float32 dense (NaN is missing) or CSR (what is absent is missing).

    labels, weights: (n,) float32; weights may be None. groups: (n,) the query of each record, for ranking, or None.
    libsvm_base: what the columns of LibSVM data were counted from; the features here count from 0.
    """

    features: Any
    labels: np.ndarray
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    libsvm_base: int | None = None

    def rows(self, chosen: np.ndarray) -> "Table":
        """The records at some positions."""
        weights = None if self.weights is None else self.weights[chosen]
        groups = None if self.groups is None else self.groups[chosen]
        return Table(self.features[chosen], self.labels[chosen], weights, groups)

    def matrix(self, nthread: int | None, objective: str) -> Any:
        """The DMatrix; for survival:aft every label is an exact time, since no content type carries an interval."""
        matrix = xgboost.DMatrix(self.features, label=self.labels, weight=self.weights, nthread=nthread)
        if self.groups is not None and objective.startswith("rank:"):
            matrix.set_info(qid=self.groups)
        if objective == "survival:aft":
            matrix.set_float_info("label_lower_bound", self.labels)
            matrix.set_float_info("label_upper_bound", self.labels)
        return matrix


def long_type(content_type: str) -> str:
    """`csv` -> `text/csv`, and so on."""
    return SHORT_FORMS.get(content_type, content_type)


def read(name: str, dataset: Dataset, csv_weights: bool) -> Table:
    """All records of a channel. Raises CustomerError, FormatError."""
    kind = long_type(dataset.content_type)
    if kind == "text/csv" and dataset.parameters.get("label_size", "1") != "1":
        given = f"{dataset.content_type};label_size={dataset.parameters['label_size']}"
        raise CustomerError(
            f"{given} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
        )
    if csv_weights and kind != "text/csv":
        raise CustomerError(f"csv_weights is for CSV data; channel {name} is {dataset.content_type}")
    block = _read_block(dataset, kind)
    labels = _labels(name, block)
    features, weights = block.features, block.weights
    if csv_weights:
        weights, features = np.ascontiguousarray(features[:, 0]), np.ascontiguousarray(features[:, 1:])
    if features.shape[1] == 0:
        raise CustomerError(f"Channel {name} has a label but no feature columns")
    _check_weights(name, weights)
    return Table(features, labels, weights, block.groups)


_TEXTS = {"text/csv": "CSV", "text/libsvm": "LIBSVM"}


def _read_block(dataset: Dataset, kind: str) -> Block:
    try:
        return _read_csv(dataset) if kind == "text/csv" else dataset.read()
    except FormatError as wrong:
        path = next((path for path in dataset.files if path.name == wrong.file), dataset.files[0])
        if wrong.line != 1 or kind not in _TEXTS:
            raise
        with streams.opened(path) as stream:
            line = stream.readline().decode("utf-8", "replace").strip()
        text = _TEXTS[kind]
        raise CustomerError(
            f"First line {line[:50]!r} of file {path.name!r} is not {text!r} format. "
            f"Please ensure the file is in {text!r} format. ({wrong.message})"
        ) from None


def _read_csv(dataset: Dataset) -> Block:
    try:
        return dataset.read()
    except FormatError:
        # Perhaps only for empty fields, which are missing values here. Data without them never takes this way.
        return concatenate([csv.decode(empties_as_nan(streams.whole(path)), label_size=1) for path in dataset.files])


def empties_as_nan(body: bytes) -> bytes:
    """CSV text with `nan` in every empty field.

    >>> empties_as_nan(b"1,,2,\\n\\n,3,4,5\\n")
    b'1,nan,2,nan\\n\\nnan,3,4,5\\n'
    """
    delimiter = csv.sniffed(body.lstrip().partition(b"\n")[0])
    if delimiter == b" ":
        return body
    mark = re.escape(delimiter)
    inner = rb"(?<=" + mark + rb")[ \r]*(?=" + mark + rb"|$)"
    first = rb"^ *(?=" + mark + rb")"
    return re.sub(rb"(?m)" + inner + rb"|" + first, b"nan", body)


def _labels(name: str, block: Block) -> np.ndarray:
    if block.labels is None:
        raise CustomerError(f"Channel {name} has no labels; every record needs one")
    labels = block.labels
    if labels.ndim == 2:
        if labels.shape[1] != 1:
            raise CustomerError(f"Channel {name} has {labels.shape[1]} labels in a record; XGBoost takes one")
        labels = labels[:, 0]
    wrong = np.flatnonzero(~np.isfinite(labels))
    if len(wrong):
        raise CustomerError(f"The label of record {wrong[0] + 1} of channel {name} is not a finite number")
    return np.ascontiguousarray(labels)


def _check_weights(name: str, weights: np.ndarray | None) -> None:
    if weights is None:
        return
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise CustomerError(f"The weight of record {wrong[0] + 1} of channel {name} must be a number >= 0")


def same_width(tables: dict[str, Table]) -> None:
    """Let sparse channels of different greatest index agree in width, in place. Raises CustomerError for dense ones."""
    width = max(table.features.shape[1] for table in tables.values())
    for name, table in tables.items():
        mine = table.features.shape[1]
        if mine == width:
            continue
        if isinstance(table.features, np.ndarray):
            listed = ", ".join(f"{key} has {one.features.shape[1]}" for key, one in tables.items())
            raise CustomerError(f"All channels need the same number of feature columns: {listed}; see {name}")
        table.features.resize(table.features.shape[0], width)


def count_from_zero(tables: dict[str, Table]) -> None:
    """Drop column 0 of LibSVM data, in place, when no record has it: then the file counts from 1."""
    one_based = all(table.features.nnz == 0 or table.features.indices.min() >= 1 for table in tables.values())
    for table in tables.values():
        table.libsvm_base = int(one_based)
        if one_based:
            table.features = table.features[:, 1:]
