"""JSON objects taken apart into columns, compiled. What is unusual is left to jsonserde.py, which words the errors.

One call goes over all records of a block. A record is any number of objects with blanks between them; the records that
hold anything this code does not take are named in `refused`, and leave no row. What is taken is taken strictly: every
byte of an object is held against the grammar (RFC 8259), also the values that nobody asked for.

Keys come in the same order in most records, so the very bytes that followed the last key before are tried first, eight
at a time; only when they differ is the key looked up by its hash.
"""

# numba infers the types here.
# mypy: ignore-errors

import numpy as np

from lakemill.formats.bytes_kernel import byte_at, put, store8, word8
from lakemill.formats.doubles_kernel import LEAST, MOST, double_bits
from lakemill.formats.jit import compiled, inner
from lakemill.formats.jsonscan_kernel import blanks, date, four_hex, moment, number, passed, short, string, word

INT, REAL, BOOL, TEXT, TIME, DATE, RAW = range(1, 8)
NULL, PLAIN, ESCAPED = range(3)
_SECONDS_MAX = 9_223_372_035
_OTHERS = 64


@inner
def _canonical(byte, fold, dots):
    if fold and 65 <= byte <= 90:
        return byte + 32
    if dots and byte == 46:
        return 95
    return byte


@inner
def _seek(buf, at, end, fold, dots, keys, bounds, table):
    """The column of the key in buf[at:end]: -1 for none, -2 for a key that only the interpreter folds rightly."""
    code = np.uint64(14695981039346656037)
    for place in range(at, end):
        byte = byte_at(buf, place)
        if byte >= 128 and fold:
            return -2
        code = (code ^ np.uint64(_canonical(byte, fold, dots))) * np.uint64(1099511628211)
    mask = len(table) - 1
    slot = np.int64(code & np.uint64(0x7FFFFFFFFFFFFFFF)) & mask
    while table[slot] >= 0:
        column = table[slot]
        first = bounds[column]
        if bounds[column + 1] - first == end - at:
            same = True
            for step in range(end - at):
                if _canonical(byte_at(buf, at + step), fold, dots) != np.int64(keys[first + step]):
                    same = False
                    break
            if same:
                return column
        slot = (slot + 1) & mask
    return -1


@compiled
def hashed(keys, bounds, table):
    """Fill the hash table (a power of two, larger than twice the keys, -1 in every place)."""
    mask = len(table) - 1
    for column in range(len(bounds) - 1):
        code = np.uint64(14695981039346656037)
        for place in range(bounds[column], bounds[column + 1]):
            code = (code ^ np.uint64(keys[place])) * np.uint64(1099511628211)
        slot = np.int64(code & np.uint64(0x7FFFFFFFFFFFFFFF)) & mask
        while table[slot] >= 0:
            slot = (slot + 1) & mask
        table[slot] = column


@inner
def _value(buf, at, end, kind, low, high, lenient, scale):
    """The value at `at` for a column: where it ends (-1: it is left to the interpreter), its state and its cell."""
    byte = byte_at(buf, at)
    if byte == 110:
        return word(buf, at, end), NULL, 0
    if kind == TEXT:
        if byte == 34:
            after, escaped = string(buf, at + 1, end)
            return after + (after >= 0), ESCAPED if escaped else PLAIN, _slice(at + 1, after)
        if byte == 45 or 48 <= byte <= 57:
            after, _, _, _, _, _ = number(buf, at, end)
        elif byte == 116 or byte == 102:
            after = word(buf, at, end)
        else:
            return -1, NULL, 0
        return after, PLAIN, _slice(at, after)
    quoted = byte == 34
    if kind == INT or kind == REAL:  # noqa: SIM109
        if quoted:
            if not lenient or at + 1 >= end:
                return -1, NULL, 0
            at += 1
            byte = byte_at(buf, at)
        if kind == INT and at + 9 < end:
            value, after = short(buf, at)
            if after >= 0 and low <= value <= high and not (quoted and byte_at(buf, after) != 34):
                return after + quoted, PLAIN, value
        if not (byte == 45 or 48 <= byte <= 57):
            return -1, NULL, 0
        after, mantissa, exponent, negative, plain, exact = number(buf, at, end)
        if after < 0 or (quoted and (after >= end or byte_at(buf, after) != 34)):
            return -1, NULL, 0
        if kind == INT:
            if negative:
                mantissa = -mantissa
            if not plain or not exact or mantissa < low or mantissa > high:
                return -1, NULL, 0
            return after + quoted, PLAIN, mantissa
        if exact and LEAST <= exponent <= MOST:
            double = double_bits(np.uint64(mantissa), exponent) if mantissa > 0 else 0
            return after + quoted, PLAIN, double | np.int64(negative) << 63
        return after + quoted, ESCAPED, _slice(at, after)
    if kind == BOOL:
        if byte != 116 and byte != 102:
            return -1, NULL, 0
        return word(buf, at, end), PLAIN, np.int64(byte == 116)
    if kind == RAW:
        after = passed(buf, at, end)
        return after, PLAIN, _slice(at, after)
    if not quoted:
        if kind == DATE or not lenient or not (byte == 45 or 48 <= byte <= 57):
            return -1, NULL, 0
        return _epoch(buf, at, end, scale)
    after, escaped = string(buf, at + 1, end)
    if after < 0 or escaped:
        return -1, NULL, 0
    if kind == DATE:
        days, stop = date(buf, at + 1, after)
        return after + 1 if stop == after else -1, PLAIN, days
    seconds, nanos, found = moment(buf, at + 1, after, lenient)
    if not found or (scale == 1_000_000_000 and (seconds > _SECONDS_MAX or seconds < -_SECONDS_MAX)):
        return -1, NULL, 0
    return after + 1, PLAIN, seconds * scale + nanos // (1_000_000_000 // scale)


