"""Records of any layout, compiled: the same reading as message.py, without an object per record.

`measure` finds the frames, reads the structure of every record and counts its numbers, `fill` copies the numbers out.
A function that meets something wrong (or rare) only says at which record; the caller lets message.py read that one
record and word the error, so the two never differ in what they say.
"""

# numba infers the types here.
# mypy: ignore-errors

import numpy as np

from lakemill.formats.jit import compiled, inlined

_FLOAT32, _FLOAT64, _INT32, _BYTES = 2, 3, 7, 9
_WIDTH_MAX = (1 << 31) - 1
_MAGIC = 0xCED7230A
_TOPS = np.uint64(0x8080808080808080)
_PAIRS = np.uint64(0x0080008000800080)
_ONES = np.uint64(0x0101010101010101)


@compiled
def _word(buf, at):
    i = np.uint64(at)
    low = np.int64(buf[i]) | np.int64(buf[i + np.uint64(1)]) << 8
    return low | np.int64(buf[i + np.uint64(2)]) << 16 | np.int64(buf[i + np.uint64(3)]) << 24


@compiled
def _varint(buf, at, end):
    value, shift = np.uint64(0), np.uint64(0)
    # An unsigned index spares the test for negative ones, as everywhere below.
    place, last = np.uint64(at), np.uint64(end)
    while place < last and shift < np.uint64(70):
        byte = np.uint64(buf[place])
        place += np.uint64(1)
        value |= (byte & np.uint64(0x7F)) << shift
        if byte < np.uint64(0x80):
            return value, np.int64(place)
        shift += np.uint64(7)
    return np.uint64(0), -1


@compiled
def _short_varint(buf, at, end):
    """A number that is expected to take one or two bytes."""
    place = np.uint64(at)
    if at + 1 < end:
        low, high = np.uint64(buf[place]), np.uint64(buf[place + np.uint64(1)])
        if low < np.uint64(0x80):
            return low, at + 1
        if high < np.uint64(0x80):
            return (low & np.uint64(0x7F)) | high << np.uint64(7), at + 2
    return _varint(buf, at, end)


@inlined
def _field(buf, at, end):
    """(number, wire type, start, stop) of the field at `at`; number 0 when it is malformed."""
    before = at
    tag, at = _short_varint(buf, at, end)
    if at < 0 or at - before > 5 or tag > np.uint64((1 << 32) - 1):
        return 0, 0, 0, 0
    number, kind = np.int64(tag) >> 3, np.int64(tag) & 7
    stop = at
    if kind == 2:
        length, at = _short_varint(buf, at, end)
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
    here, there = buf[start:stop], name[name_start:name_stop]
    for i in range(len(here)):  # noqa: SIM110 - a generator cannot be compiled.
        if here[i] != there[i]:
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
        if kind == 2 and number in (_FLOAT32, _FLOAT64, _INT32, _BYTES):
            found, first, last = number, start, stop
        at = stop
    return found, first, last


@compiled
def _eight(buf, at):
    """Eight bytes as one little-endian number; the compiler makes it one load."""
    i = np.uint64(at)
    low = np.uint64(buf[i]) | np.uint64(buf[i + np.uint64(1)]) << np.uint64(8)
    low |= np.uint64(buf[i + np.uint64(2)]) << np.uint64(16) | np.uint64(buf[i + np.uint64(3)]) << np.uint64(24)
    high = np.uint64(buf[i + np.uint64(4)]) | np.uint64(buf[i + np.uint64(5)]) << np.uint64(8)
    high |= np.uint64(buf[i + np.uint64(6)]) << np.uint64(16) | np.uint64(buf[i + np.uint64(7)]) << np.uint64(24)
    return low | high << np.uint64(32)


@compiled
def _count_varints(buf, start, stop):
    """How many numbers end in the range; -1 if the last one does not."""
    if start == stop:
        return 0
    if buf[stop - 1] >= 0x80:
        return -1
    count = 0
    while start + 8 <= stop:
        ends = ((_eight(buf, start) & _TOPS) ^ _TOPS) >> np.uint64(7)  # 1 in each byte that ends a number.
        count += np.int64((ends * _ONES) >> np.uint64(56))
        start += 8
    while start < stop:
        count += buf[np.uint64(start)] < 0x80
        start += 1
    return count


@inlined
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


