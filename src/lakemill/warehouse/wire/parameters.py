"""Parameters as clients send them: in text, or in binary by their type; the compiler gets texts."""

import datetime
import struct
from collections.abc import Callable

from lakemill.lakesql.dialects.redshift import names as types
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type
from lakemill.warehouse.wire import numbers
from lakemill.warehouse.wire.messages import decoded

_DAY = datetime.date(2000, 1, 1)
_MOMENT = datetime.datetime(2000, 1, 1)


def _number(form: str) -> Callable[[bytes], str]:
    return lambda data: repr(struct.unpack(form, data)[0])


def _boolean(data: bytes) -> str:
    return "true" if struct.unpack(">?", data)[0] else "false"


def _date(data: bytes) -> str:
    return (_DAY + datetime.timedelta(struct.unpack(">i", data)[0])).isoformat()


def _timestamp(data: bytes) -> str:
    return (_MOMENT + datetime.timedelta(microseconds=struct.unpack(">q", data)[0])).isoformat(sep=" ")


def _time(data: bytes) -> str:
    return (_MOMENT + datetime.timedelta(microseconds=struct.unpack(">q", data)[0])).time().isoformat()


def _time_with_zone(data: bytes) -> str:
    us, west_s = struct.unpack(">qi", data)
    zone = datetime.timezone(datetime.timedelta(seconds=-west_s))
    return (_MOMENT + datetime.timedelta(microseconds=us)).time().replace(tzinfo=zone).isoformat()


def _interval(data: bytes) -> str:
    us, days, months = struct.unpack(">qii", data)
    return f"{months} mons {days} days {us / 1_000_000:.6f} secs"


_BINARY: dict[str, Callable[[bytes], str]] = {
    "boolean": _boolean,
    "smallint": _number(">h"),
    "integer": _number(">i"),
    "bigint": _number(">q"),
    "real": _number(">f"),
    "double": _number(">d"),
    "decimal": numbers.unpacked,
    "date": _date,
    "timestamp": _timestamp,
    "timestamptz": lambda data: _timestamp(data) + "+00",
    "time": _time,
    "timetz": _time_with_zone,
    "interval": _interval,
    "varbyte": bytes.hex,
}
_OID = 26


def of_wire(data: bytes | None, binary: bool, kind: Type | None, number: int) -> str | None:
    """A parameter as text. Raises SqlFailed: 08P01, 22P03, 22021."""
    if data is None:
        return None
    if not binary:
        return _text(data)
    if kind is None:
        raise SqlFailed("22P03", f"parameter ${number} is in binary format, and of a type that is not known")
    reader = _BINARY.get(kind.name)
    if reader is None:
        return _text(data)
    try:
        return reader(data)
    except (struct.error, ValueError, OverflowError):
        raise SqlFailed("22P03", f"incorrect binary data format in bind parameter {number}") from None


def _text(data: bytes) -> str:
    if b"\0" in data:
        raise SqlFailed("22021", 'invalid byte sequence for encoding "UTF8": 0x00')
    return decoded(data)


def of_oid(number: int) -> Type | None:
    """The type that a client tells for a parameter; None where it leaves that open."""
    return Type("bigint") if number == _OID else types.of_oid(number)
