"""Patterns of names: which objects a crawl leaves out.

A pattern is held against the whole path below the target. `*` is any text within one folder's name, `**` across
folders, `?` one character, `[a-c]` one of some, `[!a]` any but some, `{a,b}` one text or another; a backslash takes a
character's meaning away. Leading dots are ordinary.

>>> excluded = matcher(["**.csv", "tmp/**"])
>>> excluded("a/b.csv"), excluded("tmp/x/y"), excluded("a/b.json")
(True, True, False)
"""

import re
from collections.abc import Callable, Sequence

from lakemill.engines.crawling.errors import GlobInvalid


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether one of the patterns matches a path. Raises GlobInvalid."""
    if not patterns:
        return lambda path: False
    found = re.compile("|".join(f"(?:{_regex(one)})" for one in patterns), re.DOTALL)
    return lambda path: found.fullmatch(path) is not None


def _regex(pattern: str) -> str:
    parts: list[str] = []
    at, inside = 0, False
    while at < len(pattern):
        one = pattern[at]
        at += 1
        if one == "*":
            double = pattern.startswith("*", at)
            parts.append(".*" if double else "[^/]*")
            at += double
        elif one == "?":
            parts.append("[^/]")
        elif one == "[":
            text, at = _set(pattern, at)
            parts.append(text)
        elif one in "{}":
            if (one == "{") is inside:
                raise GlobInvalid(f"The pattern {pattern!r} has braces that do not pair")
            inside = one == "{"
            parts.append("(?:" if inside else ")")
        elif one == "," and inside:
            parts.append("|")
        elif one == "\\":
            if at == len(pattern):
                raise GlobInvalid(f"The pattern {pattern!r} ends with a backslash")
            parts.append(re.escape(pattern[at]))
            at += 1
        else:
            parts.append(re.escape(one))
    if inside:
        raise GlobInvalid(f"The pattern {pattern!r} has braces that do not pair")
    return "".join(parts)


def _set(pattern: str, at: int) -> tuple[str, int]:
    """The regular expression of the set that begins here, and where it ends."""
    end = pattern.find("]", at + 1)
    if end < 0:
        raise GlobInvalid(f"The pattern {pattern!r} has a bracket that is not closed")
    body = pattern[at:end]
    negated = body.startswith("!")
    body = re.sub(r"[\\\[\]^&~|]", lambda match: "\\" + match[0], body.removeprefix("!"))
    try:
        re.compile(f"[{body}]")
    except re.error:
        raise GlobInvalid(f"The pattern {pattern!r} has a set of characters that is none") from None
    return f"(?!/)[{'^' if negated else ''}{body}]", end + 1