@inlined
def _measure_record(buf, at, end, names, ends, k, i, places, label_places, counts, sparse, widths, label_counts):
    for j in range(k):
        label_places[i, j, 0] = 0
    value_start, value_stop = -1, -1
    while at < end:
        number, kind, start, stop = _field(buf, at, end)
        if number == 0:
            return False
        at = stop
        if kind != 2 or number > 2:
            continue
        name_start, name_stop, first, last = start, start, stop, stop
        while start < stop:
            inner, inner_kind, inner_start, inner_stop = _field(buf, start, stop)
            if inner == 0:
                return False
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
                        return False
                    label_places[i, j, 0] = kind
                    label_places[i, j, 1] = start
                    label_places[i, j, 2] = stop
    if value_start < 0:
        return False
    kind, start, stop = _inner(buf, value_start, value_stop)
    if kind <= 0 or kind == _BYTES:
        return False
    values, keys, dims, width = _measure_tensor(buf, kind, start, stop)
    if values < 0:
        return False
    is_sparse = keys > 0 or (values == 0 and dims > 0)
    if is_sparse and (keys != values or dims == 0):
        return False
    if not is_sparse and dims > 0 and width != values:
        return False
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
                return False
            label_counts[i] += values
    return True


@compiled
def measure(
    buf, at, walking, names, ends, offsets, lengths, places, label_places, counts, sparse, widths, label_counts
):
    """Structure of the records at offsets; walking, the frames are found on the way, from `at` on, and noted there.

    Returns how many records were read, where the walk stopped, and whether it met a record that message.py has to look
    at. A walk ends when the arrays are full and before anything that is not a whole frame with cflag 0.

    names, ends : the wanted names one after the other, "values" (the feature) first, and where each ends
    offsets, lengths (n,) : the records' bytes
    places (n, 3), label_places (n, k, 3) : tensor kind, start, stop of the feature and of each label; kind 0 is none
    counts, sparse, widths, label_counts (n,) : per record
    """
    k = len(ends) - 1
    for i in range(len(offsets)):
        frame = at
        if walking:
            if at + 8 > len(buf):
                return i, at, False
            length = _word(buf, at + 4)
            at += 8 + ((length + 3) & ~3)
            if _word(buf, frame) != _MAGIC or length >= 1 << 29 or at > len(buf):
                return i, frame, False
            offsets[i] = frame + 8
            lengths[i] = length
        start, end = offsets[i], offsets[i] + lengths[i]
        if not _measure_record(
            buf, start, end, names, ends, k, i, places, label_places, counts, sparse, widths, label_counts
        ):
            return i, frame, True
    return len(offsets), at, False


@compiled
def _copy(source, target):
    # Over slices, so that the index is known not to be negative: only then does the loop become a memory copy.
    for i in range(len(source)):
        target[i] = source[i]


@compiled
def _fill_values(buf, tensor_kind, at, end, out, out_bytes, filled, raw, raw_float):
    """Values of one tensor to out[filled:], float32; out_bytes is the same memory. The next free place, or -1."""
    while at < end:
        number, _, start, stop = _field(buf, at, end)
        at = stop
        if number != 1:
            continue
        if tensor_kind == _FLOAT32:
            _copy(buf[start:stop], out_bytes[filled * 4 :])
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
    """Keys of one record; returns whether they are all inside of the width and whether they rise."""
    before, ordered, highest = np.int64(-1), True, np.int64(-1)
    while at < end:
        number, _, start, stop = _field(buf, at, end)
        at = stop
        if number != 2:
            continue
        while start < stop:
            # Four numbers of two bytes at a time where they stand together, as they mostly do.
            if start + 8 <= stop and (_eight(buf, start) & _TOPS) == _PAIRS:
                word = _eight(buf, start)
                for j in range(4):
                    key = np.int64((word & np.uint64(0x7F)) | (word >> np.uint64(1)) & np.uint64(0x3F80))
                    word >>= np.uint64(16)
                    ordered &= key > before
                    highest = max(highest, key)
                    before = key
                    keys[np.uint64(filled + j)] = np.int32(key)
                start += 8
                filled += 4
                continue
            value, start = _short_varint(buf, start, stop)
            if start < 0 or value >= np.uint64(width):
                return False, False
            key = np.int64(value)
            ordered &= key > before
            highest = max(highest, key)
            before = key
            keys[np.uint64(filled)] = np.int32(key)
            filled += 1
    return highest < width, ordered


@compiled
def fill(buf, places, label_places, counts, sparse, widths, values, value_bytes, keys, labels, label_bytes):
    """Copy all numbers out. keys has no element when no record is sparse; dense rows get 0, 1, 2 ... among sparse ones.

    Returns the first record that message.py has to look at, or -1, and whether the keys of all records rise strictly.
    """
    raw = np.zeros(1, np.uint64)
    raw_float = raw.view(np.float64)
    filled, filled_labels, ordered = 0, 0, True
    for i in range(len(places)):
        kind, start, stop = places[i, 0], places[i, 1], places[i, 2]
        after = _fill_values(buf, kind, start, stop, values, value_bytes, filled, raw, raw_float)
        if after < 0:
            return i, False
        if len(keys):
            if sparse[i]:
                sound, rising = _fill_keys(buf, start, stop, widths[i], keys, filled)
                if not sound:
                    return i, False
                ordered &= rising
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
                    return i, False
    return -1, ordered
