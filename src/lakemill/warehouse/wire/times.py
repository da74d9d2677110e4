"""Dates, times and intervals as PostgreSQL writes them."""

import struct
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def timestamps(column: pa.Array) -> pa.Array:
    """2020-01-31 10:00:00.5

    >>> timestamps(pa.array([1_580_464_800_500_000], pa.timestamp("us"))).to_pylist()
    ['2020-01-31 10:00:00.5']
    """
    return _short(pc.cast(pc.cast(column, pa.timestamp("us")), pa.string()))


def moments(column: pa.Array, zone: str) -> pa.Array:
    """2020-01-31 10:00:00+00, in a zone."""
    utc = pc.cast(pc.cast(column, pa.timestamp("us", "UTC")), pa.timestamp("us"))
    if zone == "UTC":
        return pc.binary_join_element_wise(timestamps(utc), "+00", "")
    filled = pc.fill_null(pc.cast(utc, pa.int64()), 0).to_numpy()
    hours, places = np.unique(filled // 900_000_000, return_inverse=True)
    offsets_s = np.array([_offset_s(int(hour) * 900, zone) for hour in hours])[places]
    local = pa.array(filled + offsets_s * 1_000_000, pa.timestamp("us"))
    names = {offset: _offset(int(offset)) for offset in np.unique(offsets_s)}
    suffix = pa.array([names[offset] for offset in offsets_s], pa.string())
    texts = pc.binary_join_element_wise(timestamps(local), suffix, "")
    return pc.if_else(utc.is_valid(), texts, pa.scalar(None, pa.string()))


def _offset_s(moment_s: int, zone: str) -> int:
    import datetime

    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=moment_s)
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _offset(seconds: int) -> str:
    """
    >>> _offset(19800), _offset(-18000)
    ('+05:30', '-05')
    """
    sign, seconds = ("-" if seconds < 0 else "+"), abs(seconds)
    hours, rest = divmod(seconds, 3600)
    return f"{sign}{hours:02}" + (f":{rest // 60:02}" if rest else "")


def times(column: pa.Array) -> pa.Array:
    """10:00:00.5"""
    if pa.types.is_string(column.type):
        return column
    return _short(pc.cast(pc.cast(column, pa.time64("us")), pa.string()))


def times_with_zone(column: pa.Array) -> pa.Array:
    """10:00:00+00"""
    if pa.types.is_string(column.type):
        return column
    return pc.binary_join_element_wise(times(column), "+00", "")


def packed_times(column: pa.Array) -> pa.Array:
    """TIMETZ in binary: microseconds, and seconds west of Greenwich."""
    return pa.array(
        [None if one is None else _packed_time(one) for one in times_with_zone(column).to_pylist()], pa.binary()
    )


def _packed_time(text: str) -> bytes:
    import datetime

    value = datetime.time.fromisoformat(text)
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    offset = value.utcoffset()
    return struct.pack(">qi", seconds * 1_000_000 + value.microsecond, -int(offset.total_seconds()) if offset else 0)


def _parts(value: "pa.MonthDayNano | object") -> tuple[int, int, int]:
    months, days, nanoseconds = value  # type: ignore[misc]
    return months, days, nanoseconds // 1000


def intervals(column: pa.Array) -> pa.Array:
    """1 year 2 mons 3 days 04:05:06"""
    if pa.types.is_string(column.type):
        return column
    return pa.array([None if one is None else interval(*_parts(one)) for one in column.to_pylist()], pa.string())


def interval(months: int, days: int, microseconds: int) -> str:
    """
    >>> interval(14, 3, 14_706_500_000), interval(0, 0, 0)
    ('1 year 2 mons 3 days 04:05:06.5', '00:00:00')
    """
    years, months = int(months / 12), months - 12 * int(months / 12)
    words = [(years, "year"), (months, "mon"), (days, "day")]
    found = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in words if count]
    if microseconds or not found:
        sign, microseconds = ("-" if microseconds < 0 else ""), abs(microseconds)
        seconds, part = divmod(microseconds, 1_000_000)
        text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        found.append(text + (f".{part:06}".rstrip("0") if part else ""))
    return " ".join(found)


def packed_intervals(column: pa.Array) -> pa.Array:
    """In binary: microseconds, days, months."""
    values = [None if one is None else _parts(one) for one in column.to_pylist()]
    return pa.array([None if v is None else struct.pack(">qii", v[2], v[1], v[0]) for v in values], pa.binary())


def _short(texts: pa.Array) -> pa.Array:
    """Without zeros at the end of a fraction."""
    whole = pc.replace_substring_regex(texts, r"\.0+$", "")
    return pc.replace_substring_regex(whole, r"(\.\d*[1-9])0+$", r"\1")
