"""Keys whose order as text is the order of values.

    item            <table>/<digest of the hash value><range value>
    index entry     <index>/<digest of the hash value><range value><digest><range value>     the last two of the item

A digest has 32 hexadecimal digits. It spreads items evenly, so a part of all digests is a part of the table. A range
value is a text whose order by UTF-8 bytes is the order of the values; it ends with END, which sorts below everything
that may follow in a longer value. Of two characters that would confuse this, U+0000 and U+0001, each is written as two.
"""

import dataclasses
import decimal
import hashlib

from lakemill.engines.tables.values import Value, type_of
from lakemill.ports.metadata import prefix_end

END = "\x01\x01"
BEYOND = "\x01\x02"
"""In place of END: the first text after everything that ends there."""
DIGEST_CHARACTERS = 32
_ESCAPES = str.maketrans({"\x00": "\x01\x02", "\x01": "\x01\x03"})
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def digest(value: Value) -> str:
    """Where a hash value stands."""
    kind = type_of(value)
    content = value[kind]
    data = content if isinstance(content, bytes) else content.encode()
    return hashlib.blake2b(kind.encode() + data, digest_size=DIGEST_CHARACTERS // 2).hexdigest()


def ordered(value: Value) -> str:
    """A text, without END, in the order of values of this type.

    >>> ordered({"N": "-12"}) < ordered({"N": "-3"}) < ordered({"N": "0.5"}) < ordered({"N": "70"})
    True
    """
    kind = type_of(value)
    if kind == "S":
        return value["S"].translate(_ESCAPES)
    if kind == "B":
        return value["B"].hex()
    return _ordered_number(decimal.Decimal(value["N"]))


def _ordered_number(value: decimal.Decimal) -> str:
    """Sign, exponent, digits; of a negative number exponent and digits are complemented, and a tilde makes a number of
    fewer digits follow one of more."""
    if not value:
        return "1"
    digits = "".join(map(str, value.as_tuple().digits)).lstrip("0").rstrip("0")
    exponent = f"{value.adjusted() + 500:03d}"
    if value > 0:
        return f"2{exponent}{digits}"
    return f"0{(exponent + digits).translate(_COMPLEMENT)}~"


def place(hash_value: Value, range_value: Value | None) -> str:
    """Of an item within its table, or an entry within its index."""
    return digest(hash_value) + (ordered(range_value) if range_value is not None else "") + END


@dataclasses.dataclass(frozen=True)
class Span:
    """Keys from start up to, not including, stop (None: no end)."""

    start: str
    stop: str | None

    def after(self, key: str) -> "Span":
        """Its rest behind a key."""
        return Span(max(self.start, key[: -len(END)] + BEYOND), self.stop)

    def before(self, key: str) -> "Span":
        """Its rest in front of a key."""
        return Span(self.start, key if self.stop is None else min(self.stop, key))


def whole(prefix: str) -> Span:
    """All keys of a table or an index."""
    return Span(prefix, prefix_end(prefix))


def segment(prefix: str, number: int, total: int) -> Span:
    """The number-th of total parts of it, from 0."""
    everything = whole(prefix)
    step = DIGEST_CHARACTERS // 4
    edges = [f"{prefix}{(1 << 4 * step) * at // total:0{step}x}" for at in (number, number + 1)]
    return Span(edges[0], everything.stop if number + 1 == total else edges[1])


def comparison(prefix: str, operator: str, values: list[Value]) -> Span:
    """Keys below prefix (which ends in a digest) whose range value is so compared.

    operator: "=", "<", "<=", ">", ">=", "between" (two values, both included) or "begins_with".
    """
    everything = whole(prefix)
    at = prefix + ordered(values[0])
    if operator == "begins_with":
        return Span(at, prefix_end(at))
    if operator == "between":
        return Span(at + END, prefix + ordered(values[1]) + BEYOND)
    start = {">": at + BEYOND, ">=": at + END, "=": at + END}.get(operator, prefix)
    stop = {"<": at + END, "<=": at + BEYOND, "=": at + BEYOND}.get(operator, everything.stop)
    return Span(start, stop)
