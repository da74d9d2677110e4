"""LibSVM lines, compiled. A line with anything unusual is left to libsvm.py, which also words the errors."""

# numba infers the types here.
# mypy: ignore-errors

import numpy as np

from lakemill.formats.jit import compiled

_POWERS = np.array([float(f"1e{exponent}") for exponent in range(309)])
_DIGITS_MAX = 19  # So many decimal digits always fit 64 bits.


@compiled
def _is_blank(byte):
    return byte == 32 or byte == 9 or byte == 13


@compiled
def _scaled(mantissa, exponent):
    value = np.float64(mantissa)
    if exponent >= 0:
        return value * _POWERS[min(exponent, 308)]
    if exponent >= -308:
        return value / _POWERS[-exponent]
    return value / _POWERS[308] / _POWERS[min(-exponent - 308, 308)]


@compiled
def _number(buf, at, end):
    """The decimal number at `at` and where it ends; -1 when there is none of the usual form."""
    negative = False
    if at < end and (buf[at] == 45 or buf[at] == 43):
        negative = buf[at] == 45
        at += 1
    mantissa, digits, exponent, seen = np.uint64(0), 0, 0, False
    point = False
    while at < end:
        byte = np.int64(buf[at])
        if byte == 46 and not point:
            point = True
        elif 48 <= byte <= 57:
            seen = True
            if digits < _DIGITS_MAX:
                mantissa = mantissa * np.uint64(10) + np.uint64(byte - 48)
                if mantissa > np.uint64(0):
                    digits += 1
                exponent -= point
            else:
                exponent += not point
        else:
            break
        at += 1
    if not seen:
        return 0.0, -1
    if at < end and (buf[at] | 32) == 101:
        at += 1
        down = False
        if at < end and (buf[at] == 45 or buf[at] == 43):
            down = buf[at] == 45
            at += 1
        power, first = 0, at
        while at < end and 48 <= buf[at] <= 57 and power < 100000:
            power = power * 10 + np.int64(buf[at]) - 48
            at += 1
        if at == first or (at < end and 48 <= buf[at] <= 57):
            return 0.0, -1
        exponent += -power if down else power
    value = _scaled(mantissa, exponent)
    return (-value if negative else value), at


@compiled
def _index(buf, at, end):
    """The whole number before a colon and where the text behind the colon starts; -1 when there is none."""
    value, first = 0, at
    while at < end and 48 <= buf[at] <= 57 and at - first < 10:
        value = value * 10 + np.int64(buf[at]) - 48
        at += 1
    if at == first or at >= end or buf[at] != 58 or value > (1 << 31) - 2:
        return 0, -1
    return value, at + 1


@compiled
def _line_end(buf, at):
    while at < len(buf) and buf[at] != 10:
        at += 1
    return at


@compiled
def parse(buf, at, labels_required, row, filled, values, indices, starts, labels, labelled, weights, groups):
    """Parse lines from `at` on into the arrays, from `row` and `filled` on.

    Returns where it stopped, rows and numbers so far, whether the indices of every line read here rise strictly, and
    whether it stopped at a line it leaves to the caller (nothing of that line counts).
    """
    end, ordered = len(buf), True
    while at < end:
        byte = buf[at]
        if byte == 10 or _is_blank(byte):
            at += 1
            continue
        if byte == 35:
            at = _line_end(buf, at)
            continue
        start, first = at, filled
        label, has_label, weight, group = 0.0, True, np.nan, np.int64(-1)
        value, after = _number(buf, at, end)
        if after < 0:
            return start, row, first, ordered, True
        if after == end or buf[after] == 10 or _is_blank(buf[after]):
            label, at = value, after
        elif buf[after] != 58:
            return start, row, first, ordered, True
        elif labels_required:
            label = value
            weight, at = _number(buf, after + 1, end)
            if at < 0 or not (at == end or buf[at] == 10 or _is_blank(buf[at])):
                return start, row, first, ordered, True
        else:
            has_label = False
        before = np.int64(-1)
        while True:
            while at < end and _is_blank(buf[at]):
                at += 1
            if at == end or buf[at] == 10:
                break
            if buf[at] == 35:
                at = _line_end(buf, at)
                break
            is_group = buf[at] == 113
            if is_group:
                if at + 4 > end or buf[at + 1] != 105 or buf[at + 2] != 100 or filled > first:
                    return start, row, first, ordered, True
                at += 4
                value, first_digit = np.float64(0), at
                while at < end and 48 <= buf[at] <= 57:
                    value = value * 10 + np.float64(np.int64(buf[at]) - 48)
                    at += 1
                if buf[first_digit - 1] != 58 or at == first_digit or at - first_digit > 15:
                    return start, row, first, ordered, True
                group = np.int64(value)
            else:
                index, at = _index(buf, at, end)
                if at < 0:
                    return start, row, first, ordered, True
                value, at = _number(buf, at, end)
                if at < 0:
                    return start, row, first, ordered, True
                ordered &= index > before
                before = index
                values[filled] = np.float32(value)
                indices[filled] = np.int32(index)
                filled += 1
            if at < end and buf[at] != 10 and not _is_blank(buf[at]):
                return start, row, first, ordered, True
        labels[row] = np.float32(label)
        labelled[row] = has_label
        weights[row] = np.float32(weight)
        groups[row] = group
        row += 1
        starts[row] = filled
    return at, row, filled, ordered, False
