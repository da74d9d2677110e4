"""A channel as training records: checked, scaled, in memory when it fits, else read anew for each pass."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.contract import Dataset
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner import fitting
from lakemill.algorithms.linear_learner.data import MemoryData, StreamData
from lakemill.algorithms.linear_learner.model import MULTICLASS, REGRESSOR
from lakemill.algorithms.linear_learner.scaler import Scaler
from lakemill.formats.block import Block

MEMORY_FACTOR = 4
"""Bytes in memory per byte in files, at most: the block, its scaled copy, and what the reader needs meanwhile."""

HELD_OUT_HEAD = 1 << 20
"""Records of a streamed channel that thresholds and scores are taken from."""


class Channel:
    """One channel's records, checked against the settings. name is for messages."""

    def __init__(self, name: str, dataset: Dataset, settings: Mapping[str, Any], dim: int | None = None) -> None:
        self.name, self._dataset, self._settings = name, dataset, settings
        self.dim = dim
        """Set by the first block where feature_dim is auto and no other channel has decided it."""
        if dim is None and settings["feature_dim"] != "auto":
            self.dim = settings["feature_dim"]

    def train(self, memory_bytes: int | None = None) -> tuple[MemoryData | StreamData, Scaler]:
        """The training data and the scaler of its first num_point_for_scaler records."""
        points = self._settings["num_point_for_scaler"]
        if self._fits(memory_bytes):
            features, targets = self._whole()
            scaler = fitting.make_scaler(self._settings, features[:points], targets[:points])
            return MemoryData(scaler.features(features), scaler.targets(targets)), scaler
        features, targets = self._head(points)
        scaler = fitting.make_scaler(self._settings, features, targets)
        return self._stream(scaler, features, targets), scaler

    def held_out(self, scaler: Scaler, memory_bytes: int | None = None) -> MemoryData | StreamData:
        """The records scaled as the training data were."""
        if self._fits(memory_bytes):
            features, targets = self._whole()
            return MemoryData(scaler.features(features), scaler.targets(targets))
        features, targets = self._head(HELD_OUT_HEAD)
        return self._stream(scaler, features, targets)

    def blocks(self, rows: int) -> Iterator[tuple[Any, np.ndarray]]:
        """Checked raw features (b, d) and targets (b,)."""
        for block in self._dataset.blocks(rows):
            yield self._checked(block)

    def _head(self, rows: int) -> tuple[Any, np.ndarray]:
        for features, targets in self.blocks(rows):
            return features, targets
        raise CustomerError(f"Channel {self.name} holds no records")

    def _whole(self) -> tuple[Any, np.ndarray]:
        return self._checked(self._dataset.read())

    def _stream(self, scaler: Scaler, features: Any, targets: np.ndarray) -> StreamData:
        head = MemoryData(scaler.features(features), scaler.targets(targets))
        return StreamData(self.blocks, scaler, head)

    def _fits(self, memory_bytes: int | None) -> bool:
        if memory_bytes is None:
            memory_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        return MEMORY_FACTOR * sum(path.stat().st_size for path in self._dataset.files) <= memory_bytes

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
