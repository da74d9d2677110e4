"""JSON read byte by byte, compiled: strings, numbers, words, whole values, dates and times. The grammar is RFC 8259.

Every function takes the address of a buffer, a place in it and its end, and gives the place behind what it read, or -1.
"""

# numba infers the types here.
# mypy: ignore-errors

import numpy as np

from lakemill.formats.bytes_kernel import byte_at, word8, zeros_below
from lakemill.formats.jit import inner

_DEPTH_MAX = 60
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_QUOTES = np.uint64(0x2222222222222222)
_SLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)
_SPACES = np.uint64(0x2020202020202020)
_ZEROS = np.uint64(0x3030303030303030)
_TO_HIGH = np.uint64(0x7676767676767676)  # A digit plus this stays below 128, whatever is more does not.
_PAIRS = np.uint64(0x000000FF000000FF)
_MILLIONS = np.uint64(0x000F424000000064)
_HUNDREDS = np.uint64(0x0000271000000001)


@inner
def blanks(buf, at, end):
    """Where the blanks from `at` on end."""
    while at < end and (
        byte_at(buf, at) == 32 or byte_at(buf, at) == 10 or byte_at(buf, at) == 13 or byte_at(buf, at) == 9
    ):
        at += 1
    return at


@inner
def string(buf, at, end):
    """The place of the closing quote of the string whose first character is at `at`, and whether it has escapes.

    -1 when it is none, or has an escape of half a character.
    """
    escaped = False
    while at < end:
        if at + 8 <= end:
            eight = word8(buf, at)
            quote, slash = eight ^ _QUOTES, eight ^ _SLASHES
            # The lowest bit that is set marks a quote, a backslash or a control character ("Bit Twiddling Hacks").
            marks = (((quote - _ONES) & ~quote) | ((slash - _ONES) & ~slash) | ((eight - _SPACES) & ~eight)) & _HIGHS
            if marks == 0:
                at += 8
                continue
            at += zeros_below(marks) >> 3
        byte = byte_at(buf, at)
        if byte == 34:
            return at, escaped
        if byte < 32:
            return -1, escaped
        if byte == 92:
            escaped = True
            at += 1
            if at >= end:
                return -1, escaped
            byte = byte_at(buf, at)
            if byte == 117:
                code = four_hex(buf, at + 1, end)
                if code < 0 or 0xDC00 <= code < 0xE000:
                    return -1, escaped
                at += 4
                if 0xD800 <= code < 0xDC00:
                    if at + 2 >= end or byte_at(buf, at + 1) != 92 or byte_at(buf, at + 2) != 117:
                        return -1, escaped
                    low = four_hex(buf, at + 3, end)
                    if low < 0xDC00 or low >= 0xE000:
                        return -1, escaped
                    at += 6
            elif not (byte == 34 or byte == 92 or byte == 47 or byte == 98 or byte == 102 or byte == 110
                      or byte == 114 or byte == 116):  # fmt: skip
                return -1, escaped
        at += 1
    return -1, escaped


@inner
def four_hex(buf, at, end):
    """The number of four hexadecimal digits, or -1."""
    if at + 4 > end:
        return -1
    code = 0
    for place in range(at, at + 4):
        byte = byte_at(buf, place)
        if 48 <= byte <= 57:
            code = code * 16 + byte - 48
        elif 97 <= (byte | 32) <= 102:
            code = code * 16 + (byte | 32) - 87
        else:
            return -1
    return code


@inner
def _eight_digits(digits):
    """The number of eight digits, each in a byte. All at once: "Faster Integer Parsing" (I. Nikitenko, 2020)."""
    digits = digits * np.uint64(10) + (digits >> np.uint64(8))
    odd, even = (digits & _PAIRS) * _MILLIONS, ((digits >> np.uint64(16)) & _PAIRS) * _HUNDREDS
    return np.int64((odd + even) >> np.uint64(32))


