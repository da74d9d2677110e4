"""A channel as training records: checked, scaled, in memory when it fits, else read anew for each pass.

How long a channel is shows when it is read: its records are kept until its end or until they are too many. On several
hosts it is held in memory when it fits on all of them.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from lakemill.algorithms import training as shared
from lakemill.algorithms.contract import Collective, Dataset
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner import fitting
from lakemill.algorithms.linear_learner.data import MemoryData, StreamData
from lakemill.algorithms.linear_learner.hosts import ALONE
from lakemill.algorithms.linear_learner.model import MULTICLASS, REGRESSOR
from lakemill.algorithms.linear_learner.scaler import Scaler
from lakemill.formats.block import Block, concatenate

STREAM_BYTES = 96 << 20
"""Of a Pipe-mode channel so much is kept, at most; of a longer one the first half of it, for scaling and the like."""
MEMORY_SHARE = 8
"""Records of files may take an eighth of the machine's memory; while they are joined and scaled there are three copies.
Not of what is free: a training that is begun again decides as it did before."""
OPENING_ROWS = 1024


class Channel:
    """One channel's records, checked against the settings. name is for messages; dim, if another channel set it."""

    def __init__(
        self,
        name: str,
        dataset: Dataset,
        settings: Mapping[str, Any],
        dim: int | None = None,
        hosts: Collective = ALONE,
    ) -> None:
        self.name, self._dataset, self._settings, self._hosts = name, dataset, settings, hosts
        self.dim = dim
        """Set by the first block where feature_dim is auto and no other channel has decided it."""
        if dim is None and settings["feature_dim"] != "auto":
            self.dim = settings["feature_dim"]

    def train(self, memory_bytes: int | None = None) -> tuple[MemoryData | StreamData, Scaler]:
        """The training data and the scaler of its first num_point_for_scaler records. A collective call."""
        features, targets, whole = self._opened(memory_bytes)
        first = slice(self._settings["num_point_for_scaler"])
        scaler = fitting.make_scaler(self._settings, features[first], targets[first], hosts=self._hosts)
        return self._data(scaler, features, targets, whole), scaler

    def held_out(self, scaler: Scaler, memory_bytes: int | None = None) -> MemoryData | StreamData:
        """The records scaled as the training data were. A collective call."""
        features, targets, whole = self._opened(memory_bytes)
        return self._data(scaler, features, targets, whole)

    def blocks(self, rows: int, skip: int = 0) -> Iterator[tuple[Any, np.ndarray]]:
        """Checked raw features (b, d) and targets (b,), after the first `skip` blocks."""
        for block in shared.rest(self._dataset.blocks(rows), skip):
            yield self._checked(block)

    def _data(self, scaler: Scaler, features: Any, targets: np.ndarray, whole: bool) -> MemoryData | StreamData:
        data = MemoryData(scaler.features(features), scaler.targets(targets), hosts=self._hosts)
        return data if whole else StreamData(self.blocks, scaler, data)

    def _opened(self, memory_bytes: int | None) -> tuple[Any, np.ndarray, bool]:
        """Features, targets, and whether these are all there are on all hosts; otherwise they are the first."""
        limit = self._limit() if memory_bytes is None else memory_bytes
        parts, size, whole = [], 0, True
        for part in self.blocks(OPENING_ROWS):
            parts.append(part)
            size += _bytes(part[0])
            if size > limit:
                whole = False
                break
        if not whole:
            parts = _first(parts, min(limit, STREAM_BYTES) / 2)
        features, targets = _joined(parts)
        return self._agreed(features, targets, whole)

    def _limit(self) -> int:
        if self._dataset.streamed:
            return STREAM_BYTES
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MEMORY_SHARE

    def _agreed(self, features: Any, targets: np.ndarray, whole: bool) -> tuple[Any, np.ndarray, bool]:
        """The same for all hosts: the width, whether the records are sparse, whether they are in memory."""
        found = self._hosts.gather(
            {"width": features.shape[1], "rows": len(targets), "sparse": sp.issparse(features), "whole": whole}
        )
        if not sum(one["rows"] for one in found):
            raise CustomerError(f"Channel {self.name} holds no records")
        widths = sorted({one["width"] for one in found if one["rows"]})
        if len(widths) > 1:
            raise CustomerError(
                f"Channel {self.name}: records have {widths[0]} features on one instance and {widths[1]} on another"
            )
        self.dim = widths[0]
        if not len(targets):
            features, targets = np.empty((0, widths[0]), np.float32), np.empty(0, np.float32)
        if any(one["sparse"] for one in found):
            features = sp.csr_matrix(features)
        return features, targets, all(one["whole"] for one in found)

    def _checked(self, block: Block) -> tuple[Any, np.ndarray]:
        """Raises CustomerError for records that no linear model can learn from."""
        width = block.features.shape[1]
        if self.dim is None:
            self.dim = width
        if width != self.dim:
            raise CustomerError(
                f"Channel {self.name}: records have {width} features but feature_dim is {self.dim}; "
                "feature_dim must match the data"
            )
        if width == 0:
            raise CustomerError(f"Channel {self.name}: records have a label but no feature")
        values = block.features.data if block.sparse else block.features
        if not np.isfinite(values).all():
            raise CustomerError(f"Channel {self.name}: every feature must be a finite number; found NaN or infinity")
        return block.features, self._labels(block)

    def _labels(self, block: Block) -> np.ndarray:
        labels = block.labels
        if labels is None:
            raise CustomerError(f"Channel {self.name}: the records have no label")
        if labels.ndim > 1:
            if labels.shape[1] != 1:
                raise CustomerError(f"Channel {self.name}: every record must have one label; got {labels.shape[1]}")
            labels = labels[:, 0]
        if not np.isfinite(labels).all():
            raise CustomerError(f"Channel {self.name}: every label must be a finite number; found NaN or infinity")
        kind = self._settings["predictor_type"]
        if kind == REGRESSOR:
            return labels
        classes = self._settings["num_classes"] if kind == MULTICLASS else 2
        wrong = labels[(labels != np.floor(labels)) | (labels < 0) | (labels >= classes)]
        if len(wrong):
            meant = f"a whole number from 0 to {classes - 1}" if kind == MULTICLASS else "0 or 1"
            raise CustomerError(f"Channel {self.name}: a label of a {kind} must be {meant}; got {wrong[0]:g}")
        return labels


def _bytes(features: Any) -> int:
    if sp.issparse(features):
        return features.data.nbytes + features.indices.nbytes + features.indptr.nbytes
    return features.nbytes


def _first(parts: list[tuple[Any, np.ndarray]], limit: float) -> list[tuple[Any, np.ndarray]]:
    """The first parts within `limit` bytes; at least one."""
    ends = np.cumsum([_bytes(features) for features, _ in parts])
    return parts[: max(1, int(np.searchsorted(ends, limit, side="right")))]


def _joined(parts: list[tuple[Any, np.ndarray]]) -> tuple[Any, np.ndarray]:
    """One block of several; sparse when one of them is. Without any, one of no records."""
    if not parts:
        return np.empty((0, 0), np.float32), np.empty(0, np.float32)
    joined = concatenate([Block(*part) for part in parts])
    assert joined.labels is not None
    return joined.features, joined.labels
