"""MXNet NDArray files, the artifact of several built-in algorithms.

Little-endian throughout:

    u64   0x112, u64 0
    u64   number of arrays, then the arrays
    u64   number of names (0 for a list), then per name u64 length and the bytes

    an array (V2): u32 0xF993FAC9, i32 storage type (0 dense), u32 dimensions, i64 each, i32 device type (1 CPU),
                   i32 device number, i32 type code, the numbers in row-major order
    V1:     u32 0xF993FAC8 and no storage type
    older:  neither; the file goes on with u32 dimensions and u32 each
    An array of no dimensions stands for "none" and ends after its shape.

    rows of an array (V2, storage type 1): before the dimensions stand those of what is stored, (rows, ...); after the
                   type code i32 type code and dimensions of the row numbers, (rows,); the row numbers end the array.
                   Rows that are not stored are 0.

Source: MXNet's src/ndarray/ndarray.cc (NDArray::Save, NDArray::Load).
"""

import math
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lakemill.formats.errors import FormatError

_FILE_MAGIC = 0x112
_V1, _V2 = 0xF993FAC8, 0xF993FAC9
_DENSE, _ROWS = 0, 1
_DIMENSIONS_MAX = 32
_DTYPES = ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8")
"""By type code."""
_CODES = {np.dtype(text): code for code, text in enumerate(_DTYPES)}

Arrays = list[np.ndarray] | dict[str, np.ndarray]


def encode(arrays: Sequence[np.ndarray] | Mapping[str, np.ndarray]) -> bytes:
    """The bytes of an NDArray file: a list without names, or a mapping with them.

    Raises
    ------
    ValueError
        If an array's type or number of dimensions has no form in such a file.

    >>> decode(encode({"mean": np.float32([1, 2])}))
    {'mean': array([1., 2.], dtype=float32)}
    """
    names = list(arrays) if isinstance(arrays, Mapping) else []
    values = list(arrays.values()) if isinstance(arrays, Mapping) else list(arrays)
    parts = [struct.pack("<QQQ", _FILE_MAGIC, 0, len(values)), *map(_encode_array, values)]
    parts.append(struct.pack("<Q", len(names)))
    for name in names:
        text = name.encode()
        parts.append(struct.pack("<Q", len(text)) + text)
    return b"".join(parts)


def write(path: str | os.PathLike[str], arrays: Sequence[np.ndarray] | Mapping[str, np.ndarray]) -> None:
    """Write an NDArray file. Raises ValueError as `encode` does."""
    Path(path).write_bytes(encode(arrays))


def read(path: str | os.PathLike[str]) -> Arrays:
    """A list of arrays, or a dict where the file names them. Raises FormatError with the file's name."""
    try:
        return decode(Path(path).read_bytes())
    except FormatError as wrong:
        raise wrong.within(Path(path).name) from None


def decode(data: bytes) -> Arrays:
    """A list of arrays, or a dict where the file names them; "none" is an empty float32 array.

    Raises
    ------
    FormatError
        If the bytes are no NDArray file, are cut off, or hold a csr array. Arrays stored by rows come out whole.
    """
    cursor = _Cursor(data)
    magic, _ = cursor.take("<QQ")
    if magic != _FILE_MAGIC:
        raise FormatError(f"not an MXNet NDArray file: it starts with {magic:#x} and not with {_FILE_MAGIC:#x}")
    arrays = [_decode_array(cursor) for _ in range(cursor.count("arrays"))]
    names = [cursor.bytes(cursor.one("<Q")).decode("utf-8", "replace") for _ in range(cursor.count("names"))]
    if names and len(names) != len(arrays):
        raise FormatError(f"an NDArray file with {len(arrays)} arrays and {len(names)} names")
    return dict(zip(names, arrays, strict=True)) if names else arrays


