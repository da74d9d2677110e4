"""Tokens of pages."""

import base64
import binascii

from lakemill.services.redshift_data.errors import invalid


def sealed(place: str) -> str:
    """A token that means "after this"."""
    return base64.urlsafe_b64encode(place.encode()).decode()


def opened(token: str | None) -> str:
    """What a token means; "" without one."""
    try:
        return base64.b64decode((token or "").encode(), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("NextToken is malformed.") from None
