"""Points in time read from text: SQL timestamps, ISO 8601, seconds and milliseconds since 1970, and Joda's patterns.

Every reader gives nanoseconds since 1970-01-01T00:00:00 UTC (a Python int of any size), or None for a text it does not
take. A time without a zone is UTC.

>>> sql("2024-02-29 12:00:00.5"), iso("2024-02-29T12:00:00.5+01:00")
(1709208000500000000, 1709204400500000000)
>>> joda("dd/MMM/yyyy:HH:mm:ss Z")("29/Feb/2024:12:00:00 +0000")
1709208000000000000
"""

import calendar
import datetime
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

Reader = Callable[[str], int | None]

_EPOCH = datetime.datetime(1970, 1, 1)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_SQL = re.compile(_DATE.pattern + r"( |T)(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_WHOLE = re.compile(r"-?\d+", re.ASCII)
_MILLIS = re.compile(r"(-?\d+)(?:\.\d*)?", re.ASCII)
_MILLIS_CHARACTERS = 13
"""Numbers of so many characters are milliseconds, shorter ones are seconds."""


class PatternRefused(ValueError):
    """A pattern with a letter that cannot be read. Fields: pattern, letter."""

    def __init__(self, pattern: str, letter: str) -> None:
        super().__init__(f"the timestamp pattern {pattern!r} has {letter!r}, which is not supported")
        self.pattern, self.letter = pattern, letter


def day(text: str) -> int | None:
    """Days since 1970 of `yyyy-[m]m-[d]d`."""
    match = _DATE.fullmatch(text)
    return None if match is None else _days(*map(int, match.groups()))


def sql(text: str) -> int | None:
    """`yyyy-[m]m-[d]d HH:mm:ss[.f]` with up to nine digits of a second."""
    match = _SQL.fullmatch(text)
    return None if match is None or match[4] == "T" or match[9] else _moment(match)


def iso(text: str) -> int | None:
    """The same, also with T for the blank, and with Z or an offset of up to 18 hours behind."""
    match = _SQL.fullmatch(text)
    return None if match is None else _moment(match)


def epoch(text: str) -> int | None:
    """A number of seconds, whole or not, or of milliseconds when it is whole and has 13 characters or more."""
    if _WHOLE.fullmatch(text):
        return int(text) * (1_000_000 if len(text) >= _MILLIS_CHARACTERS else 1_000_000_000)
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        return None
    if not seconds.is_finite() or seconds.adjusted() > 15 or "_" in text:
        return None
    return int((seconds * 1_000_000_000).to_integral_value("ROUND_FLOOR"))


def millis(text: str) -> int | None:
    """A number of milliseconds; what stands behind a point is dropped."""
    match = _MILLIS.fullmatch(text)
    return None if match is None else int(match[1]) * 1_000_000


def joda(pattern: str) -> Reader:
    """A reader of the texts that a Joda-Time pattern describes, in English. Raises PatternRefused.

    Letters: y Y M d D H h K k m s S a E Z z, and quotes. Fields that are left out are those of 1970-01-01T00:00, but
    the year of a month or day without one is 2000, as Joda has it.
    """
    pieces = _pieces(pattern)
    expression = re.compile("".join(_expression(pattern, pieces, place) for place in range(len(pieces))), re.I | re.A)
    letters = [piece[0] for piece in pieces if piece[0] != "'"]
    widths = [len(piece) for piece in pieces if piece[0] != "'"]

    def read(text: str) -> int | None:
        match = expression.fullmatch(text)
        return None if match is None else _assembled(letters, widths, match.groups())

    return read


def _days(year: int, month: int, day: int) -> int | None:
    try:
        return (datetime.date(year, month, day) - _EPOCH.date()).days
    except ValueError:
        return None


def _moment(match: re.Match[str]) -> int | None:
    days = _days(int(match[1]), int(match[2]), int(match[3]))
    hour, minute, second = int(match[5]), int(match[6]), int(match[7])
    if days is None or hour > 23 or minute > 59 or second > 59:
        return None
    shift = _offset(match[9])
    if shift is None:
        return None
    seconds = days * 86400 + hour * 3600 + minute * 60 + second - shift
    return seconds * 1_000_000_000 + int((match[8] or "0").ljust(9, "0"))


def _offset(text: str | None) -> int | None:
    """Seconds of `Z`, `+hh:mm` or `+hhmm`; None when there is no such offset."""
    if not text or not text[1:]:
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 18 or minutes > 59:
        return None
    return (hours * 3600 + minutes * 60) * (-1 if text[0] == "-" else 1)


def _pieces(pattern: str) -> list[str]:
    """Runs of one letter, and literals that begin with a quote."""
    found = []
    for match in re.finditer(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'", pattern):
        text = match[0]
        if text == "''":
            found.append("''")
        elif text[0] == "'":
            if match[1] is None:
                raise PatternRefused(pattern, "'")
            found.append("'" + match[1].replace("''", "'"))
        else:
            found.append(text if text[0].isalpha() else "'" + text)
    return found


_NUMERIC = "yYMdDHhKkmsS"
_MONTHS = [name.lower() for name in calendar.month_name[1:]]


def _expression(pattern: str, pieces: list[str], place: int) -> str:
    piece = pieces[place]
    letter, width = piece[0], len(piece)
    if letter == "'":
        return re.escape(piece[1:])
    if (letter == "M" and width >= 3) or letter == "E":
        names = _MONTHS if letter == "M" else [name.lower() for name in calendar.day_name]
        return f"({'|'.join([*names, *(name[:3] for name in names)])})"
    if letter == "a":
        return "(am|pm)"
    if letter == "Z" and width <= 2:
        return r"(Z|[+-]\d\d:?\d\d)"
    if letter == "z" and width <= 3:
        return "(UTC|GMT)"
    if letter not in _NUMERIC:
        raise PatternRefused(pattern, letter)
    following = pieces[place + 1] if place + 1 < len(pieces) else "'"
    if following[0] in _NUMERIC and not (following[0] == "M" and len(following) >= 3):
        return rf"(\d{{{width}}})"  # Nothing stands between this number and the next.
    if letter in "yY":
        return r"(\d{2})" if width == 2 else r"(\d{1,4})"
    return rf"(\d{{1,{width if letter == 'S' else 3 if letter == 'D' else 2}}})"


def _assembled(letters: list[str], widths: list[int], texts: tuple[str, ...]) -> int | None:
    found = dict(zip(letters, texts, strict=True))
    wide = dict(zip(letters, widths, strict=True))
    year = found.get("y", found.get("Y"))
    if year is None:
        whole_year = 2000 if {"M", "d", "D"} & found.keys() else 1970
    else:
        whole_year = int(year)
        if wide.get("y", wide.get("Y")) == 2:  # Joda's pivot: between 50 years ago and 49 years ahead.
            this = datetime.datetime.now(datetime.UTC).year
            whole_year += (this - 50 - whole_year + 99) // 100 * 100
    month = found.get("M", "1")
    number = int(month) if month.isdecimal() else [name[:3] for name in _MONTHS].index(month[:3].lower()) + 1
    days = _days(whole_year, number, int(found.get("d", "1")))
    if "D" in found:
        days = _days(whole_year, 1, 1)
        of_year = int(found["D"])
        if days is None or not 1 <= of_year <= 365 + calendar.isleap(whole_year):
            return None
        days += of_year - 1
    hour = _hour(found)
    minute, second = int(found.get("m", "0")), int(found.get("s", "0"))
    shift = _offset(found.get("Z"))
    if days is None or hour is None or shift is None or minute > 59 or second > 59:
        return None
    nanos = int(found.get("S", "0")[:9].ljust(9, "0"))
    return (days * 86400 + hour * 3600 + minute * 60 + second - shift) * 1_000_000_000 + nanos


def _hour(found: dict[str, str]) -> int | None:
    """The hour of the day from H (0-23), k (1-24), K (0-11) or h (1-12) with the half of the day."""
    half = 12 if found.get("a", "am").lower() == "pm" else 0
    for letter, least, most in (("H", 0, 23), ("k", 1, 24), ("K", 0, 11), ("h", 1, 12)):
        if letter in found:
            hour = int(found[letter])
            if not least <= hour <= most:
                return None
            return hour % (24 if letter in "Hk" else 12) + (half if letter in "Kh" else 0)
    return half
