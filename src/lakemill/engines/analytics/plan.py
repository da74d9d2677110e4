"""What a running application is to do: made by the service from its document, carried out by the runner."""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lakemill.engines.flink import Program

Raw = list[Any]
"""A record: data, arrival in ms since 1970, partition key, sequence number, shard ("" where there are none)."""
Process = Callable[[list[Raw]], Awaitable[list[Raw]]]
"""Records before they are read: others in their place, or none. Raises Unreachable."""
Send = Callable[[list[bytes]], Awaitable[list[bytes]]]
"""Hand records over; those to be tried again are returned. Raises Unreachable."""
Refusal = Callable[[], str | None]
"""Why something may not be done now, or None if it may."""
Say = Callable[[str, str], Awaitable[None]]
"""Write (level, message) where the application's messages go."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A data stream (kind "stream") or a delivery stream ("delivery")."""

    kind: str
    scope: str
    name: str


@dataclasses.dataclass(frozen=True)
class Input:
    id: str
    place: Place
    prefix: str
    count: int
    """Parallel in-application streams."""
    form: dict[str, Any]
    """How records are read; see `streamsql.records.RecordReader`."""
    refusal: Refusal
    process: Process | None = None


@dataclasses.dataclass(frozen=True)
class Reference:
    table: str
    form: dict[str, Any]
    load: Callable[[], bytes]
    """The object's bytes; called in a thread. Raises Unreachable."""


@dataclasses.dataclass(frozen=True)
class Output:
    """One of place and send is given."""

    stream: str
    """The in-application stream."""
    format: str
    """JSON or CSV."""
    refusal: Refusal
    place: Place | None = None
    send: Send | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    code: str
    inputs: Sequence[Input]
    references: Sequence[Reference]
    outputs: Sequence[Output]
    say: Say

    def program(self, data: Sequence[bytes] | None = None) -> dict[str, Any]:
        """As the worker takes it. data: of the references; None where it does not matter."""
        contents = data if data is not None else [b""] * len(self.references)
        return {
            "code": self.code,
            "inputs": [
                {"prefix": one.prefix, "count": one.count, "form": one.form, "keyed": one.place.kind == "stream"}
                for one in self.inputs
            ],
            "references": [
                {"table": one.table, "form": one.form, "data": content}
                for one, content in zip(self.references, contents, strict=True)
            ],
            "outputs": [
                {
                    "stream": one.stream,
                    "format": one.format,
                    "newline": one.place is not None and one.place.kind == "delivery",
                }
                for one in self.outputs
            ],
        }


Planner = Callable[[dict[str, Any]], Plan | Program]
