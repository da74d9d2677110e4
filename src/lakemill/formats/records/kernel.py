"""Records of any layout, compiled: the same reading as message.py, without an object per record.

`scan` finds the frames, `measure` reads the structure of every record and counts its numbers, `fill` copies the numbers
out. A function that meets something wrong (or rare) only says at which record; the caller lets message.py read that one
record and word the error, so the two never differ in what they say.
"""

import numpy as np

from lakemill.formats.jit import compiled

_FLOAT32, _FLOAT64, _INT32, _BYTES = 2, 3, 7, 9
_WIDTH_MAX = (1 << 31) - 1
_MAGIC = 0xCED7230A


@compiled
def _word(buf, at):
    return buf[at] | buf[at + 1] << 8 | buf[at + 2] << 16 | np.int64(buf[at + 3]) << 24


@compiled
def scan(buf, at, offsets, lengths):
    """Fill offsets and lengths with whole frames from `at` on; returns (frames, where it stopped).

    It stops at the end, when the arrays are full, or before anything that is not a whole frame with cflag 0.
    """
    count, end = 0, len(buf)
    while count < len(offsets) and at + 8 <= end:
        length = _word(buf, at + 4)
        after = at + 8 + ((length + 3) & ~3)
        if _word(buf, at) != _MAGIC or length >= 1 << 29 or after > end:
            break
        offsets[count] = at + 8
        lengths[count] = length
        count += 1
        at = after
    return count, at


@compiled
def _varint(buf, at, end):
    value, shift = np.uint64(0), np.uint64(0)
    while at < end and shift < np.uint64(70):
        byte = np.uint64(buf[at])
        at += 1
        value |= (byte & np.uint64(0x7F)) << shift
        if byte < np.uint64(0x80):
            return value, at
        shift += np.uint64(7)
    return np.uint64(0), -1


@compiled
def _field(buf, at, end):
    """(number, wire type, start, stop) of the field at `at`; number 0 when it is malformed."""
    tag, at = _varint(buf, at, end)
    if at < 0 or tag > np.uint64(1 << 31):
        return 0, 0, 0, 0
    number, kind = np.int64(tag) >> 3, np.int64(tag) & 7
    stop = at
    if kind == 2:
        length, at = _varint(buf, at, end)
        if at < 0 or length > np.uint64(end - at):
            return 0, 0, 0, 0
        stop = at + np.int64(length)
    elif kind == 0:
        _, stop = _varint(buf, at, end)
    elif kind == 5:
        stop = at + 4
    elif kind == 1:
        stop = at + 8
    else:
        return 0, 0, 0, 0
    if stop < 0 or stop > end:
        return 0, 0, 0, 0
    return number, kind, at, stop


@compiled
def _same(buf, start, stop, name, name_start, name_stop):
    if stop - start != name_stop - name_start:
        return False
    for i in range(stop - start):
        if buf[start + i] != name[name_start + i]:
            return False
    return True


@compiled
def _inner(buf, at, end):
    """(kind, start, stop) of the tensor in a Value; kind 0 when there is none, -1 when it is malformed."""
    found, first, last = 0, at, at
    while at < end:
        number, kind, start, stop = _field(buf, at, end)
        if number == 0:
            return -1, 0, 0
        if kind == 2 and (number == _FLOAT32 or number == _FLOAT64 or number == _INT32 or number == _BYTES):
            found, first, last = number, start, stop
        at = stop
    return found, first, last


@compiled
def _count_varints(buf, start, stop):
    """How many numbers end in the range; -1 if the last one does not."""
    if start == stop:
        return 0
    if buf[stop - 1] >= 0x80:
        return -1
    count = 0
    for i in range(start, stop):
        count += buf[i] < 0x80
    return count


@compiled
def _measure_tensor(buf, tensor_kind, at, end):
    """(values, keys, dimensions, product of the shape); values -1 when malformed."""
    values, keys, dims, width = 0, 0, 0, 1
    size = 4 if tensor_kind == _FLOAT32 else 8
    single = 5 if tensor_kind == _FLOAT32 else 1
    while at < end:
        number, kind, start, stop = _field(buf, at, end)
        if number == 0:
            return -1, 0, 0, 0
        if number == 1 and tensor_kind != _INT32:
            if (kind != 2 and kind != single) or (stop - start) % size:
                return -1, 0, 0, 0
            values += (stop - start) // size
        elif number <= 3:
            if kind != 2 and kind != 0:
                return -1, 0, 0, 0
            count = _count_varints(buf, start, stop)
            if count < 0:
                return -1, 0, 0, 0
            if number == 1:
                values += count
            elif number == 2:
                keys += count
            else:
                dims += count
                place = start
                while place < stop:
                    size_of, place = _varint(buf, place, stop)
                    if place < 0 or size_of > np.uint64(_WIDTH_MAX) or width * np.int64(size_of) > _WIDTH_MAX:
                        return -1, 0, 0, 0
                    width *= np.int64(size_of)
        at = stop
    return values, keys, dims, width


