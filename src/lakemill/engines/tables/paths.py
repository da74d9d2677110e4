"""Document paths: an attribute, then map members and list positions. ("a", "b", 2) is a.b[2]."""

import copy
from collections.abc import Iterable
from typing import Any

from lakemill.engines.tables.errors import UpdateInvalid
from lakemill.engines.tables.values import Item, Value

Path = tuple[str | int, ...]
NO_PLACE = "The document path provided in the update expression is invalid for update"


def shown(path: Path) -> str:
    """A path in messages.

    >>> shown(("a", "b", 2))
    '[a, b, [2]]'
    """
    return "[" + ", ".join(f"[{step}]" if isinstance(step, int) else step for step in path) + "]"


def found(item: Item, path: Path) -> Value | None:
    """The value at a path, None where there is none."""
    value = item.get(path[0])  # type: ignore[arg-type]
    for step in path[1:]:
        if value is None:
            return None
        if isinstance(step, int):
            elements = value.get("L")
            value = elements[step] if elements is not None and step < len(elements) else None
        else:
            value = value.get("M", {}).get(step)
    return value


def put(item: Item, path: Path, value: Value) -> None:
    """Set it. A list position beyond the end appends. Raises UpdateInvalid where the path leads nowhere."""
    if len(path) == 1:
        item[path[0]] = value  # type: ignore[index]
        return
    parent, last = found(item, path[:-1]), path[-1]
    if isinstance(last, int):
        if parent is None or "L" not in parent:
            raise UpdateInvalid(NO_PLACE)
        elements = parent["L"]
        if last < len(elements):
            elements[last] = value
        else:
            elements.append(value)
    else:
        if parent is None or "M" not in parent:
            raise UpdateInvalid(NO_PLACE)
        parent["M"][last] = value


def remove(item: Item, path: Path) -> None:
    """Take away what stands there, if anything does. Raises UpdateInvalid where the path leads nowhere."""
    if len(path) == 1:
        item.pop(path[0], None)  # type: ignore[arg-type]
        return
    parent, last = found(item, path[:-1]), path[-1]
    if parent is None or ("L" if isinstance(last, int) else "M") not in parent:
        raise UpdateInvalid(NO_PLACE)
    if isinstance(last, int):
        del parent["L"][last : last + 1]
    else:
        parent["M"].pop(last, None)


def project(item: Item, paths: Iterable[Path]) -> Item:
    """Only what stands at the paths, within the maps and lists around it. Chosen list elements move together."""
    tree: dict[Any, Any] = {}
    for path in paths:
        node = tree
        for step in path:
            node = node.setdefault(step, {})
    chosen = _members(item, tree)
    return chosen


def _members(members: dict[str, Value], tree: dict[Any, Any]) -> dict[str, Value]:
    out = {}
    for step, below in tree.items():
        value = members.get(step)
        if value is not None and (part := _part(value, below)) is not None:
            out[step] = part
    return out


def _part(value: Value, tree: dict[Any, Any]) -> Value | None:
    if not tree:
        return value
    if "M" in value:
        part = _members(value["M"], tree)
        return {"M": part} if part else None
    if "L" in value:
        elements = value["L"]
        parts = [
            _part(elements[at], tree[at]) for at in sorted(k for k in tree if isinstance(k, int)) if at < len(elements)
        ]
        kept = [part for part in parts if part is not None]
        return {"L": kept} if kept else None
    return None


def copied(item: Item) -> Item:
    """An item that may be changed."""
    return copy.deepcopy(item)
