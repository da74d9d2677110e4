"""Paging tokens: opaque to clients, a name or a position to us."""

import base64
import binascii

from lakemill.services.base import ServiceError


def token_for(name: str) -> str:
    """A token that means "after this name"."""
    return base64.urlsafe_b64encode(name.encode()).decode()


def name_in(token: str | None) -> str:
    """The name in a token, "" for no token."""
    if not token:
        return ""
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.") from None


def position_token(direction: str, position: int) -> str:
    """`f/000...42` or `b/000...42`, CloudWatch's form: the event number padded to 56 digits.

    >>> position_token("f", 42)[-5:]
    '00042'
    """
    return f"{direction}/{position:056d}"


def position_in(token: str) -> tuple[str, int]:
    """Direction and position of a token of GetLogEvents."""
    direction, _, digits = token.partition("/")
    if direction not in ("f", "b") or not digits.isdigit():
        raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.")
    return direction, int(digits)
