"""Intervals as they are written: '1 day 2 hours', '1-2' YEAR TO MONTH, '02:30'."""

import re

from lakemill.lakesql.errors import SqlFailed

_MONTHS = {"month": 1, "mon": 1, "quarter": 3, "qtr": 3, "year": 12, "y": 12, "yr": 12, "decade": 120, "century": 1200}
_DAYS = {"day": 1, "d": 1, "week": 7, "w": 7}
_MICROS = {
    **dict.fromkeys(("microsecond", "us", "usec", "microsec"), 1),
    **dict.fromkeys(("millisecond", "ms", "msec", "millisec"), 1_000),
    **dict.fromkeys(("second", "s", "sec"), 1_000_000),
    **dict.fromkeys(("minute", "m", "min"), 60_000_000),
    **dict.fromkeys(("hour", "h", "hr"), 3_600_000_000),
}
_PART = re.compile(
    r"([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?|([+-]?)(\d+)-(\d+)|([+-]?\d+(?:\.\d+)?)\s*([a-z]*)|(ago)"
)


def of_words(written: str, unit: str = "") -> str:
    """DuckDB's expression for an interval. unit: what stands behind the string. Raises SqlFailed(22007).

    >>> of_words("1 day 2 hours")
    "INTERVAL '0 months 1 days 7200000000 microseconds'"
    """
    wrong = SqlFailed("22007", f'invalid input syntax for type interval: "{written}"')
    months = days = micros = 0.0
    at, shown = 0, written.strip().lower().lstrip("@ ")
    while at < len(shown):
        found = _PART.match(shown, at)
        if found is None or found.end() == at:
            raise wrong
        at = found.end()
        while at < len(shown) and shown[at] in " ,":
            at += 1
        if found[2]:
            sign = -1 if found[1] == "-" else 1
            micros += sign * (int(found[2]) * 3600 + int(found[3]) * 60 + float(found[4] or 0)) * 1e6
        elif found[6]:
            months += (-1 if found[5] == "-" else 1) * (int(found[6]) * 12 + int(found[7]))
        elif found[10]:
            months, days, micros = -months, -days, -micros
        else:
            name = found[9] or unit.lower() or "second"
            singular = name if name in {*_MONTHS, *_DAYS, *_MICROS} else name.removesuffix("s")
            amount = float(found[8])
            if singular in _MONTHS:
                months += amount * _MONTHS[singular]
            elif singular in _DAYS:
                days += amount * _DAYS[singular]
            elif singular in _MICROS:
                micros += amount * _MICROS[singular]
            elif name == "centuries":
                months += amount * 1200
            else:
                raise wrong
    if not shown:
        raise wrong
    days += (months - int(months)) * 30
    micros += (days - int(days)) * 86_400e6
    return f"INTERVAL '{int(months)} months {int(days)} days {round(micros)} microseconds'"
