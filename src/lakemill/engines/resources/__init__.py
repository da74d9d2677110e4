"""Typed documents with names, states, tags and paging, shared by every service that keeps resources."""

from lakemill.engines.resources.collection import Resources, by_creation, by_name
from lakemill.engines.resources.errors import (
    ResourceError,
    ResourceExists,
    ResourceMissing,
    TokenMangled,
    TooManyTags,
)
from lakemill.engines.resources.paging import Page, page
from lakemill.engines.resources.states import enter

__all__ = [
    "Page",
    "ResourceError",
    "ResourceExists",
    "ResourceMissing",
    "Resources",
    "TokenMangled",
    "TooManyTags",
    "by_creation",
    "by_name",
    "enter",
    "page",
]