@inner
def _epoch(buf, at, end, scale):
    """The seconds or milliseconds since 1970 at `at`, as _value gives them."""
    after, mantissa, exponent, negative, plain, exact = number(buf, at, end)
    if after < 0 or not exact:
        return -1, NULL, 0
    if plain:
        exponent = -3 if after - at >= 13 else 0
    if exponent < -9 or exponent > 0:
        return -1, NULL, 0
    nanos = mantissa
    for _ in range(9 + exponent):
        if nanos > 900_000_000_000_000_000:
            return -1, NULL, 0
        nanos *= 10
    return after, PLAIN, (-nanos if negative else nanos) // (1_000_000_000 // scale)


@inner
def _slice(first, after):
    """A slice of the buffer as one number."""
    return (first << 32) | (after - first)


@inner
def _expected(buf, at, seen, count):
    """Whether the `count` bytes at `at` are those at `seen`; eight more can be read behind both."""
    while count >= 8:
        if word8(buf, at) != word8(buf, seen):
            return False
        at += 8
        seen += 8
        count -= 8
    different = word8(buf, at) ^ word8(buf, seen)
    return count == 0 or different << np.uint64(64 - 8 * count) == 0


@compiled
def taken(buf, bounds, refused, rows, fold, dots, lenient, scale, keys, key_bounds, table, kinds, lows, highs, valid,
          cells):  # fmt: skip
    """Take records apart until there are no more, or no more rows; how many records were gone through, and rows filled.

    buf: the address of the bytes. bounds (n + 1,) int32: of the records in it. refused (n,) bool, in and out.
    rows (n,) out: how many each record gave. fold, dots: how keys are compared. lenient: strings may hold numbers, and
    times may be ISO 8601. scale: units of a timestamp in a second. keys, key_bounds, table: the columns' keys (see
    hashed). kinds, lows, highs (c,): how each column is taken. valid (c, r) uint8, zero where a row begins.
    cells (c, r) int64: a whole number, the bits of a double, or start << 32 | length of a slice of buf (also a double
    whose state in valid is ESCAPED: it takes more care).
    """
    columns, capacity = len(kinds), valid.shape[1]
    # What came after key c: its place, how many bytes from the quote to the value, its column, and which key it is
    # itself. Behind the columns' keys are the opening brace and some that are nobody's.
    seen = np.zeros(columns + 1 + _OTHERS, np.int64)
    counts = np.zeros(columns + 1 + _OTHERS, np.int64)
    found = np.zeros(columns + 1 + _OTHERS, np.int64)
    following = np.zeros(columns + 1 + _OTHERS, np.int64)
    others = 0
    safe = np.int64(bounds[-1]) - 8
    row = 0
    for record in range(len(bounds) - 1):
        if refused[record]:
            continue
        first_row = row
        at, end = np.int64(bounds[record]), np.int64(bounds[record + 1])
        good = True
        while good:
            at = blanks(buf, at, end)
            if at >= end:
                break
            if row == capacity:
                valid[:, first_row:row] = 0
                return record, first_row
            good = False
            if byte_at(buf, at) != 123:
                break
            at = blanks(buf, at + 1, end)
            if at < end and byte_at(buf, at) == 125:
                at += 1
                row += 1
                good = True
                continue
            before = columns
            while at < end and byte_at(buf, at) == 34:
                count = counts[before]
                if count and at + count < end and at + count <= safe and _expected(buf, at, seen[before], count):
                    at = blanks(buf, at + count, end)
                    column = found[before]
                    before = following[before]
                else:
                    first = at
                    close, escaped = string(buf, at + 1, end)
                    if close < 0 or escaped:
                        break
                    column = _seek(buf, at + 1, close, fold, dots, keys, key_bounds, table)
                    if column == -2:
                        break
                    at = blanks(buf, close + 1, end)
                    if at >= end or byte_at(buf, at) != 58:
                        break
                    at = blanks(buf, at + 1, end)
                    seen[before], counts[before], found[before] = first, at - first, column
                    if column >= 0:
                        following[before] = column
                    elif following[before] <= columns:
                        following[before] = columns + 1 + others
                        others = (others + 1) % _OTHERS
                    before = following[before]
                if at >= end:
                    break
                if column < 0:
                    at = passed(buf, at, end)
                else:
                    at, state, cell = _value(buf, at, end, kinds[column], lows[column], highs[column], lenient, scale)
                    valid[column, row] = state
                    cells[column, row] = cell
                if at < 0:
                    break
                at = blanks(buf, at, end)
                if at >= end:
                    break
                byte = byte_at(buf, at)
                if byte == 125:
                    at += 1
                    good = True
                    break
                if byte != 44:
                    break
                at = blanks(buf, at + 1, end)
            row += 1
        if good:
            rows[record] = row - first_row
        else:
            valid[:, first_row:row] = 0
            row = first_row
            refused[record] = True
    return len(bounds) - 1, row


