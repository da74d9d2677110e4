"""LIKE, SIMILAR TO, and the regular expressions of Java as Python's."""

import re
from collections.abc import Callable
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.expr import Expr, call, text_argument
from lakemill.streamsql.frame import Values, by_row

Translate = Callable[[str, str | None], str]
_POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Alnum": "A-Za-z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "XDigit": "0-9A-Fa-f",
    "Space": r"\s",
    "Blank": r" \t",
}


def like_regex(pattern: str, escape: str | None) -> str:
    """The regular expression that matches all of what the LIKE pattern does."""
    return "".join(
        re.escape(char) if quoted else {"%": ".*", "_": "."}.get(char, re.escape(char))
        for char, quoted in _unescaped(pattern, escape)
    )


def similar_regex(pattern: str, escape: str | None) -> str:
    """The regular expression that matches all of what the SIMILAR TO pattern does."""
    result, bracket = [], False
    for char, quoted in _unescaped(pattern, escape):
        if quoted:
            result.append(re.escape(char))
        elif bracket:
            bracket = char != "]"
            result.append("\\\\" if char == "\\" else char)
        elif char == "[":
            bracket = True
            result.append(char)
        elif char in "|*+?{}(),":
            result.append(char)
        else:
            result.append({"%": ".*", "_": "."}.get(char, re.escape(char)))
    return "".join(result)


def _unescaped(pattern: str, escape: str | None) -> list[tuple[str, bool]]:
    """Each character, and whether the escape character stands before it."""
    if escape is not None and len(escape) != 1:
        raise ValueError("ESCAPE takes one character")
    result, at = [], 0
    while at < len(pattern):
        quoted = pattern[at] == escape
        at += quoted
        if at >= len(pattern):
            raise ValueError("Nothing follows the escape character")
        result.append((pattern[at], quoted))
        at += 1
    return result


def matcher(name: str, translate: Translate, value: Expr, pattern: Expr, escape: Expr | None) -> Expr:
    """Whether the whole value matches."""
    value, pattern = text_argument(value, name), text_argument(pattern, name)
    char = None if escape is None else escape.value()
    if pattern.constant and pattern.value() is not None:
        regex = f"\\A(?s:{translate(pattern.value(), char)})\\z"

        def match(values: Values) -> Values:
            return pc.match_substring_regex(values, pattern=regex)

        match(pa.array([], pa.string()))
        return call(match, pa.bool_(), value)

    @lru_cache(maxsize=1000)
    def compiled(text: str) -> re.Pattern:
        return re.compile(translate(text, char), re.S)

    return call(by_row(lambda v, p: compiled(p).fullmatch(v) is not None, pa.bool_()), pa.bool_(), value, pattern)


@lru_cache(maxsize=1000)
def java_regex(pattern: str) -> re.Pattern:
    """A regular expression as Java writes it: named groups, POSIX classes, `\\z` and quoted parts."""
    text = re.sub(r"\\Q(.*?)(?:\\E|$)", lambda m: re.escape(m.group(1)), pattern, flags=re.S)
    text = re.sub(r"\(\?<([A-Za-z]\w*)>", r"(?P<\1>", text)
    text = re.sub(r"\\k<(\w+)>", r"(?P=\1)", text)
    text = text.replace(r"\z", r"\Z")
    text = re.sub(r"\[((?:[^\]\\]|\\.)*)\]", lambda m: "[" + _posix(m.group(1), False) + "]", text)
    try:
        return re.compile(_posix(text, True))
    except re.error as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from error


def _posix(text: str, outside: bool) -> str:
    def expand(match: re.Match) -> str:
        inside = _POSIX[match.group(1)]
        return f"[{inside}]" if outside else inside

    return re.sub(r"\\p\{(" + "|".join(_POSIX) + r")\}", expand, text)


@lru_cache(maxsize=1000)
def java_replacement(text: str) -> str:
    """`$1` and `\\$` as Java's replacements have them."""
    parts = re.split(r"(\\.|\$\d)", text, flags=re.S)
    return "".join(
        f"\\g<{part[1:]}>" if re.fullmatch(r"\$\d", part) else _literal(part[1:] if part[:1] == "\\" else part)
        for part in parts
    )


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")
