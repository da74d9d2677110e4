"""One aialgs.data Record, read field by field.

    message Record        { map<string, Value> features = 1; map<string, Value> label = 2;
                            string uid = 3; string metadata = 4; string configuration = 5; }
    message Value         { oneof value { Float32Tensor float32_tensor = 2; Float64Tensor float64_tensor = 3;
                                          Int32Tensor int32_tensor = 7; Bytes bytes = 9; } }
    message Float32Tensor { repeated float values = 1 [packed]; repeated uint64 keys = 2 [packed];
                            repeated uint64 shape = 3 [packed]; }    (Float64Tensor, Int32Tensor alike)

Dense: all values, no keys. Sparse: values, their zero-based keys (flat row-major for matrices) and the shape; a tensor
with a shape and nothing else is a row of zeros. Source: the descriptor in the SageMaker SDK's record_pb2.
"""

import dataclasses
import math

import numpy as np

from lakemill.formats.errors import FormatError
from lakemill.formats.records import wire

FEATURES, LABEL, UID, METADATA, CONFIGURATION = 1, 2, 3, 4, 5
FLOAT32, FLOAT64, INT32, BYTES = 2, 3, 7, 9
VALUES, KEYS, SHAPE = 1, 2, 3
WIDTH_MAX = (1 << 31) - 1
"""The widest record that is read; column numbers are int32."""

_ITEMS: dict[int, tuple[np.dtype, int]] = {
    FLOAT32: (np.dtype("<f4"), wire.FOUR_BYTES),
    FLOAT64: (np.dtype("<f8"), wire.EIGHT_BYTES),
}


@dataclasses.dataclass(frozen=True)
class Tensor:
    """Where a tensor's numbers are: kind is the Value field, the lists hold (wire type, start, stop)."""

    kind: int
    values: list[tuple[int, int, int]]
    keys: list[tuple[int, int, int]]
    shape: list[tuple[int, int, int]]


Entries = dict[str, tuple[int, int]]
"""Key of a map -> where its Value message starts and stops."""


def entries(view: memoryview, at: int, end: int) -> tuple[Entries, Entries, list[tuple[int, int]]]:
    """Features and labels of a Record by name, and the places of its uid, metadata and configuration texts."""
    maps: tuple[Entries, Entries] = ({}, {})
    texts = []
    for number, kind, start, stop in wire.fields(view, at, end):
        if kind != wire.SPAN:
            continue
        if number in (FEATURES, LABEL):
            name, place = _entry(view, start, stop)
            maps[number - 1][name] = place
        elif number in (UID, METADATA, CONFIGURATION):
            texts.append((start, stop))
    return *maps, texts


def _entry(view: memoryview, at: int, end: int) -> tuple[str, tuple[int, int]]:
    name, place = "", (end, end)
    for number, kind, start, stop in wire.fields(view, at, end):
        if kind == wire.SPAN and number == 1:
            name = str(view[start:stop], "utf-8", "replace")
        elif kind == wire.SPAN and number == 2:
            place = start, stop
    return name, place


def tensor(view: memoryview, at: int, end: int, what: str) -> Tensor:
    """The tensor of a Value. Raises FormatError if it holds none; what names it: `feature 'values'`."""
    place = None
    for number, kind, start, stop in wire.fields(view, at, end):
        if kind == wire.SPAN and number in (FLOAT32, FLOAT64, INT32, BYTES):
            place = number, start, stop
    if place is None or place[0] == BYTES:
        raise FormatError(f"holds {'bytes' if place else 'nothing'} as {what}, which must be a tensor of numbers")
    found = Tensor(place[0], [], [], [])
    lists = {VALUES: found.values, KEYS: found.keys, SHAPE: found.shape}
    for number, kind, start, stop in wire.fields(view, place[1], place[2]):
        if number in lists:
            lists[number].append((kind, start, stop))
    return found


def values(data: np.ndarray, found: Tensor) -> np.ndarray:
    """The tensor's values in their own type: (k,) float32, float64 or int32."""
    if found.kind == INT32:
        return _integers(data, found.values).astype(np.uint32).view(np.int32)
    item, single = _ITEMS[found.kind]
    parts = []
    for kind, start, stop in found.values:
        if kind not in (wire.SPAN, single) or (stop - start) % item.itemsize:
            raise FormatError(f"holds values that are not {item.itemsize}-byte numbers")
        parts.append(data[start:stop])
    # Copied, so that the numbers are aligned and outlive the buffer.
    return np.concatenate(parts).view(item) if parts else np.empty(0, item)


def keys(data: np.ndarray, found: Tensor) -> np.ndarray:
    """(k,) uint64 column numbers of the values; empty for a dense tensor."""
    return _integers(data, found.keys)


def shape(data: np.ndarray, found: Tensor) -> list[int]:
    """The tensor's shape; empty where it names none."""
    return _integers(data, found.shape).tolist() if found.shape else []


def _integers(data: np.ndarray, places: list[tuple[int, int, int]]) -> np.ndarray:
    parts = []
    for kind, start, stop in places:
        if kind not in (wire.SPAN, wire.VARINT):
            raise FormatError("holds whole numbers that are not varints")
        parts.append(wire.varints(data[start:stop]))
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


@dataclasses.dataclass(frozen=True)
class Row:
    """One record's numbers. keys is None for a dense row."""

    values: np.ndarray
    keys: np.ndarray | None
    width: int
    labels: list[np.ndarray]


def row(data: np.ndarray, view: memoryview, at: int, end: int, label_names: tuple[str, ...]) -> Row:
    """Read a Record for training or inference. Raises FormatError with what is wrong, without the record's number."""
    features, label, _ = entries(view, at, end)
    if "values" not in features:
        others = ", ".join(map(repr, features)) or "none"
        raise FormatError(f"has no feature 'values'; its features are {others}")
    found = tensor(view, *features["values"], "feature 'values'")
    numbers, columns, width = placed(data, found)
    labels = [
        values(data, tensor(view, *label[name], f"label {name!r}")).astype(np.float32)
        for name in label_names
        if name in label
    ]
    return Row(numbers.astype(np.float32), columns, width, labels)


def placed(data: np.ndarray, found: Tensor) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Values, keys (None if dense) and width of a tensor, checked against each other."""
    numbers, columns, dims = values(data, found), keys(data, found), shape(data, found)
    width = math.prod(dims)
    if width > WIDTH_MAX:
        raise FormatError(f"has the shape {dims}, {width} features; at most {WIDTH_MAX} can be read")
    if not len(columns) and (len(numbers) or not dims):
        if dims and width != len(numbers):
            raise FormatError(f"has {len(numbers)} values for the shape {dims}, which needs {width}")
        return numbers, None, len(numbers)
    if len(columns) != len(numbers):
        raise FormatError(f"has {len(columns)} keys for {len(numbers)} values")
    if not dims:
        raise FormatError("is sparse (it has keys) and names no shape")
    if len(columns) and columns.max() >= width:
        raise FormatError(f"has the key {columns.max()}, which is outside of its shape {dims}")
    return numbers, columns.astype(np.int32), width
