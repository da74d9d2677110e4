"""Whether the caller may read what a cluster would read for them: every table, partition and object.

The cluster reads with its own keys and decides itself which partitions it needs, so all of them count.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Lake, LakeRefused
from lakemill.lakesql.scans import objects
from lakemill.lakesql.scans.partitions import parts
from lakemill.lakesql.scans.table import is_iceberg, of_document
from lakemill.lakesql.trino.tables import Found

_TOGETHER = 1000


def check(lake: Lake, found: Found, folder: Path) -> None:
    """A table whose document the caller could read. Raises SqlFailed with PERMISSION_DENIED.

    folder: for files that are needed to know which objects the table has.
    """
    document = found.document
    if document.get("TableType") == "VIRTUAL_VIEW":
        return
    if is_iceberg(document):
        _check_iceberg(lake, found, folder)
        return
    table = of_document(found.database, document)
    if table.parameters.get("projection.enabled", "").lower() != "true":
        _check(lake, [file.uri for part in parts(lake, table) for file in part.files])
        return
    # Its partitions may be without number: whatever is below the place where all of them are.
    template = table.parameters.get("storage.location.template") or table.storage.location
    _check_below(lake, template.partition("${")[0])


def refused(table: str) -> SqlFailed:
    """A table that the cluster would read, and nobody has looked at."""
    return SqlFailed("PERMISSION_DENIED", f"Access Denied: the cluster would read {table}, which was not checked")


def _check_iceberg(lake: Lake, found: Found, folder: Path) -> None:
    """All that is where the table's files belong, whichever of its states it is of; and files from elsewhere."""
    from lakemill.lakesql.iceberg.catalog import Tables

    tables = Tables(lake, folder / "iceberg")
    metadata = tables.loaded(found.document, found.database).metadata
    given = (metadata.properties.get(name) for name in ("write.data.path", "write.metadata.path"))
    places = tuple({objects.prefix_of(place) for place in (metadata.location, *given) if place})
    for place in places:
        _check_below(lake, place)
    snapshots = metadata.snapshots if found.any_version else filter(None, [metadata.current_snapshot()])
    manifests = {one.manifest_path: one for snapshot in snapshots for one in snapshot.manifests(tables.io)}
    entries = (entry for one in manifests.values() for entry in one.fetch_manifest_entry(tables.io))
    files = (entry.data_file.file_path.replace("s3a://", "s3://", 1) for entry in entries)
    _check(lake, (uri for uri in (*manifests, *files) if not uri.startswith(places)))


def _check_below(lake: Lake, place: str) -> None:
    prefix = objects.prefix_of(place)
    try:
        _check(lake, (source.uri for source in lake.objects(prefix)))
    except LakeRefused as wrong:
        raise objects.reading_refused(wrong, prefix) from None


def _check(lake: Lake, uris: Iterable[str]) -> None:
    for some in _pages(uris):
        try:
            lake.check(some)
        except LakeRefused as wrong:
            raise objects.reading_refused(wrong, some[0]) from None


def _pages(uris: Iterable[str]) -> Iterator[list[str]]:
    page: list[str] = []
    for uri in uris:
        page.append(uri)
        if len(page) == _TOGETHER:
            yield page
            page = []
    if page:
        yield page
