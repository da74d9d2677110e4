"""NextToken: where a list goes on. It holds for 300 seconds."""

import base64
import binascii
from typing import Any

import msgspec

from lakemill.services.base import ServiceError
from lakemill.services.kinesis.errors import invalid

LIFE_MS = 300_000


def made(kind: str, now_ms: int, *state: Any) -> str:
    """A token of one kind of list."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode([kind, now_ms, *state])).decode()


def read(token: str, kind: str, now_ms: int) -> list[Any]:
    """The state in a token. Raises ServiceError (InvalidArgumentException, ExpiredNextTokenException)."""
    try:
        found = msgspec.msgpack.decode(base64.urlsafe_b64decode(token), type=list)
        own, made_ms, state = found[0], int(found[1]), found[2:]
    except (binascii.Error, msgspec.DecodeError, ValueError, TypeError, IndexError):
        raise invalid("Invalid NextToken.") from None
    if own != kind:
        raise invalid("The NextToken is one of another operation.")
    if now_ms - made_ms > LIFE_MS:
        raise ServiceError("ExpiredNextTokenException", "The NextToken has expired; tokens hold for 300 seconds.")
    return state
