"""The JSONPath subset of batch data processing: which part of a record to send, which part of a result to keep.

    path     = "$" step*
    step     = "." name | ".*" | "[" names "]" | "[" places "]" | "[*]"
    names    = quoted name, separated by commas
    places   = index or slice (`1`, `-2`, `1:4`, `5:`), separated by commas

A path of plain names and single indexes selects one value. `*`, several names, several places and slices select many:
a list of them, or, for several names at the end of the path, an object with just these members. Slices exclude their
end, as in JSONPath's reference libraries. `..` and filters are not part of the subset.

>>> compile_path("$[0,5:]")(["a", "b", "c", "d", "e", "f", "g"])
['a', 'f', 'g']
>>> compile_path("$['id','score']")({"id": 7, "x": 1, "score": 0.5})
{'id': 7, 'score': 0.5}
"""

import re
from collections.abc import Callable
from typing import Any

Path = Callable[[Any], Any]

_STEP = re.compile(
    r"""\.(?P<star>\*) | \.(?P<name>[^.\[\]*'"\s]+) | \[\s*(?P<inside>\*|'(?:[^'\\]|\\.)*'(?:\s*,\s*'(?:[^'\\]|\\.)*')*
    |"(?:[^"\\]|\\.)*"(?:\s*,\s*"(?:[^"\\]|\\.)*")* | [-\d:,\s]+)\s*\]""",
    re.VERBOSE,
)
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


class PathError(ValueError):
    """The expression is not in the subset. The text says what of it."""


class PathMisses(ValueError):
    """The value has no such member or index."""


def compile_path(expression: str) -> Path:
    """A function from a value to what the path selects. Raises PathError; the function raises PathMisses."""
    text = expression.strip()
    if not text.startswith("$"):
        raise PathError(f"a JSONPath must begin with $; got {expression!r}")
    steps, at = [], 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise PathError(f"JSONPath {expression!r} is not supported from {text[at:]!r} on")
        steps.append(_step(match, expression))
        at = match.end()
    if not steps:
        return lambda value: value
    return lambda value: _select(value, steps)


def indexes_only(expression: str) -> bool:
    """Whether the path uses places alone, the only steps that make sense for a CSV row."""
    return re.fullmatch(r"\$(\[(\*|[-\d:,\s]+)\])?", expression.strip()) is not None


Step = tuple[str, list[Any]]
"""`all`, `names` or `places`, and the names, or the indexes and slices."""


def _step(match: re.Match[str], expression: str) -> Step:
    inside = match["inside"]
    if match["star"] or inside == "*":
        return "all", []
    if match["name"]:
        return "names", [match["name"]]
    if inside[0] in "'\"":
        names = [re.sub(r"\\(.)", r"\1", one or other) for one, other in _QUOTED.findall(inside)]
        return "names", names
    return "places", [_place(part.strip(), expression) for part in inside.split(",")]


def _place(text: str, expression: str) -> int | slice:
    try:
        if ":" not in text:
            return int(text)
        start, end = text.split(":")
        return slice(int(start) if start.strip() else None, int(end) if end.strip() else None)
    except ValueError:
        raise PathError(f"JSONPath {expression!r}: {text!r} is neither an index nor a slice") from None


def _select(value: Any, steps: list[Step]) -> Any:
    found, many = [value], False
    for number, (kind, wanted) in enumerate(steps):
        if kind == "names" and len(wanted) > 1 and number == len(steps) - 1:
            found = [{name: _member(one, name) for name in wanted} for one in found]
            continue
        many = many or kind == "all" or len(wanted) > 1 or isinstance(wanted[0], slice)
        found = [part for one in found for part in _parts(one, kind, wanted)]
    return found if many else found[0]


def _parts(value: Any, kind: str, wanted: list[Any]) -> list[Any]:
    if kind == "names":
        return [_member(value, name) for name in wanted]
    if kind == "all":
        if isinstance(value, dict):
            return list(value.values())
        return list(_as_list(value, "*"))
    parts = []
    for place in wanted:
        items = _as_list(value, place)
        if isinstance(place, slice):
            parts += items[place]
        elif -len(items) <= place < len(items):
            parts.append(items[place])
        else:
            raise PathMisses(f"index {place} is out of range; there are {len(items)} values")
    return parts


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise PathMisses(f"a member {name!r} was asked for, but the value is no JSON object")
    if name not in value:
        raise PathMisses(f"there is no member {name!r}")
    return value[name]


def _as_list(value: Any, place: Any) -> list[Any]:
    if not isinstance(value, list):
        raise PathMisses("an index was asked for, but the value is no JSON array")
    return value
