"""Times written by the patterns of Java's DateTimeFormatter, as prefixes of objects use them.

A letter repeated n times is a field, text in single quotes stands for itself, two single quotes are one. Letters and
what n means are those of https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html, in English.
What depends on a country's idea of a week (Y, w, W, e, c), names of zones (z, v), periods of the day (B), padding (p),
optional parts and reserved characters are refused.

>>> import datetime
>>> moment = datetime.datetime(2026, 3, 9, 14, 5, 7, tzinfo=datetime.UTC)
>>> JavaPattern("'year='yyyy/MM/dd'T'HH").text(moment)
'year=2026/03/09T14'
"""

import calendar
import datetime
import re
from collections.abc import Callable

Field = Callable[[datetime.datetime], str]
_TOKEN = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']", re.DOTALL)
_RESERVED = "[]{}#"


class PatternInvalid(ValueError):
    """A pattern that is wrong, or not provided; the text says which part."""


class JavaPattern:
    """A pattern, read once. Raises PatternInvalid."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._fields = list(_fields(pattern))

    def text(self, moment: datetime.datetime) -> str:
        """An aware moment, as it is in its own zone."""
        return "".join(field(moment) for field in self._fields)


def _fields(pattern: str):
    position = 0
    while position < len(pattern):
        found = _TOKEN.match(pattern, position)
        if found is None:
            raise PatternInvalid(f"Pattern ends with an incomplete string literal: {pattern}")
        token, letter = found[0], found[1]
        if letter:
            yield _field(letter, len(token))
        elif token in _RESERVED:
            raise PatternInvalid(f"Pattern includes reserved character: '{token}'")
        else:
            yield _literal(_unquoted(token))
        position = found.end()


def _literal(text: str) -> Field:
    return lambda moment: text


def _unquoted(token: str) -> str:
    if token == "''":
        return "'"
    return token[1:-1].replace("''", "'") if token[0] == "'" else token


def _field(letter: str, count: int) -> Field:
    if letter not in _MAKERS:
        raise PatternInvalid(f"Unknown or unsupported pattern letter: {letter}")
    field = _MAKERS[letter](count)
    if field is None:
        raise PatternInvalid(f"Too many pattern letters, or too few: {letter * count}")
    return field


def _number(value: Callable[[datetime.datetime], int], most: int) -> Callable[[int], Field | None]:
    """A number with at least as many digits as letters, of which there may be `most`."""

    def make(count: int) -> Field | None:
        return (lambda moment: f"{value(moment):0{count}d}") if count <= most else None

    return make


def _year(count: int) -> Field | None:
    if count == 2:
        return lambda moment: f"{moment.year % 100:02d}"
    return lambda moment: f"{moment.year:0{count}d}"


def _month(count: int) -> Field | None:
    if count <= 2:
        return lambda moment: f"{moment.month:0{count}d}"
    names = {3: calendar.month_abbr, 4: calendar.month_name}.get(count)
    if names is not None:
        english = list(names)
        return lambda moment: english[moment.month]
    return (lambda moment: calendar.month_name[moment.month][0]) if count == 5 else None


def _quarter(count: int) -> Field | None:
    def quarter(moment: datetime.datetime) -> int:
        return (moment.month + 2) // 3

    ordinals = ("", "1st", "2nd", "3rd", "4th")
    shapes: dict[int, Field] = {
        1: lambda moment: f"{quarter(moment)}",
        2: lambda moment: f"{quarter(moment):02d}",
        3: lambda moment: f"Q{quarter(moment)}",
        4: lambda moment: f"{ordinals[quarter(moment)]} quarter",
        5: lambda moment: f"{quarter(moment)}",
    }
    return shapes.get(count)


def _weekday(count: int) -> Field | None:
    if count <= 3:
        return lambda moment: calendar.day_abbr[moment.weekday()]
    if count == 4:
        return lambda moment: calendar.day_name[moment.weekday()]
    return (lambda moment: calendar.day_name[moment.weekday()][0]) if count == 5 else None


def _fraction(count: int) -> Field | None:
    return (lambda moment: f"{moment.microsecond * 1000:09d}"[:count]) if count <= 9 else None


def _era(count: int) -> Field | None:
    text = "AD" if count <= 3 else {4: "Anno Domini", 5: "A"}.get(count)
    return _literal(text) if text else None


def _half_day(count: int) -> Field | None:
    return (lambda moment: "AM" if moment.hour < 12 else "PM") if count == 1 else None


def _zone_id(count: int) -> Field | None:
    return (lambda moment: getattr(moment.tzinfo, "key", "UTC")) if count == 2 else None


def _offset_parts(moment: datetime.datetime) -> tuple[str, int, int, int]:
    """Sign, hours, minutes, seconds east of UTC."""
    seconds = int((moment.utcoffset() or datetime.timedelta()).total_seconds())
    size = abs(seconds)
    return "-" if seconds < 0 else "+", size // 3600, size // 60 % 60, size % 60


def _offset(count: int, zulu: bool) -> Field | None:
    """+HH[mm], +HHmm, +HH:mm, +HHmm[ss], +HH:mm[:ss] by the number of letters."""
    if count > 5:
        return None
    colon = ":" if count in (3, 5) else ""

    def text(moment: datetime.datetime) -> str:
        sign, hours, minutes, seconds = _offset_parts(moment)
        if zulu and not hours | minutes | seconds:
            return "Z"
        written = f"{sign}{hours:02d}"
        if count > 1 or minutes:
            written += f"{colon}{minutes:02d}"
        if count >= 4 and seconds:
            written += f"{colon}{seconds:02d}"
        return written

    return text


def _localized_offset(count: int) -> Field | None:
    if count not in (1, 4):
        return None

    def text(moment: datetime.datetime) -> str:
        sign, hours, minutes, seconds = _offset_parts(moment)
        if not hours | minutes | seconds:
            return "GMT"
        short = f"GMT{sign}{hours}" + (f":{minutes:02d}" if minutes else "")
        return short if count == 1 else f"GMT{sign}{hours:02d}:{minutes:02d}"

    return text


def _rfc_offset(count: int) -> Field | None:
    if count <= 3:
        return _offset(2, zulu=False)
    return _localized_offset(4) if count == 4 else _offset(count, zulu=True)


def _nanos_of_day(moment: datetime.datetime) -> int:
    return ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 10**9 + moment.microsecond * 1000


_MAKERS: dict[str, Callable[[int], Field | None]] = {
    "G": _era,
    "u": _year,
    "y": _year,
    "D": _number(lambda moment: moment.timetuple().tm_yday, 3),
    "M": _month,
    "L": _month,
    "d": _number(lambda moment: moment.day, 2),
    "Q": _quarter,
    "q": _quarter,
    "E": _weekday,
    "a": _half_day,
    "h": _number(lambda moment: (moment.hour - 1) % 12 + 1, 2),
    "K": _number(lambda moment: moment.hour % 12, 2),
    "k": _number(lambda moment: (moment.hour - 1) % 24 + 1, 2),
    "H": _number(lambda moment: moment.hour, 2),
    "m": _number(lambda moment: moment.minute, 2),
    "s": _number(lambda moment: moment.second, 2),
    "S": _fraction,
    "A": _number(lambda moment: _nanos_of_day(moment) // 10**6, 19),
    "n": _number(lambda moment: moment.microsecond * 1000, 19),
    "N": _number(_nanos_of_day, 19),
    "V": _zone_id,
    "O": _localized_offset,
    "X": lambda count: _offset(count, zulu=True),
    "x": lambda count: _offset(count, zulu=False),
    "Z": _rfc_offset,
}
