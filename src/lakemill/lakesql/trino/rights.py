"""Whether the caller may read what a cluster would read for them: every table, partition and object."""

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Document, Lake, LakeRefused, Source
from lakemill.lakesql.scans import objects
from lakemill.lakesql.scans.partitions import parts
from lakemill.lakesql.scans.table import is_iceberg, of_document

_TOGETHER = 1000


def check(lake: Lake, database: str, document: Document) -> None:
    """A table whose document the caller could read. Raises SqlFailed with PERMISSION_DENIED.

    The cluster reads with its own keys and decides itself which partitions it needs, so all of them count.
    """
    if document.get("TableType") == "VIRTUAL_VIEW":
        return
    if is_iceberg(document):
        _check_location(lake, (document.get("StorageDescriptor") or {}).get("Location") or "")
        return
    for part in parts(lake, of_document(database, document)):
        _check(lake, [file.uri for file in part.files])


def _check_location(lake: Lake, location: str) -> None:
    """All that is below, whichever of it belongs to the table's state that is read."""
    prefix, after = objects.prefix_of(location), ""
    while page := _page(lake, prefix, after):
        _check(lake, [source.uri for source in page])
        after = page[-1].uri


def _page(lake: Lake, prefix: str, after: str) -> list[Source]:
    try:
        return lake.objects(prefix, after)
    except LakeRefused as refused:
        raise objects.reading_refused(refused, prefix) from None


def _check(lake: Lake, uris: list[str]) -> None:
    for start in range(0, len(uris), _TOGETHER):
        some = uris[start : start + _TOGETHER]
        try:
            lake.check(some)
        except LakeRefused as refused:
            raise objects.reading_refused(refused, some[0]) from None


def refused(table: str) -> SqlFailed:
    """A table that the cluster would read, and nobody has looked at."""
    return SqlFailed("PERMISSION_DENIED", f"Access Denied: the cluster would read {table}, which was not checked")