def _encode_array(array: np.ndarray) -> bytes:
    array = np.asarray(array)
    code = _CODES.get(array.dtype.newbyteorder("<"))
    if code is None or not 1 <= array.ndim <= _DIMENSIONS_MAX:
        known = ", ".join(str(dtype) for dtype in _CODES)
        raise ValueError(
            f"an NDArray file holds arrays of one dimension or more of {known}; "
            f"got {array.ndim} dimensions of {array.dtype}"
        )
    head = struct.pack(f"<IiI{array.ndim}qiii", _V2, 0, array.ndim, *array.shape, 1, 0, code)
    return head + np.ascontiguousarray(array, _DTYPES[code]).tobytes()


def _decode_array(cursor: "_Cursor") -> np.ndarray:
    magic = cursor.one("<I")
    storage = cursor.one("<i") if magic == _V2 else _DENSE
    if storage not in (_DENSE, _ROWS):
        raise FormatError(f"an NDArray of storage type {storage}; only dense arrays (0) and rows (1) can be read")
    stored = _shape(cursor, magic) if storage == _ROWS else ()
    shape = _shape(cursor, magic)
    if not shape:
        return np.empty(0, np.float32)
    _device, _number = cursor.take("<ii")
    dtype = _dtype(cursor, shape)
    if storage == _DENSE:
        return _numbers(cursor, shape, dtype)
    numbered = _dtype(cursor, stored)
    count = _shape(cursor, magic)
    rows, places = _numbers(cursor, stored, dtype), _numbers(cursor, count, numbered)
    if count != stored[:1] or stored[1:] != shape[1:] or (places.size and not _within(places, shape[0])):
        raise FormatError(f"an NDArray of shape {shape} with {count} rows of shape {stored}; the file is damaged")
    try:
        whole = np.zeros(shape, dtype)
    except (MemoryError, ValueError):
        raise FormatError(f"an NDArray of shape {shape} does not fit into memory") from None
    whole[places] = rows
    return whole


def _within(places: np.ndarray, end: int) -> bool:
    return places.dtype.kind in "iu" and places.min() >= 0 and places.max() < end


def _shape(cursor: "_Cursor", magic: int) -> tuple[int, ...]:
    dimensions = cursor.one("<I") if magic in (_V1, _V2) else magic
    if dimensions > _DIMENSIONS_MAX:
        raise FormatError(f"an NDArray with {dimensions} dimensions at byte {cursor.at - 4}; the file is damaged")
    return cursor.take(f"<{dimensions}{'q' if magic in (_V1, _V2) else 'I'}")


def _dtype(cursor: "_Cursor", shape: tuple[int, ...]) -> np.dtype:
    code = cursor.one("<i")
    if not 0 <= code < len(_DTYPES) or min(shape, default=0) < 0:
        raise FormatError(f"an NDArray of shape {shape} and type code {code}; type codes are 0 to {len(_DTYPES) - 1}")
    return np.dtype(_DTYPES[code])


def _numbers(cursor: "_Cursor", shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.frombuffer(cursor.bytes(math.prod(shape) * dtype.itemsize), dtype).reshape(shape).copy()


class _Cursor:
    """Reads on from one place to the next."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.at = 0

    def bytes(self, count: int) -> bytes:
        there = len(self._data) - self.at
        if count > there:
            raise FormatError(f"an NDArray file that ends early: {count} bytes are due at {self.at}, {there} are there")
        self.at += count
        return bytes(self._data[self.at - count : self.at])

    def take(self, form: str) -> tuple:
        return struct.unpack(form, self.bytes(struct.calcsize(form)))

    def one(self, form: str) -> int:
        return self.take(form)[0]

    def count(self, what: str) -> int:
        """A number of things still to come, each of which takes at least 4 bytes."""
        count = self.one("<Q")
        if count * 4 > len(self._data) - self.at:
            raise FormatError(
                f"an NDArray file that claims {count} {what} and has {len(self._data) - self.at} bytes left"
            )
        return count
