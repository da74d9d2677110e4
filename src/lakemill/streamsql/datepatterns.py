"""Dates and times in the patterns of Java's SimpleDateFormat.

Letters: y year, M month (MMM its short name, MMMM its name), d day, D day of the year, H hour from 0, h hour from 1 to
12, a AM or PM, m minute, s second, S millisecond, E day of the week, z and Z and X time zone (read: UTC, GMT or an
offset). Without a, an h beyond 12 is an hour as well; of S, three digits count. What stands in single quotes, and
everything that is no letter, stands for itself.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

_MONTHS = [
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)")
_NUMBERS = "yMdDHhmsS"


def pieces(pattern: str) -> list[tuple[str, str]]:
    """(letter, all of its repetitions) or ("", literal text), in order; ValueError for an unknown letter."""
    result, at = [], 0
    while at < len(pattern):
        match = _PIECE.match(pattern, at)
        if match is None:
            raise ValueError(f"'{pattern}' has an open quote")
        if match.group(1) is not None:
            result.append(("", match.group(1).replace("''", "'") or "'"))
        elif match.group(2):
            if match.group(2) not in "yMdDHhamsSEzZX":
                raise ValueError(f"'{pattern}' has the unknown letter {match.group(2)}")
            result.append((match.group(2), match.group()))
        else:
            result.append(("", match.group(3)))
        at = match.end()
    return result


def parser(pattern: str) -> Callable[[str], datetime]:
    """A function that reads a text of this pattern; it raises ValueError for others."""
    parts = pieces(pattern)
    regex, letters = [], []
    for index, (letter, text) in enumerate(parts):
        if not letter:
            regex.append(re.escape(text))
            continue
        letters.append((letter, len(text)))
        adjacent = index + 1 < len(parts) and parts[index + 1][0] in _NUMBERS and parts[index + 1][0] != ""
        regex.append(_regex(letter, len(text), adjacent))
    compiled = re.compile("".join(regex), re.I)

    def read(text: str) -> datetime:
        match = compiled.match(text.strip())
        if match is None:
            raise ValueError(f"'{text}' is not like '{pattern}'")
        return _moment(letters, match.groups())

    return read


def _regex(letter: str, count: int, adjacent: bool) -> str:
    if letter == "M" and count >= 3:
        return "(" + "|".join([*_MONTHS, *(month[:3] for month in _MONTHS)]) + ")"
    if letter == "E":
        return "(" + "|".join([*_DAYS, *(day[:3] for day in _DAYS)]) + ")"
    if letter == "a":
        return "(AM|PM)"
    if letter in "zZX":
        return r"(UTC|GMT|Z|[+-]\d{2}:?\d{2})"
    return rf"(\d{{{count}}})" if adjacent else r"(\d+)"


def _moment(letters: list[tuple[str, int]], values: tuple[str, ...]) -> datetime:
    found: dict[str, int] = {"y": 1970, "M": 1, "d": 1, "H": 0, "m": 0, "s": 0, "S": 0}
    offset = timedelta()
    for (letter, count), value in zip(letters, values, strict=True):
        if letter == "M" and count >= 3:
            found["M"] = next(i for i, name in enumerate(_MONTHS, 1) if name[:3].lower() == value[:3].lower())
        elif letter == "y" and count <= 2 and len(value) == 2:
            found["y"] = 2000 + int(value) if int(value) < 70 else 1900 + int(value)
        elif letter == "S" and len(value) > 3:
            found["S"] = int(value[:3])
        elif letter in _NUMBERS:
            found[letter] = int(value)
        elif letter == "a":
            found["pm"] = value.upper() == "PM"
        elif letter in "zZX" and value[0] in "+-":
            minutes = int(value[1:3]) * 60 + int(value[-2:])
            offset = timedelta(minutes=minutes if value[0] == "+" else -minutes)
    moment = datetime(found["y"], found["M"], found["d"], _hour(found), found["m"], found["s"], found["S"] * 1000)
    if "D" in found:
        moment = moment.replace(month=1, day=1) + timedelta(days=found["D"] - 1)
    return moment - offset


def _hour(found: dict[str, int]) -> int:
    if "h" not in found:
        return found["H"]
    if "pm" in found:
        return found["h"] % 12 + 12 * found["pm"]
    return 0 if found["h"] == 12 else found["h"]


def formatter(pattern: str) -> Callable[[date | time], str]:
    """A function that writes a moment in this pattern."""
    parts = pieces(pattern)

    def write(value: date | time) -> str:
        if isinstance(value, time):
            value = datetime.combine(date(1970, 1, 1), value)
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        return "".join(text if not letter else _written(letter, len(text), moment) for letter, text in parts)

    return write


def _written(letter: str, count: int, moment: datetime) -> str:
    if letter == "y":
        return f"{moment.year % 100:02d}" if count == 2 else f"{moment.year:0{count}d}"
    if letter == "M" and count >= 3:
        name = _MONTHS[moment.month - 1]
        return name if count > 3 else name[:3]
    if letter == "E":
        name = _DAYS[moment.weekday()]
        return name if count > 3 else name[:3]
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    if letter in "zZX":
        return {"z": "UTC", "Z": "+0000", "X": "Z"}[letter]
    number = {
        "M": moment.month,
        "d": moment.day,
        "D": moment.timetuple().tm_yday,
        "H": moment.hour,
        "h": moment.hour % 12 or 12,
        "m": moment.minute,
        "s": moment.second,
        "S": moment.microsecond // 1000,
    }[letter]
    return f"{number:0{count}d}"