@inner
def number(buf, at, end):
    """A number of JSON: where it ends (-1: none), its first 18 digits, the power of ten, whether it is negative.

    And whether it has neither point nor exponent, and whether those digits are all of it.
    """
    negative = byte_at(buf, at) == 45
    if negative:
        at += 1
    mantissa, digits, exponent, whole, exact = np.int64(0), 0, 0, True, True
    first = at
    while at < end and 48 <= byte_at(buf, at) <= 57:
        if digits < 18:
            mantissa = mantissa * 10 + (byte_at(buf, at) - 48)
            if mantissa > 0:
                digits += 1
        else:
            exact = False
        at += 1
    if at == first or (byte_at(buf, first) == 48 and at > first + 1):
        return -1, mantissa, exponent, negative, whole, exact
    if at < end and byte_at(buf, at) == 46:
        whole = False
        at += 1
        first = at
        while digits <= 10 and at + 8 <= end:
            eight = word8(buf, at) ^ _ZEROS
            if ((eight + _TO_HIGH) | eight) & _HIGHS != 0:
                break
            mantissa = mantissa * 100_000_000 + _eight_digits(eight)
            if mantissa > 0:
                digits += 8
            exponent -= 8
            at += 8
        while at < end and 48 <= byte_at(buf, at) <= 57:
            if digits < 18:
                mantissa = mantissa * 10 + (byte_at(buf, at) - 48)
                if mantissa > 0:
                    digits += 1
                exponent -= 1
            else:
                exact = False
            at += 1
        if at == first:
            return -1, mantissa, exponent, negative, whole, exact
    if at < end and (byte_at(buf, at) == 101 or byte_at(buf, at) == 69):
        whole = False
        at += 1
        down = False
        if at < end and (byte_at(buf, at) == 45 or byte_at(buf, at) == 43):
            down = byte_at(buf, at) == 45
            at += 1
        first, power = at, 0
        while at < end and 48 <= byte_at(buf, at) <= 57:
            power = min(power * 10 + (byte_at(buf, at) - 48), 100_000)
            at += 1
        if at == first:
            return -1, mantissa, exponent, negative, whole, exact
        exponent += -power if down else power
    return at, mantissa, exponent, negative, whole, exact


@inner
def word(buf, at, end):
    """Where true, false or null ends; -1 when it is none of them."""
    if at + 4 <= end:
        a, b, c, d = byte_at(buf, at), byte_at(buf, at + 1), byte_at(buf, at + 2), byte_at(buf, at + 3)
        if a == 110 and b == 117 and c == 108 and d == 108:
            return at + 4
        if a == 116 and b == 114 and c == 117 and d == 101:
            return at + 4
        if at + 5 <= end and a == 102 and b == 97 and c == 108 and d == 115 and byte_at(buf, at + 4) == 101:
            return at + 5
    return -1


@inner
def passed(buf, at, end):
    """Where the value that begins at `at` ends; -1 when it is none, or nested more than 60 deep."""
    objects = np.uint64(0)  # A bit for each open bracket: 1 is an object.
    depth = 0
    while True:
        at = blanks(buf, at, end)
        if at >= end:
            return -1
        byte = byte_at(buf, at)
        if byte == 123 or byte == 91:
            if depth == _DEPTH_MAX:
                return -1
            inside = blanks(buf, at + 1, end)
            if inside >= end:
                return -1
            if byte_at(buf, inside) == byte + 2:
                at = inside + 1
            else:
                objects = (objects << np.uint64(1)) | np.uint64(byte == 123)
                depth += 1
                at = inside
                if byte == 123:
                    at = _colon(buf, at, end)
                    if at < 0:
                        return -1
                continue
        elif byte == 34:
            at, _ = string(buf, at + 1, end)
            if at < 0:
                return -1
            at += 1
        elif byte == 45 or 48 <= byte <= 57:
            at, _, _, _, _, _ = number(buf, at, end)
            if at < 0:
                return -1
        else:
            at = word(buf, at, end)
            if at < 0:
                return -1
        # A value has ended: close what ends with it.
        while depth:
            at = blanks(buf, at, end)
            if at >= end:
                return -1
            here = objects & np.uint64(1)
            if byte_at(buf, at) == 44:
                at += 1
                if here:
                    at = _colon(buf, blanks(buf, at, end), end)
                    if at < 0:
                        return -1
                break
            if byte_at(buf, at) != (125 if here else 93):
                return -1
            at += 1
            objects >>= np.uint64(1)
            depth -= 1
        if not depth:
            return at


