"""Numbers and bytes as PostgreSQL writes them."""

import decimal
import struct

import pyarrow as pa
import pyarrow.compute as pc

_BASE = 10_000
_POSITIVE, _NEGATIVE, _NAN = 0x0000, 0x4000, 0xC000


def floats(column: pa.Array, digits: int) -> pa.Array:
    """With so many significant digits.

    >>> floats(pa.array([0.1, 1e20, None, float("inf")]), 15).to_pylist()
    ['0.1', '1e+20', None, 'Infinity']
    """
    form = f"%.{digits}g"
    names = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
    texts = [None if value is None else form % value for value in column.to_pylist()]
    return pa.array([names.get(text, text) if text is not None else None for text in texts], pa.string())


def decimals(column: pa.Array) -> pa.Array:
    """Without an exponent."""
    if pa.types.is_integer(column.type):
        return pc.cast(column, pa.string())
    texts = pc.cast(column, pa.string())
    if pc.any(pc.match_substring(texts, "E")).as_py():
        plain = [None if text is None else format(decimal.Decimal(text), "f") for text in texts.to_pylist()]
        return pa.array(plain, pa.string())
    return texts


def hexadecimal(column: pa.Array) -> pa.Array:
    """Bytes as texts."""
    return pa.array([None if value is None else value.hex() for value in column.to_pylist()], pa.string())


def packed(text: str) -> bytes:
    """A NUMERIC in binary: digits of base 10,000, their weight, sign, and digits behind the point.

    >>> packed("-12345.678").hex()
    '0003000140000003000109291a7c'
    """
    value = decimal.Decimal(text)
    if value.is_nan():
        return struct.pack(">HhHH", 0, 0, _NAN, 0)
    whole, _, part = format(abs(value), "f").partition(".")
    whole = whole.lstrip("0")
    whole = whole.rjust(-(-len(whole) // 4) * 4, "0")
    padded = part.ljust(-(-len(part) // 4) * 4, "0")
    digits = [int((whole + padded)[at : at + 4]) for at in range(0, len(whole) + len(padded), 4)]
    weight = len(whole) // 4 - 1
    while digits and digits[0] == 0:
        digits, weight = digits[1:], weight - 1
    while digits and digits[-1] == 0:
        digits.pop()
    sign = _NEGATIVE if value < 0 else _POSITIVE
    weight = weight if digits else 0
    return struct.pack(f">HhHH{len(digits)}H", len(digits), weight, sign, len(part), *digits)


def unpacked(data: bytes) -> str:
    """The text of a NUMERIC in binary. Raises struct.error.

    >>> unpacked(packed("-12345.678"))
    '-12345.678'
    """
    count, weight, sign, scale = struct.unpack_from(">HhHH", data)
    if sign == _NAN:
        return "NaN"
    with decimal.localcontext(decimal.Context(prec=1000)):
        value = decimal.Decimal(0)
        for place, digit in enumerate(struct.unpack_from(f">{count}H", data, 8)):
            value += decimal.Decimal(digit).scaleb(4 * (weight - place))
        value = -value if sign == _NEGATIVE else value
        return format(value.quantize(decimal.Decimal(1).scaleb(-scale)), "f")
