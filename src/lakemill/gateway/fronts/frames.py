"""What a front and the platform say to each other. `number` is a request's, unique in its front.

A front sends a Request, then a Body for each Wanted and a Room for each Piece. The platform answers by a Whole, or by
Begin, Pieces and End, or by Broken; a Wanted may come before or among them. Leave comes once, and is about no request.
"""

import msgspec

from lakemill.services.base import Signed

Headers = list[tuple[str, str]]


class Request(msgspec.Struct, array_like=True, gc=False, tag=0):
    """A request, as HttpRequest has it."""

    number: int
    method: str
    raw_path: bytes
    query_string: bytes
    headers: dict[str, str] | Headers
    """By name, where none comes twice."""
    client: str
    body: bytes
    """As much of it as has come."""
    ended: bool
    """Whether that is all of it."""
    lost: bool
    """Whether no more will come."""
    expects: bool
    """Whether the client waits to be told to send it."""
    signed: Signed | None
    """None if the signature was not checked, or is not right."""


class Body(msgspec.Struct, array_like=True, gc=False, tag=1):
    """The next piece of a request's body."""

    number: int
    data: bytes
    ended: bool
    lost: bool


class Room(msgspec.Struct, array_like=True, gc=False, tag=2):
    """A piece of the answer was sent. lost, closed: as RequestBody has them."""

    number: int
    lost: bool
    closed: bool


class Whole(msgspec.Struct, array_like=True, gc=False, tag=3):
    """An answer at once."""

    number: int
    status: int
    headers: Headers
    body: bytes
    signed: Signed | None
    """What the platform found the signature right with, where the front did not."""


class Begin(msgspec.Struct, array_like=True, gc=False, tag=4):
    """The head of an answer that comes piece by piece."""

    number: int
    status: int
    headers: Headers
    bodiless: bool


class Piece(msgspec.Struct, array_like=True, gc=False, tag=5):
    """Some of its body. There is one under way at a time."""

    number: int
    data: bytes


class End(msgspec.Struct, array_like=True, gc=False, tag=6):
    """That was all of it."""

    number: int


class Wanted(msgspec.Struct, array_like=True, gc=False, tag=7):
    """Somebody waits for more of the request's body."""

    number: int


class Broken(msgspec.Struct, array_like=True, gc=False, tag=8):
    """There is no answer, or not all of it: the connection must be closed."""

    number: int


class Leave(msgspec.Struct, array_like=True, gc=False, tag=9):
    """Take no more requests, and end when those under way are answered."""


FromFront = Request | Body | Room
Answer = Whole | Begin | Piece | End | Broken
FromPlatform = Answer | Wanted | Leave
