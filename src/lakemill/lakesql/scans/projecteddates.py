"""The values of a projected key of type `date`."""

import calendar
import datetime
import re
from collections.abc import Mapping

from lakemill.formats import moments

_RELATIVE = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?", re.I)
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_WRITTEN = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "yy": "%y",
    "MM": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "DDD": "%j",
    "EEE": "%a",
}
_BARE = {"M": "month", "d": "day", "H": "hour", "m": "minute", "s": "second", "y": "year", "u": "year"}
_UNITS = ("YEARS", "MONTHS", "WEEKS", "DAYS", "HOURS", "MINUTES", "SECONDS")
_PRECISIONS = (("s", "SECONDS"), ("m", "MINUTES"), ("H", "HOURS"), ("dD", "DAYS"), ("M", "MONTHS"), ("yu", "YEARS"))
_COUNT_MAX = 1_000_000


def values(options: Mapping[str, str], now: datetime.datetime | None = None) -> list[str]:
    """All values, from the options `range`, `format`, `interval` and `interval.unit`. Raises ValueError.

    now: in UTC, without a zone.

    >>> values({"range": "2024/01/30,2024/02/01", "format": "yyyy/MM/dd"})
    ['2024/01/30', '2024/01/31', '2024/02/01']
    """
    for name in ("range", "format"):
        if not options.get(name):
            raise ValueError(f"{name} is missing")
    pattern = options["format"]
    now = now or datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    ends = options["range"].split(",")
    if len(ends) != 2:
        raise ValueError(f"range must have a beginning and an end; got {options['range']!r}")
    precision = next((unit for letters, unit in _PRECISIONS if any(one in _letters(pattern) for one in letters)), "")
    first, last = (_moment(end.strip(), pattern, now, precision) for end in ends)
    if first > last:
        raise ValueError(f"the end of range must not be before its beginning; got {options['range']!r}")
    return _counted(first, last, pattern, *_interval(options, precision))


def _interval(options: Mapping[str, str], precision: str) -> tuple[int, str]:
    text, unit = options.get("interval", "1"), options.get("interval.unit", "").upper()
    if not text.isdecimal() or not int(text):
        raise ValueError(f"interval must be a whole number from 1; got {text!r}")
    if not unit:
        if precision not in ("DAYS", "MONTHS"):
            raise ValueError("interval.unit is needed where the format is not precise to a day or a month")
        unit = precision
    unit = unit if unit.endswith("S") else f"{unit}S"
    if unit not in _UNITS:
        raise ValueError(f"interval.unit must be one of {', '.join(_UNITS)}; got {options['interval.unit']!r}")
    return int(text), unit


def _counted(first: datetime.datetime, last: datetime.datetime, pattern: str, step: int, unit: str) -> list[str]:
    found: dict[str, None] = {}
    moment, count = first, 0
    while moment <= last:
        found[_written(moment, pattern)] = None
        count += 1
        if count > _COUNT_MAX:
            raise ValueError(f"range has more than {_COUNT_MAX} values")
        moment = _later(first, count * step, unit)
    return list(found)


def _moment(text: str, pattern: str, now: datetime.datetime, precision: str) -> datetime.datetime:
    match = _RELATIVE.fullmatch(text)
    if match is None:
        nanoseconds = moments.joda(pattern)(text)
        if nanoseconds is None:
            raise ValueError(f"{text!r} in range is not of the form {pattern!r}")
        return datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=nanoseconds // 1000)
    if match[2]:
        now = _later(now, int(match[1] + match[2]), f"{match[3].upper()}S")
    return _floor(now, precision)


def _floor(moment: datetime.datetime, precision: str) -> datetime.datetime:
    parts = {"SECONDS": 6, "MINUTES": 5, "HOURS": 4, "DAYS": 3, "MONTHS": 2, "YEARS": 1}.get(precision, 6)
    fields = [*moment.timetuple()[:parts], *(1, 1, 1)[parts:]]
    return datetime.datetime(*fields)  # type: ignore[arg-type]


def _later(moment: datetime.datetime, count: int, unit: str) -> datetime.datetime:
    if unit not in ("YEARS", "MONTHS"):
        return moment + datetime.timedelta(**{unit.lower(): count})
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "YEARS" else 1)
    year, month = divmod(months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _letters(pattern: str) -> set[str]:
    return {match[2] for match in _PIECE.finditer(pattern) if match[2]}


def _written(moment: datetime.datetime, pattern: str) -> str:
    out = []
    for match in _PIECE.finditer(pattern):
        piece = match[0]
        if match[1] is not None:
            out.append(match[1].replace("''", "'") or "'")
        elif piece in _WRITTEN:
            out.append(moment.strftime(_WRITTEN[piece]))
        elif piece in _BARE:
            out.append(str(getattr(moment, _BARE[piece])))
        elif match[2]:
            raise ValueError(f"format has {piece!r}, which is not supported")
        else:
            out.append(piece)
    return "".join(out)
