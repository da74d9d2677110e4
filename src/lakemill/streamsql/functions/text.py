"""Functions on text."""

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.expr import Expr, call, cast_to, text_argument
from lakemill.streamsql.frame import by_row
from lakemill.streamsql.functions.registry import constant_argument, define
from lakemill.streamsql.patterns import java_regex, java_replacement
from lakemill.streamsql.sqltypes import SqlType

_TEXT = pa.string()
_WHOLE = SqlType(pa.int64())


@define("UPPER", 1)
def upper(value: Expr) -> Expr:
    return call(pc.utf8_upper, _TEXT, text_argument(value, "UPPER"))


@define("LOWER", 1)
def lower(value: Expr) -> Expr:
    return call(pc.utf8_lower, _TEXT, text_argument(value, "LOWER"))


@define("INITCAP", 1)
def initcap(value: Expr) -> Expr:
    """Words begin with a capital, the rest is small."""
    return call(pc.utf8_title, _TEXT, text_argument(value, "INITCAP"))


@define("CHARACTER_LENGTH", 1)
@define("CHAR_LENGTH", 1)
def char_length(value: Expr) -> Expr:
    return call(pc.utf8_length, pa.int32(), text_argument(value, "CHAR_LENGTH"))


@define("TRIM", 3)
def trim(value: Expr, what: Expr, side: Expr) -> Expr:
    """TRIM([BOTH | LEADING | TRAILING] [character] FROM value)."""
    char = constant_argument(text_argument(what, "TRIM"), "TRIM", "The character")
    if char is None or len(char) != 1:
        raise ValueError("TRIM takes one character")
    kernel = {"BOTH": pc.utf8_trim, "LEADING": pc.utf8_ltrim, "TRAILING": pc.utf8_rtrim}[side.value()]
    return call(lambda values: kernel(values, characters=char), _TEXT, text_argument(value, "TRIM"))


@define("SUBSTRING", 2, 3)
def substring(value: Expr, start: Expr, length: Expr | None = None) -> Expr:
    """From `start` (the first character is 1), `length` characters; what lies before the first is not there."""
    value, start = text_argument(value, "SUBSTRING"), cast_to(start, _WHOLE)
    if length is None:
        if start.constant and start.value() is not None:
            first = max(start.value() - 1, 0)
            return call(lambda values: pc.utf8_slice_codeunits(values, first), _TEXT, value)
        return call(by_row(lambda v, s: v[max(s - 1, 0) :], _TEXT), _TEXT, value, start)
    return call(by_row(_substring, _TEXT), _TEXT, value, start, cast_to(length, _WHOLE))


def _substring(value: str, start: int, length: int) -> str:
    if length < 0:
        raise ValueError("SUBSTRING cannot have a negative length")
    return value[max(start - 1, 0) : max(start - 1 + length, 0)]


@define("POSITION", 2)
def position(what: Expr, value: Expr) -> Expr:
    """POSITION(what IN value): 1 is the first character, 0 means it is not there."""
    what, value = text_argument(what, "POSITION"), text_argument(value, "POSITION")
    return call(by_row(lambda w, v: v.find(w) + 1, pa.int32()), pa.int32(), what, value)


@define("OVERLAY", 3, 4)
def overlay(value: Expr, other: Expr, start: Expr, length: Expr | None = None) -> Expr:
    """OVERLAY(value PLACING other FROM start [FOR length])."""
    value, other = text_argument(value, "OVERLAY"), text_argument(other, "OVERLAY")
    arguments = [value, other, cast_to(start, _WHOLE)]
    if length is not None:
        arguments.append(cast_to(length, _WHOLE))
    return call(by_row(_overlay, _TEXT), _TEXT, *arguments)


def _overlay(value: str, other: str, start: int, length: int | None = None) -> str:
    length = len(other) if length is None else length
    if length < 0:
        raise ValueError("OVERLAY cannot have a negative length")
    return value[: max(start - 1, 0)] + other + value[max(start - 1 + length, 0) :]


@define("REGEX_REPLACE", 5)
def regex_replace(value: Expr, regex: Expr, replacement: Expr, start: Expr, occurrence: Expr) -> Expr:
    """REGEX_REPLACE(value, regex, replacement, start, occurrence): occurrence 0 replaces all."""
    texts = [text_argument(argument, "REGEX_REPLACE") for argument in (value, regex, replacement)]
    if regex.constant and regex.value() is not None:
        java_regex(regex.value())
    return call(by_row(_regex_replace, _TEXT), _TEXT, *texts, cast_to(start, _WHOLE), cast_to(occurrence, _WHOLE))


def _regex_replace(value: str, regex: str, replacement: str, start: int, occurrence: int) -> str:
    if start < 1:
        raise ValueError("The start position of REGEX_REPLACE is at least 1")
    if occurrence < 0:
        raise ValueError("The occurrence of REGEX_REPLACE is at least 0")
    pattern, new = java_regex(regex), java_replacement(replacement)
    head, tail = value[: start - 1], value[start - 1 :]
    if occurrence == 0:
        return head + pattern.sub(new, tail)
    for count, match in enumerate(pattern.finditer(tail), 1):
        if count == occurrence:
            return head + tail[: match.start()] + match.expand(new) + tail[match.end() :]
    return value
