"""REST routes: from method, path, query and headers to an operation, by the models' URI templates.

Paths are matched segment by segment, fixed segments before labels, a greedy label (`{Key+}`) taking all that is left.
Among the operations of one path the one wins whose fixed query (`?uploads`, `?list-type=2`) is there and is largest;
then the one with most of its required query and header members there (CopyObject has x-amz-copy-source, UploadPart has
partNumber); then the one that is not deprecated; then the one `x-id` names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import ServiceModel


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """One operation's way in."""

    name: str
    fixed: tuple[tuple[str, str | None], ...]
    """Query parameters that must be there, with their value if the template gives one."""
    query: frozenset[str]
    """Required members in the query."""
    headers: frozenset[str]
    """Required members in headers, lower-case."""
    deprecated: bool

    def score(self, query: dict[str, str], headers: dict[str, str]) -> tuple[int, ...] | None:
        """How well a request fits, None when it does not."""
        for name, value in self.fixed:
            if name not in query or (value is not None and query[name] != value):
                return None
        # A presigned URL may carry a header in its query.
        there = sum(name in query for name in self.query)
        there += sum(name in headers or name in query for name in self.headers)
        missing = len(self.query) + len(self.headers) - there
        named = query.get("x-id") == self.name
        return len(self.fixed), -missing, there, named, not self.deprecated


class _Segment:
    """A node of the path tree."""

    __slots__ = ("fixed", "greedy", "label", "routes")

    def __init__(self) -> None:
        self.fixed: dict[bytes, _Segment] = {}
        self.label: _Segment | None = None
        self.greedy: _Segment | None = None
        self.routes: list[Route] = []


def template(uri: str) -> tuple[list[str], tuple[tuple[str, str | None], ...]]:
    """A requestUri as path segments and fixed query.

    >>> template("/{Bucket}/{Key+}?select&select-type=2")
    (['{Bucket}', '{Key+}'], (('select', None), ('select-type', '2')))
    """
    path, _, query = uri.partition("?")
    fixed = []
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if name != "x-id":
            fixed.append((name, value if equals else None))
    return [segment for segment in path.strip("/").split("/") if segment], tuple(fixed)


class Routes:
    """The routes of one service, made once from its model."""

    def __init__(self, service: ServiceModel) -> None:
        self._methods: dict[str, _Segment] = {}
        description = service._service_description
        for name, operation in description["operations"].items():
            self._add(name, operation, description["shapes"])

    def _add(self, name: str, operation: dict[str, Any], shapes: dict[str, Any]) -> None:
        segments, fixed = template(operation["http"]["requestUri"])
        shape = shapes[operation["input"]["shape"]] if "input" in operation else {}
        required: dict[str, set[str]] = {"querystring": set(), "header": set()}
        for member in shape.get("required", ()):
            said = shape["members"][member]
            if said.get("location") in required:
                required[said["location"]].add(said.get("locationName", member))
        node = self._methods.setdefault(operation["http"]["method"], _Segment())
        for segment in segments:
            node = _step(node, segment)
        headers = frozenset(header.lower() for header in required["header"])
        deprecated = bool(operation.get("deprecated"))
        node.routes.append(Route(name, fixed, frozenset(required["querystring"]), headers, deprecated))

    def find(self, method: str, path: bytes, query: dict[str, str], headers: dict[str, str]) -> str | None:
        """The operation's name, None when nothing fits. query and headers: first values by (lower-case) name."""
        top = self._methods.get(method)
        if top is None:
            return None
        for routes in _walk(top, path[1:] if path[:1] == b"/" else path):
            best, best_score = None, None
            for route in routes:
                score = route.score(query, headers)
                if score is not None and (best_score is None or score > best_score):
                    best, best_score = route, score
            if best is not None:
                return best.name
        return None


def _step(node: _Segment, segment: str) -> _Segment:
    if segment.startswith("{") and segment.endswith("+}"):
        node.greedy = node.greedy or _Segment()
        return node.greedy
    if segment.startswith("{"):
        node.label = node.label or _Segment()
        return node.label
    return node.fixed.setdefault(segment.encode(), _Segment())


def _walk(node: _Segment, rest: bytes) -> Iterator[list[Route]]:
    """The routes a path can mean, most fixed first."""
    if not rest:
        if node.routes:
            yield node.routes
        return
    head, _, tail = rest.partition(b"/")
    if head in node.fixed:
        yield from _walk(node.fixed[head], tail)
    if node.label is not None and head:
        yield from _walk(node.label, tail)
    if node.greedy is not None:
        # What follows a greedy label is fixed segments; they are matched from the end.
        if node.greedy.routes:
            yield node.greedy.routes
        yield from _behind_greedy(node.greedy, rest)


def _behind_greedy(node: _Segment, rest: bytes) -> Iterator[list[Route]]:
    for name, after in node.fixed.items():
        tail = b"/" + name
        if after.routes and rest.rstrip(b"/").endswith(tail):
            yield after.routes
