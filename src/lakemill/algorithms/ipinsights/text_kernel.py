"""Lines `entity,address` to numbers, compiled; `text` is the plain form for small inputs and says what is wrong."""

import numpy as np

from lakemill.algorithms.ipinsights.identity import FNV_PRIME, FNV_START, MIX_1, MIX_2
from lakemill.formats.jit import compiled, inlined

_START, _PRIME = np.uint64(FNV_START), np.uint64(FNV_PRIME)
_MIX_1, _MIX_2, _33, _32 = np.uint64(MIX_1), np.uint64(MIX_2), np.uint64(33), np.uint64(32)
_COMMA, _QUOTE, _DOT, _FEED, _RETURN, _ZERO = 44, 34, 46, 10, 13, 48


@inlined
def _blank(byte):  # type: ignore[no-untyped-def]
    return byte == 32 or byte == 9


@inlined
def _mixed(value):  # type: ignore[no-untyped-def]
    value = (value ^ (value >> _33)) * _MIX_1
    value = (value ^ (value >> _33)) * _MIX_2
    return (value ^ (value >> _33)) >> _32


@compiled
def lines(data, rows, entities, addresses):  # type: ignore[no-untyped-def]
    """The records of whole lines.

    data : (m,) uint8. rows : uint64, of the entities' table. entities : (n,) int32 and addresses : (n,) uint32, filled;
    n is at least the number of line feeds and one more. Returns the records, the lines, and the place where a line that
    is none begins, or -1.
    """
    count, number, at, end = 0, 0, 0, len(data)
    while at < end:
        start = at
        while at < end and data[at] != _FEED:
            at += 1
        stop = at
        at += 1
        number += 1
        if stop > start and data[stop - 1] == _RETURN:
            stop -= 1
        left = start
        while left < stop and _blank(data[left]):
            left += 1
        if left == stop:
            continue
        good, entity, address = _record(data, left, stop)
        if not good:
            return count, number, start
        entities[count] = (entity * rows) >> _32
        addresses[count] = address
        count += 1
    return count, number, -1


@compiled
def _record(data, at, stop):  # type: ignore[no-untyped-def]
    """Whether a line is a record, the hash of its entity, its address. It begins with no blank."""
    value, length = _START, 0
    if data[at] == _QUOTE:
        at += 1
        while True:
            if at >= stop:
                return False, value, np.uint32(0)
            if data[at] == _QUOTE:
                if at + 1 < stop and data[at + 1] == _QUOTE:
                    at += 1
                else:
                    break
            value = (value ^ np.uint64(data[at])) * _PRIME
            length += 1
            at += 1
        at += 1
        while at < stop and _blank(data[at]):
            at += 1
    else:
        comma = at
        while comma < stop and data[comma] != _COMMA:
            comma += 1
        last = comma
        while last > at and _blank(data[last - 1]):
            last -= 1
        while at < last:
            if data[at] == _QUOTE:
                return False, value, np.uint32(0)
            value = (value ^ np.uint64(data[at])) * _PRIME
            length += 1
            at += 1
        at = comma
    if not length or at >= stop or data[at] != _COMMA:
        return False, value, np.uint32(0)
    good, address = _address(data, at + 1, stop)
    return good, _mixed(value), address


@compiled
def _address(data, at, stop):  # type: ignore[no-untyped-def]
    while at < stop and _blank(data[at]):
        at += 1
    while stop > at and _blank(data[stop - 1]):
        stop -= 1
    if stop - at >= 2 and data[at] == _QUOTE and data[stop - 1] == _QUOTE:
        at += 1
        stop -= 1
    address = np.int64(0)
    for part in range(4):
        octet, digits = np.int64(0), 0
        while at < stop and _ZERO <= data[at] <= _ZERO + 9 and digits < 3:
            octet = octet * 10 + np.int64(data[at]) - _ZERO
            digits += 1
            at += 1
        if digits == 0 or octet > 255 or (digits > 1 and octet < 10 ** (digits - 1)):
            return False, np.uint32(0)
        address = address * 256 + octet
        if part < 3:
            if at >= stop or data[at] != _DOT:
                return False, np.uint32(0)
            at += 1
    return at == stop, np.uint32(address)


@compiled
def hashed(data, offsets, rows, entities):  # type: ignore[no-untyped-def]
    """Rows of the texts data[offsets[i]:offsets[i + 1]]; entities : (n,) int32, filled."""
    for i in range(len(entities)):
        value = _START
        for at in range(offsets[i], offsets[i + 1]):
            value = (value ^ np.uint64(data[at])) * _PRIME
        entities[i] = (_mixed(value) * rows) >> _32
