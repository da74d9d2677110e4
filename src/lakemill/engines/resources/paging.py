"""Paging: opaque tokens that stay right while the list changes.

A token holds the sort key of the last item of its page, not an offset: items that appear or vanish between two pages
neither double nor hide another item.
"""

import base64
import binascii
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from lakemill.engines.resources.errors import TokenMangled

SortKey = Callable[[dict[str, Any]], tuple[Any, ...]]


@dataclasses.dataclass(frozen=True)
class Page:
    """Some items in order, and the token that leads on (None at the end)."""

    items: list[dict[str, Any]]
    token: str | None


def page(
    items: Iterable[dict[str, Any]], sort: SortKey, *, descending: bool = False, limit: int, token: str | None = None
) -> Page:
    """The page after `token` of items sorted by `sort`, whose tuples must be unique and made of str, int and float.

    Raises TokenMangled.
    """
    ordered = sorted(items, key=sort, reverse=descending)
    if token is not None:
        last = _opened(token)
        try:
            ordered = [one for one in ordered if (sort(one) < last if descending else sort(one) > last)]
        except TypeError:  # A token of another sort order.
            raise TokenMangled from None
    chosen = ordered[:limit]
    return Page(chosen, _sealed(sort(chosen[-1])) if len(ordered) > limit else None)


def _sealed(last: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(last)).decode().rstrip("=")


def _opened(token: str) -> tuple[Any, ...]:
    try:
        return tuple(msgspec.msgpack.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))))
    except (msgspec.DecodeError, binascii.Error, ValueError, TypeError):
        raise TokenMangled from None