@compiled
def measured(cells, valid):
    """How many bytes all slices of a column have."""
    total = np.int64(0)
    for row in range(len(valid)):
        if valid[row] != NULL:
            total += cells[row] & 0x7FFFFFFF
    return total


@compiled
def gathered(buf, safe, cells, valid, out, offsets):
    """Write the slices of one column one after the other, escapes resolved; how many bytes that makes.

    buf, out: addresses; eight more bytes can be read behind offset `safe` of buf, and written behind all slices in out.
    offsets (r + 1,) int32: where each begins in out.
    """
    place = np.int64(0)
    for row in range(len(valid)):
        offsets[row] = place
        at, count = cells[row] >> 32, cells[row] & 0x7FFFFFFF
        if valid[row] == PLAIN:
            if at + count > safe:
                for step in range(count):
                    put(out, place + step, byte_at(buf, at + step))
            else:
                step = np.int64(0)
                while step < count:
                    store8(out, place + step, word8(buf, at + step))
                    step += 8
            place += count
        elif valid[row] == ESCAPED:
            place = _unescaped(buf, at, at + count, out, place)
    offsets[len(valid)] = place
    return place


@inner
def _unescaped(buf, at, end, out, place):
    while at < end:
        byte = byte_at(buf, at)
        if byte != 92:
            put(out, place, byte)
            place += 1
            at += 1
            continue
        byte = byte_at(buf, at + 1)
        at += 2
        if byte != 117:
            if byte == 98:
                byte = 8
            elif byte == 102:
                byte = 12
            elif byte == 110:
                byte = 10
            elif byte == 114:
                byte = 13
            elif byte == 116:
                byte = 9
            put(out, place, byte)
            place += 1
            continue
        code = four_hex(buf, at, end)
        at += 4
        if 0xD800 <= code < 0xDC00:
            code = 0x10000 + ((code - 0xD800) << 10) + four_hex(buf, at + 2, end) - 0xDC00
            at += 6
        if code < 0x80:
            put(out, place, code)
            place += 1
        elif code < 0x800:
            put(out, place, 0xC0 | (code >> 6))
            put(out, place + 1, 0x80 | (code & 63))
            place += 2
        elif code < 0x10000:
            put(out, place, 0xE0 | (code >> 12))
            put(out, place + 1, 0x80 | ((code >> 6) & 63))
            put(out, place + 2, 0x80 | (code & 63))
            place += 3
        else:
            put(out, place, 0xF0 | (code >> 18))
            put(out, place + 1, 0x80 | ((code >> 12) & 63))
            put(out, place + 2, 0x80 | ((code >> 6) & 63))
            put(out, place + 3, 0x80 | (code & 63))
            place += 4
    return place
