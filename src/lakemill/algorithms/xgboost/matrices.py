"""Tables -> the library's matrices, so that the features are not in memory twice.

The histogram method needs only the bins of the features, a byte a number. Where the data is large they are made
straight from the parts of the tables (QuantileDMatrix): 5 bytes a number at most in place of 13. Where it is not, the
plain DMatrix is a little faster. The models are the same, byte for byte.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost.data import Table
from lakemill.algorithms.xgboost.library import xgboost

LARGE_BYTES = 256 << 20
"""From here on the features of a host are large."""


def watched(tables: Mapping[str, Table], values: Mapping[str, Any], collective: Collective) -> list[tuple[Any, str]]:
    """(matrix, name) of every table, the training table first; the tables give up their features."""
    names = sorted(tables, key=lambda name: name != "train")
    if not _binned(values) or not any(collective.gather(_bytes(tables) >= LARGE_BYTES)):
        return [(plain(tables[name], values), name) for name in names]
    found: list[tuple[Any, str]] = []
    for name in names:
        found.append((_quantised(tables[name], values, found[0][0] if found else None), name))
    return found


def plain(table: Table, values: Mapping[str, Any]) -> Any:
    """A DMatrix. Raises CustomerError for ranking data whose weights differ within a query."""
    ranks = values["objective"].startswith("rank:")
    weights = _query_weights(table) if ranks else table.weights
    features = table.features()
    table.parts = []
    matrix = xgboost.DMatrix(features, nthread=values["nthread"])
    matrix.set_info(label=table.labels, **_bounds(table.labels, values["objective"]))
    if ranks and table.groups is not None:
        matrix.set_info(qid=table.groups)
    if weights is not None:
        matrix.set_weight(weights)
    return matrix


def _binned(values: Mapping[str, Any]) -> bool:
    """Whether training sees nothing but bins."""
    return (
        values["booster"] != "gblinear"
        and values["tree_method"] in ("auto", "hist")
        and values["updater"] is None
        and not values["objective"].startswith("rank:")
    )


def _bytes(tables: Mapping[str, Table]) -> int:
    return sum(getattr(part, "data", part).nbytes for table in tables.values() for part in table.parts)


def _bounds(labels: np.ndarray, objective: str) -> dict[str, np.ndarray]:
    """For survival:aft every label is an exact time, since no content type carries an interval."""
    return {"label_lower_bound": labels, "label_upper_bound": labels} if objective == "survival:aft" else {}


def _query_weights(table: Table) -> np.ndarray | None:
    """(queries,) weights: the library weighs a query as a whole."""
    if table.weights is None or not len(table):
        return None
    groups = np.zeros(len(table)) if table.groups is None else table.groups
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    lengths = np.diff(np.r_[starts, len(groups)])
    wrong = np.flatnonzero(np.repeat(table.weights[starts], lengths) != table.weights)
    if len(wrong):
        raise CustomerError(
            f"Ranking weighs whole queries: all records of a query need the same weight; see record {wrong[0] + 1}"
        )
    return table.weights[starts]


def _quantised(table: Table, values: Mapping[str, Any], reference: Any) -> Any:
    blocks = _Blocks(table, values["objective"])
    matrix = xgboost.QuantileDMatrix(blocks, max_bin=values["max_bin"], ref=reference, nthread=values["nthread"])
    blocks.table.parts = []
    return matrix


class _Blocks(xgboost.DataIter):  # type: ignore[misc,name-defined]
    """Hands the library one part after the other, as often as it asks."""

    def __init__(self, table: Table, objective: str) -> None:
        self.table = table
        self._objective = objective
        self._number = self._row = 0
        super().__init__()

    def next(self, input_data: Callable[..., None]) -> bool:
        parts = self.table.parts or [np.empty((0, self.table.width), np.float32)]
        if self._number == len(parts):
            return False
        part = parts[self._number]
        rows = slice(self._row, self._row + part.shape[0])
        labels = self.table.labels[rows]
        weights = None if self.table.weights is None else self.table.weights[rows]
        input_data(data=part, label=labels, weight=weights, **_bounds(labels, self._objective))
        self._number, self._row = self._number + 1, rows.stop
        return True

    def reset(self) -> None:
        self._number = self._row = 0
