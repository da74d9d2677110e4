"""Patterns of dates, MySQL's and Joda's, as those of DuckDB's strftime and strptime."""

import re
import zoneinfo

from sqlglot import exp

from lakemill.lakesql.dialects.typed import Typed, failed, text

_MYSQL = {
    "a": "%a",
    "b": "%b",
    "c": "%-m",
    "d": "%d",
    "e": "%-d",
    "f": "%f",
    "H": "%H",
    "h": "%I",
    "I": "%I",
    "i": "%M",
    "j": "%j",
    "k": "%-H",
    "l": "%-I",
    "M": "%B",
    "m": "%m",
    "p": "%p",
    "r": "%I:%M:%S %p",
    "S": "%S",
    "s": "%S",
    "T": "%H:%M:%S",
    "v": "%V",
    "W": "%A",
    "x": "%G",
    "Y": "%Y",
    "y": "%y",
    "%": "%%",
}


def mysql(pattern: str, node: exp.Expr, parsing: bool = False) -> str:
    """For date_format and date_parse. Raises SqlFailed where Trino does not support a letter.

    >>> mysql("%Y-%m-%d %H:%i", None)
    '%Y-%m-%d %H:%M'
    """
    made, at = [], 0
    while at < len(pattern):
        if pattern[at] != "%" or at + 1 == len(pattern):
            made.append("%%" if pattern[at] == "%" else pattern[at])
            at += 1
            continue
        letter = pattern[at + 1]
        if letter in "DUuVwX":
            raise failed("INVALID_FUNCTION_ARGUMENT", f"%{letter} not supported in date format string", node)
        if parsing and letter in "vx":
            raise failed("NOT_SUPPORTED", f"date_parse with %{letter} is not supported", node)
        made.append(_MYSQL.get(letter, letter))
        at += 2
    return "".join(made)


_JODA_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_JODA = {
    "y": "%Y",
    "Y": "%Y",
    "yyyy": "%Y",
    "YYYY": "%Y",
    "yy": "%y",
    "YY": "%y",
    "M": "%-m",
    "MM": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "d": "%-d",
    "dd": "%d",
    "H": "%-H",
    "HH": "%H",
    "h": "%-I",
    "hh": "%I",
    "m": "%-M",
    "mm": "%M",
    "s": "%-S",
    "ss": "%S",
    "a": "%p",
    "E": "%a",
    "EE": "%a",
    "EEE": "%a",
    "EEEE": "%A",
    "DDD": "%j",
    "D": "%-j",
    "e": "%u",
    "ww": "%V",
    "xxxx": "%G",
    "x": "%G",
}


def _joda(pattern: str, node: exp.Expr) -> list[tuple[str, str]]:
    """The parts of a pattern: (letters, "") or ("", text)."""
    parts, at = [], 0
    while at < len(pattern):
        found = _JODA_TOKEN.match(pattern, at)
        if found is None:
            raise failed("INVALID_FUNCTION_ARGUMENT", f"Invalid pattern: {pattern}", node)
        at = found.end()
        if found[2]:
            parts.append((found[0], ""))
        elif found[0].startswith("'"):
            parts.append(("", found[1].replace("''", "'") or "'"))
        else:
            parts.append(("", found[0]))
    return parts


def joda_text(pattern: str, value: Typed, node: exp.Expr) -> str:
    """An expression that shows a timestamp with time zone as the pattern says."""
    shown = f"tz_local({value.sql})"
    pieces: list[str] = []
    for letters, plain in _joda(pattern, node):
        if plain:
            pieces.append(text(plain))
        elif letters[0] == "S":
            if len(letters) > 6:
                raise failed("NOT_SUPPORTED", f"format_datetime with {letters} is not supported", node)
            pieces.append(f"left(strftime({shown}, '%f'), {len(letters)})")
        elif letters in {"Z", "ZZ"}:
            offset = f"zone_offset({value.sql})"
            pieces.append(f"replace({offset}, ':', '')" if letters == "Z" else offset)
        elif letters == "ZZZ":
            pieces.append(f"struct_extract({value.sql}, 'z')")
        elif letters in _JODA:
            pieces.append(f"strftime({shown}, '{_JODA[letters]}')")
        else:
            raise failed("NOT_SUPPORTED", f"format_datetime with {letters} is not supported", node)
    return "(" + " || ".join(pieces or ["''"]) + ")"


def joda_parser(pattern: str, node: exp.Expr) -> tuple[str, bool]:
    """The pattern for strptime, and whether an offset from UTC follows what it describes."""
    made, zone, parts = [], False, _joda(pattern, node)
    for i, (letters, plain) in enumerate(parts):
        if plain:
            made.append(plain.replace("%", "%%"))
        elif letters in {"Z", "ZZ"} and i == len(parts) - 1:
            zone = True
        elif letters[0] == "S" and i > 0 and parts[i - 1][1].endswith((".", ",")):
            made.append("%f")
        elif letters in _JODA and letters[0] not in "Dewx":
            made.append(_JODA[letters])
        else:
            raise failed("NOT_SUPPORTED", f"parse_datetime with {letters} is not supported", node)
    return "".join(made), zone


def check_zone(name: str, node: exp.Expr) -> None:
    """Raises SqlFailed(INVALID_FUNCTION_ARGUMENT) for a zone that does not exist."""
    if re.fullmatch(r"[+-]\d{1,2}(:?\d{2})?|Z|UTC|GMT", name):
        return
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise failed("INVALID_FUNCTION_ARGUMENT", f"'{name}' is not a valid time zone", node) from None
