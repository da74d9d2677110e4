"""Records one after the other as columns of numbers, before they become a block."""

import dataclasses

import numpy as np

from lakemill.formats import recordio
from lakemill.formats.errors import FormatError
from lakemill.formats.records import message


class BadRecord(Exception):
    """The record at `index` of a buffer is wrong; what completes the sentence `record 3 ...`."""

    def __init__(self, index: int, what: str) -> None:
        super().__init__(index, what)
        self.index = index
        self.what = what


@dataclasses.dataclass
class Columns:
    """Numbers of n records one after the other, each record in itself sound, not yet checked against each other.

    values (v,) float32, labels (w,) float32; counts, widths, label_counts (n,) int64 per record.
    keys (v,) int32 is None when no record is sparse; among sparse ones a dense row has the keys 0, 1, 2 ...
    ordered: the keys of every record are known to rise strictly.
    """

    values: np.ndarray
    keys: np.ndarray | None
    counts: np.ndarray
    widths: np.ndarray
    labels: np.ndarray
    label_counts: np.ndarray
    ordered: bool = False


def interpreted(frames: recordio.Frames, label_names: tuple[str, ...]) -> Columns:
    """The columns in plain Python, some 10 microseconds per record. Raises BadRecord."""
    rows = [row(frames, index, label_names) for index in range(len(frames))]
    keys = None
    if any(one.keys is not None for one in rows):
        keys = _joined([np.arange(one.width) if one.keys is None else one.keys for one in rows], np.int32)
    return Columns(
        _joined([one.values for one in rows], np.float32),
        keys,
        np.array([len(one.values) for one in rows], np.int64),
        np.array([one.width for one in rows], np.int64),
        _joined([label for one in rows for label in one.labels], np.float32),
        np.array([sum(map(len, one.labels)) for one in rows], np.int64),
    )


def row(frames: recordio.Frames, index: int, label_names: tuple[str, ...]) -> message.Row:
    """One record. Raises BadRecord."""
    start, length = int(frames.offsets[index]), int(frames.lengths[index])
    try:
        return message.row(frames.data, frames.data.data, start, start + length, label_names)
    except FormatError as wrong:
        raise BadRecord(index, str(wrong)) from None


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype)
