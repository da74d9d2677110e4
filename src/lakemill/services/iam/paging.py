"""Marker and MaxItems, as every list of IAM has them."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from lakemill.services.base import ServiceError

T = TypeVar("T")
PAGE = 100


def page(
    items: Iterable[T], request: Mapping[str, Any], member: str, place: Callable[[T], str], shape: Callable[[T], Any]
) -> dict[str, Any]:
    """One page of items, which come in the order of their places; only those of the page are shaped."""
    after = _read(request.get("Marker"))
    limit = request.get("MaxItems", PAGE)
    taken: list[T] = []
    for item in items:
        if after is not None and place(item) <= after:
            continue
        if len(taken) == limit:
            marker = base64.urlsafe_b64encode(place(taken[-1]).encode()).decode()
            return {member: [shape(one) for one in taken], "IsTruncated": True, "Marker": marker}
        taken.append(item)
    return {member: [shape(one) for one in taken], "IsTruncated": False}


def by_name(document: Mapping[str, Any]) -> str:
    """The place of a user, group, role, policy or profile."""
    name: str = document["name"].lower()
    return name


def _read(marker: str | None) -> str | None:
    if marker is None:
        return None
    try:
        return base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise ServiceError("ValidationError", f"Invalid Marker: {marker}", status=400) from None
