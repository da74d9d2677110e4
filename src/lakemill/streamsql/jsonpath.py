"""The JSONPath that maps parts of a record to rows and columns: names, places in lists, slices of lists.

    $            the whole
    $.a.b        members; $['a b'] for names with other characters
    $.a[0]       one element
    $.a[0:]      elements from there on; [*], [1:3] too

Anything else (filters, `..`, negative places) is refused.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]'"\s]+) | \[(?P<quote>['"])(?P<quoted>.+?)(?P=quote)\]
    | \[(?P<place>\d+)\] | \[(?P<all>\*)\] | \[(?P<first>\d*):(?P<last>\d*)\]""",
    re.VERBOSE,
)
Step = str | int | slice


def steps(path: str) -> list[Step]:
    """A path taken apart. Raises ValueError.

    >>> steps("$.a['b c'][0].d[1:]")
    ['a', 'b c', 0, 'd', slice(1, None, None)]
    """
    if not path.startswith("$"):
        raise ValueError(f"A JSONPath begins with $; got {path!r}")
    found: list[Step] = []
    place = 1
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            raise ValueError(f"{path!r} cannot be read as a JSONPath from {path[place:]!r} on")
        place = match.end()
        if match["name"] is not None or match["quoted"] is not None:
            found.append(match["name"] if match["name"] is not None else match["quoted"])
        elif match["place"] is not None:
            found.append(int(match["place"]))
        else:
            first, last = match["first"] or "", match["last"] or ""
            found.append(slice(int(first) if first else None, int(last) if last else None))
    return found


def picker(path: list[Step]) -> Callable[[Any], Any]:
    """A function that gives the value at a path, None where there is none; of a slice, the list.

    >>> picker(steps("$.a[0]"))({"a": [7]})
    7
    """
    if len(path) == 1 and isinstance(path[0], str):
        name = path[0]
        return lambda value: value.get(name) if isinstance(value, dict) else None
    return lambda value: _follow(value, path)


def rows(value: Any, path: list[Step]) -> Iterator[Any]:
    """The values at a path, each element of a slice by itself.

    >>> list(rows({"a": [{"b": 1}, {"b": 2}]}, steps("$.a[0:].b")))
    [1, 2]
    """
    for place, step in enumerate(path):
        if isinstance(step, slice):
            for one in value[step] if isinstance(value, list) else ():
                yield from rows(one, path[place + 1 :])
            return
        value = _follow(value, [step])
    if value is not None:
        yield value


def _follow(value: Any, path: list[Step]) -> Any:
    for place, step in enumerate(path):
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return None
            value = value[step]
        elif not isinstance(value, list):
            return None
        elif isinstance(step, int):
            if step >= len(value):
                return None
            value = value[step]
        else:
            return [_follow(one, path[place + 1 :]) for one in value[step]]
    return value