@compiled
def measure(buf, offsets, lengths, names, ends, places, label_places, counts, sparse, widths, label_counts):
    """Structure of every record. Returns the first record that message.py has to look at, or -1.

    names, ends : the wanted names one after the other, "values" (the feature) first, and where each ends
    places (n, 3), label_places (n, k, 3) : tensor kind, start, stop of the feature and of each label; kind 0 is none
    counts, sparse, widths, label_counts : (n,) per record
    """
    k = len(ends) - 1
    for i in range(len(offsets)):
        at, end = offsets[i], offsets[i] + lengths[i]
        for j in range(k):
            label_places[i, j, 0] = 0
        value_start, value_stop = -1, -1
        while at < end:
            number, kind, start, stop = _field(buf, at, end)
            if number == 0:
                return i
            at = stop
            if kind != 2 or number > 2:
                continue
            name_start, name_stop, first, last = start, start, stop, stop
            while start < stop:
                inner, inner_kind, inner_start, inner_stop = _field(buf, start, stop)
                if inner == 0:
                    return i
                if inner == 1 and inner_kind == 2:
                    name_start, name_stop = inner_start, inner_stop
                elif inner == 2 and inner_kind == 2:
                    first, last = inner_start, inner_stop
                start = inner_stop
            if number == 1:
                if _same(buf, name_start, name_stop, names, 0, ends[0]):
                    value_start, value_stop = first, last
            else:
                for j in range(k):
                    if _same(buf, name_start, name_stop, names, ends[j], ends[j + 1]):
                        kind, start, stop = _inner(buf, first, last)
                        if kind <= 0 or kind == _BYTES:
                            return i
                        label_places[i, j, 0] = kind
                        label_places[i, j, 1] = start
                        label_places[i, j, 2] = stop
        if value_start < 0:
            return i
        kind, start, stop = _inner(buf, value_start, value_stop)
        if kind <= 0 or kind == _BYTES:
            return i
        values, keys, dims, width = _measure_tensor(buf, kind, start, stop)
        if values < 0:
            return i
        is_sparse = keys > 0 or (values == 0 and dims > 0)
        if is_sparse and (keys != values or dims == 0):
            return i
        if not is_sparse and dims > 0 and width != values:
            return i
        places[i, 0] = kind
        places[i, 1] = start
        places[i, 2] = stop
        counts[i] = values
        sparse[i] = is_sparse
        widths[i] = width if is_sparse else values
        label_counts[i] = 0
        for j in range(k):
            if label_places[i, j, 0]:
                values, keys, dims, width = _measure_tensor(
                    buf, label_places[i, j, 0], label_places[i, j, 1], label_places[i, j, 2]
                )
                if values < 0:
                    return i
                label_counts[i] += values
    return -1


@compiled
def _copy_floats(buf, start, stop, out, at):
    for i in range(stop - start):
        out[at + i] = buf[start + i]


@compiled
def _fill_values(buf, tensor_kind, at, end, out, out_bytes, filled, raw, raw_float):
    """Values of one tensor to out[filled:], float32; out_bytes is the same memory; returns the next free place or -1."""
    while at < end:
        number, kind, start, stop = _field(buf, at, end)
        at = stop
        if number != 1:
            continue
        if tensor_kind == _FLOAT32:
            _copy_floats(buf, start, stop, out_bytes, filled * 4)
            filled += (stop - start) // 4
        elif tensor_kind == _FLOAT64:
            while start < stop:
                raw[0] = np.uint64(_word(buf, start)) | np.uint64(_word(buf, start + 4)) << np.uint64(32)
                out[filled] = np.float32(raw_float[0])
                filled += 1
                start += 8
        else:
            while start < stop:
                value, start = _varint(buf, start, stop)
                if start < 0:
                    return -1
                low = np.int64(value & np.uint64(0xFFFFFFFF))
                out[filled] = np.float32(low - (1 << 32) if low >= 1 << 31 else low)
                filled += 1
    return filled


@compiled
def _fill_keys(buf, at, end, width, keys, filled):
    while at < end:
        number, kind, start, stop = _field(buf, at, end)
        at = stop
        if number != 2:
            continue
        while start < stop:
            byte = buf[start]
            if byte < 0x80:
                key = np.int64(byte)
                start += 1
            elif start + 1 < stop and buf[start + 1] < 0x80:
                key = np.int64(byte & 0x7F) | np.int64(buf[start + 1]) << 7
                start += 2
            else:
                value, start = _varint(buf, start, stop)
                if start < 0 or value >= np.uint64(width):
                    return -1
                key = np.int64(value)
            if key >= width:
                return -1
            keys[filled] = key
            filled += 1
    return filled


@compiled
def fill(buf, places, label_places, counts, sparse, widths, values, value_bytes, keys, labels, label_bytes):
    """Copy all numbers out. keys has no element when no record is sparse; dense rows get 0, 1, 2 ... among sparse ones.

    Returns the first record that message.py has to look at, or -1.
    """
    raw = np.zeros(1, np.uint64)
    raw_float = raw.view(np.float64)
    filled, filled_labels = 0, 0
    for i in range(len(places)):
        kind, start, stop = places[i, 0], places[i, 1], places[i, 2]
        after = _fill_values(buf, kind, start, stop, values, value_bytes, filled, raw, raw_float)
        if after < 0:
            return i
        if len(keys):
            if sparse[i]:
                if _fill_keys(buf, start, stop, widths[i], keys, filled) < 0:
                    return i
            else:
                for j in range(counts[i]):
                    keys[filled + j] = j
        filled = after
        for j in range(label_places.shape[1]):
            if label_places[i, j, 0]:
                filled_labels = _fill_values(
                    buf, label_places[i, j, 0], label_places[i, j, 1], label_places[i, j, 2],
                    labels, label_bytes, filled_labels, raw, raw_float,
                )  # fmt: skip
                if filled_labels < 0:
                    return i
    return -1