@inner
def _colon(buf, at, end):
    """Past the key at `at` and its colon; -1 when there is none."""
    if at >= end or byte_at(buf, at) != 34:
        return -1
    at, _ = string(buf, at + 1, end)
    if at < 0:
        return -1
    at = blanks(buf, at + 1, end)
    if at >= end or byte_at(buf, at) != 58:
        return -1
    return at + 1


@inner
def _digits(buf, at, end, most):
    """The number of at most so many decimal digits and where it ends."""
    value, first = 0, at
    while at < end and at - first < most and 48 <= byte_at(buf, at) <= 57:
        value = value * 10 + byte_at(buf, at) - 48
        at += 1
    return value, at


@inner
def date(buf, at, end):
    """Days since 1970 of yyyy-[m]m-[d]d and where it ends; -1 when it is none."""
    year, place = _digits(buf, at, end, 4)
    if place - at < 4 or place >= end or byte_at(buf, place) != 45:
        return 0, -1
    month, after = _digits(buf, place + 1, end, 2)
    if after == place + 1 or after >= end or byte_at(buf, after) != 45 or month < 1 or month > 12 or year < 1:
        return 0, -1
    day, place = _digits(buf, after + 1, end, 2)
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if place == after + 1 or day < 1 or day > _DAYS[month - 1] + leap:
        return 0, -1
    # Counted from March on, as in "chrono-Compatible Low-Level Date Algorithms" (H. Hinnant).
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468, place


@inner
def moment(buf, at, end, iso):
    """Seconds since 1970 and nanoseconds of `yyyy-[m]m-[d]d HH:mm:ss[.f]`; whether it is one.

    iso: T may stand for the blank, and Z or an offset may follow.
    """
    days, at = date(buf, at, end)
    if at < 0 or at + 9 > end or not (byte_at(buf, at) == 32 or (iso and byte_at(buf, at) == 84)):
        return 0, 0, False
    hour, place = _digits(buf, at + 1, end, 2)
    if place != at + 3 or byte_at(buf, place) != 58 or hour > 23:
        return 0, 0, False
    minute, place = _digits(buf, place + 1, end, 2)
    if place != at + 6 or byte_at(buf, place) != 58 or minute > 59:
        return 0, 0, False
    second, place = _digits(buf, place + 1, end, 2)
    if place != at + 9 or second > 59:
        return 0, 0, False
    nanos = 0
    if place < end and byte_at(buf, place) == 46:
        nanos, after = _digits(buf, place + 1, end, 9)
        count = after - place - 1
        if count == 0:
            return 0, 0, False
        for _ in range(9 - count):
            nanos *= 10
        place = after
    seconds = days * 86400 + hour * 3600 + minute * 60 + second
    if place < end and iso:
        if byte_at(buf, place) == 90:
            place += 1
        elif byte_at(buf, place) == 43 or byte_at(buf, place) == 45:
            sign = 1 if byte_at(buf, place) == 43 else -1
            hour, after = _digits(buf, place + 1, end, 2)
            if after != place + 3 or hour > 18:
                return 0, 0, False
            if after < end and byte_at(buf, after) == 58:
                after += 1
            minute, place = _digits(buf, after, end, 2)
            if place != after + 2 or minute > 59:
                return 0, 0, False
            seconds -= sign * (hour * 3600 + minute * 60)
    return seconds, nanos, place == end


@inner
def short(buf, at):
    """The whole number of at most seven digits at `at` and where it ends, -1 when it is longer or no such number.

    Eight bytes can be read behind `at`.
    """
    negative = byte_at(buf, at) == 45
    at += negative
    digits = word8(buf, at) ^ _ZEROS
    others = ((digits + _TO_HIGH) | digits) & _HIGHS
    if others == 0:
        return 0, -1
    count = zeros_below(others) >> 3
    following = byte_at(buf, at + count)
    if count == 0 or following == 46 or following | 32 == 101 or (count > 1 and digits & np.uint64(255) == 0):
        return 0, -1
    value = _eight_digits(digits << np.uint64(64 - 8 * count))
    return -value if negative else value, at + count
