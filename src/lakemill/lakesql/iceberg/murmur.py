"""Murmur3 of 32 bits, by which Iceberg puts values into buckets; whole columns at once.

Source: Iceberg's specification, appendix B; the function is Appleby's MurmurHash3_x86_32 with seed 0.

>>> hashes(pa.array([34])).tolist(), hashes(pa.array(["iceberg"])).tolist()
([2017239379], [1210000089])
"""

import mmh3
import numpy as np
import pyarrow as pa
from pyiceberg.utils.decimal import decimal_to_bytes

_C1, _C2 = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)


def buckets(column: pa.Array | pa.ChunkedArray, count: int) -> pa.Array:
    """The bucket of each value, 0 to count - 1; null for null."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    positive = hashes(column) & np.int32(0x7FFFFFFF)
    return pa.array((positive % count).astype(np.int32), mask=np.asarray(column.is_null()))


def hashes(column: pa.Array) -> np.ndarray:
    """The hash of each value as a signed number of 32 bits; that of null is not to be used."""
    kind = column.type
    if pa.types.is_decimal(kind):
        return np.array([0 if one is None else mmh3.hash(decimal_to_bytes(one)) for one in column.to_pylist()], "i4")
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
        data = column.buffers()[2]
        return _of_bytes(np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8), offsets.astype(np.int64))
    if pa.types.is_date(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz))
    values = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).astype("<i8")
    return _of_bytes(values.view(np.uint8), np.arange(0, 8 * len(values) + 1, 8))


def _of_bytes(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The hashes of texts that stand one after the other. data: uint8. offsets: (n + 1,), where each begins."""
    starts, lengths = offsets[:-1], np.diff(offsets)
    state = np.zeros(len(lengths), np.uint32)
    with np.errstate(over="ignore"):
        for block in range(int(lengths.max(initial=0)) // 4):
            some = np.flatnonzero(lengths >= 4 * block + 4)
            at = starts[some] + 4 * block
            word = sum(data[at + place].astype(np.uint32) << np.uint32(8 * place) for place in range(4))
            mixed = state[some] ^ _scrambled(word)
            state[some] = _rotated(mixed, 13) * np.uint32(5) + np.uint32(0xE6546B64)
        rest = np.zeros(len(lengths), np.uint32)
        for place in range(3):
            some = np.flatnonzero(lengths % 4 > place)
            at = starts[some] + lengths[some] // 4 * 4 + place
            rest[some] |= data[at].astype(np.uint32) << np.uint32(8 * place)
        state ^= _scrambled(rest)
        state ^= lengths.astype(np.uint32)
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            state = (state ^ (state >> np.uint32(shift))) * np.uint32(factor)
        state ^= state >> np.uint32(16)
    return state.view(np.int32)


def _scrambled(word: np.ndarray) -> np.ndarray:
    return _rotated(word * _C1, 15) * _C2


def _rotated(word: np.ndarray, by: int) -> np.ndarray:
    return (word << np.uint32(by)) | (word >> np.uint32(32 - by))
