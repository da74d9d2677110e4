"""Marker and MaxRecords, and filters by tags, as every list of Redshift has them."""

from collections.abc import Callable, Iterable
from typing import Any

from lakemill.engines.resources import by_name, page
from lakemill.engines.resources.collection import Document
from lakemill.services.redshift.errors import invalid

PAGE, LEAST = 100, 20


def listed(
    found: Iterable[Document], request: Document, member: str, shape: Callable[[Document], Document]
) -> Document:
    """A page of documents by their names. Raises TokenMangled, InvalidParameterValue."""
    limit = request.get("MaxRecords", PAGE)
    if not LEAST <= limit <= PAGE:
        raise invalid(f"Invalid value for MaxRecords: {limit}. It must be between {LEAST} and {PAGE}.")
    taken = page(found, by_name, limit=limit, token=request.get("Marker") or None)
    return {member: [shape(one) for one in taken.items]} | ({"Marker": taken.token} if taken.token else {})


def by_tags(request: Document) -> Callable[[Document], bool]:
    """Whether a document has one of the tags that a request asks for."""
    keys, values = set(request.get("TagKeys") or ()), set(request.get("TagValues") or ())

    def has(document: Document) -> bool:
        tags: dict[str, str] = document["tags"]
        if keys and values:
            return any(key in keys and value in values for key, value in tags.items())
        return not (keys or values) or bool(keys & set(tags)) or bool(values & set(tags.values()))

    return has


def tags_of(request: Document) -> dict[str, str]:
    """Tags as a dict. Raises InvalidTagFault's sibling for one without a key."""
    found: dict[str, str] = {}
    for tag in request.get("Tags") or []:
        if not tag.get("Key") or tag["Key"].startswith("aws:"):
            raise invalid("A tag must have a Key, which must not begin with aws:.")
        found[tag["Key"]] = tag.get("Value", "")
    return found


def tag_list(tags: Any) -> list[dict[str, str]]:
    """Tags as the API tells them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
