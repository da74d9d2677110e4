"""DATEFORMAT and TIMEFORMAT: texts as dates and moments, as expressions of DuckDB.

Expressions give NULL where the text does not fit.
"""

import re

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql

_PARTS = [
    ("YYYY", "%Y"), ("YY", "%y"), ("MONTH", "%B"), ("MON", "%b"), ("MM", "%m"), ("DDD", "%j"), ("DD", "%d"),
    ("HH24", "%H"), ("HH12", "%I"), ("HH", "%H"), ("MI", "%M"), ("SSSSS", ""), ("SS", "%S"), ("MS", "%g"), ("US", "%f"),
    ("A.M.", "%p"), ("P.M.", "%p"), ("AM", "%p"), ("PM", "%p"), ("OF", "%z"), ("TZ", "%z"), ("TH", ""), ("J", ""),
]  # fmt: skip
_SIGN = re.compile(r"[-/.,:; T_]|\"[^\"]*\"")
_AUTO_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y", "%d %b %Y"),
    *(
        "%d-%b-%Y",
        "%Y-%b-%d",
        "%b-%d-%Y",
        "%m/%d/%Y",
        "%m-%d-%Y",
        "%m.%d.%Y",
        "%m/%d/%y",
        "%m-%d-%y",
        "%Y.%j",
        "%y%m%d",
    ),
    *("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d-%b-%y"),
)
_AUTO_TIMES = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%H%M%S", "%I:%M:%S %p", "%I:%M %p", "%I:%M%p", "%H:%M:%S %z",
               "%H:%M:%S%z", "%H:%M:%S.%f%z", "%H:%M:%SZ", "%H:%M:%S.%fZ", "%H%M%SZ")  # fmt: skip
_EPOCHS = {"epochsecs": 1_000_000, "epochmillisecs": 1_000}
_DATE = "'[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}'"
_DEFAULT_TIME = r"'[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?: [0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:\.[0-9]*)?)?)?'"
_DEFAULT_TIMETZ = _DEFAULT_TIME[:-1] + r"(?: ?[+-][0-9]{2}(?::?[0-9]{2})?| ?[A-Za-z_/]+)?'"


def date(text: str, format: str) -> str:
    """A date in a text, which is an expression. Raises SqlFailed for a format that is none.

    >>> date("c", "MM/DD/YYYY")
    "CAST(try_strptime(c, '%m/%d/%Y') AS DATE)"
    """
    if format.lower() == "auto":
        forms = [*_AUTO_DATES, *(f"{one} {time}" for one in _AUTO_DATES[:2] for time in _AUTO_TIMES)]
        return f"CAST({_first(text, forms)} AS DATE)"
    if format.upper() == "YYYY-MM-DD":
        return f"CASE WHEN regexp_full_match({text}, {_DATE}) THEN TRY_CAST({text} AS DATE) END"
    return f"CAST(try_strptime({text}, {sql.text(translated(format))}) AS DATE)"


def moment(text: str, format: str, zone: bool) -> str:
    """A timestamp in a text; with a zone where the column has one. Raises SqlFailed."""
    kind = "TIMESTAMP WITH TIME ZONE" if zone else "TIMESTAMP"
    if format.lower() in _EPOCHS:
        micros = f"CAST(TRY_CAST({text} AS DECIMAL(27,6)) * {_EPOCHS[format.lower()]} AS BIGINT)"
        found = f"make_timestamp({micros})"
        return f"({found} AT TIME ZONE 'UTC')" if zone else found
    if format.lower() == "auto":
        return _auto_moment(text, zone)
    if format.upper() in ("YYYY-MM-DD HH:MI:SS", "YYYY-MM-DD HH24:MI:SS", "YYYY-MM-DD HH:MI:SSOF"):
        pattern = _DEFAULT_TIMETZ if zone else _DEFAULT_TIME
        return f"CASE WHEN regexp_full_match({text}, {pattern}) THEN TRY_CAST({text} AS {kind}) END"
    form = translated(format)
    found = f"try_strptime({text}, {sql.text(form)})"
    if "%z" in form:
        return f"({found} AT TIME ZONE 'UTC')" if not zone else found
    return f"CAST({found} AS {kind})"


def _auto_moment(text: str, zone: bool) -> str:
    kind = "TIMESTAMP WITH TIME ZONE" if zone else "TIMESTAMP"
    plain = f"TRY_CAST({text} AS {kind})"
    joined = [(one, " ") for one in _AUTO_DATES] + [(one, "T") for one in _AUTO_DATES[:2]]
    with_times = [(f"{one}{between}{time}", "%z" in time) for one, between in joined for time in _AUTO_TIMES]
    local = f"CAST({_first(text, [*_AUTO_DATES, *(form for form, zoned in with_times if not zoned)])} AS {kind})"
    zoned = _first(text, [form for form, zoned in with_times if zoned])
    return f"coalesce({plain}, {local}, {zoned if zone else _utc(zoned)})"


def _utc(moment: str) -> str:
    return f"({moment} AT TIME ZONE 'UTC')"


def _first(text: str, forms: list[str]) -> str:
    return f"try_strptime({text}, [{', '.join(map(sql.text, forms))}])"


def translated(format: str) -> str:
    """The format as strptime has it. Raises SqlFailed.

    >>> translated("MM.DD.YYYY HH:MI:SS AM")
    '%m.%d.%Y %I:%M:%S %p'
    """
    found, at = "", 0
    while at < len(format):
        part = next(((word, sign) for word, sign in _PARTS if format[at:].upper().startswith(word)), None)
        if part is not None and part[1]:
            found, at = found + part[1], at + len(part[0])
            continue
        sign = _SIGN.match(format, at)
        if sign is None:
            raise SqlFailed("XX000", f"Invalid date or time format: '{format}'")
        found, at = found + sign[0].strip('"').replace("%", "%%"), sign.end()
    if "%p" in found:
        found = found.replace("%H", "%I") if "HH24" not in format.upper() else found
    return found
