"""VACUUM: snapshots that are old are forgotten, and objects that nothing of the table needs any more are removed."""

import time

from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata

from lakemill.lakesql.dialects.model import Parsed
from lakemill.lakesql.iceberg import committing, properties
from lakemill.lakesql.iceberg.fileio import LakeIO, normal
from lakemill.lakesql.interface import Document, Lake, Outcome
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans.objects import prefix_of

_AT_ONCE = 1000
_LEFT_S = 86400
"""An object that nothing refers to may be one of a statement that still runs, unless it is older than this."""


def carry_out(query: Query, parsed: Parsed, document: Document) -> Outcome:
    """Raises SqlFailed."""
    database = parsed.target[0] or query.statement.database.lower()
    tables = query.iceberg.tables
    table = query.iceberg.table(document, database)
    kept = table.properties
    age_s = properties.number(kept, "vacuum_max_snapshot_age_seconds")
    expired = _expired(table, age_s, properties.number(kept, "vacuum_min_snapshots_to_keep"))
    before = _reached(table.metadata, tables.io) if expired else set()
    if expired:
        with committing.transaction(table, "vacuum"):
            table.maintenance.expire_snapshots().by_ids(expired).commit()
        table = tables.load_table((database, document["Name"]))
    needed = _reached(table.metadata, tables.io) | _metadata_files(
        table, properties.number(kept, "vacuum_max_metadata_files_to_keep")
    )
    gone = before - needed
    gone |= {uri for uri in _left(query.lake, table, age_s) if uri not in needed}
    _remove(tables.io, sorted(gone))
    return Outcome(kind="DML", substatement="VACUUM", form="txt")


def _expired(table: Table, age_s: int, count_min: int) -> list[int]:
    """Snapshots older than that which no branch or tag names, and which are not among the last ones."""
    named = {ref.snapshot_id for ref in table.refs().values()}
    ordered = sorted(table.snapshots(), key=lambda one: one.timestamp_ms, reverse=True)
    oldest_ms = time.time() * 1000 - age_s * 1000
    return [
        one.snapshot_id
        for place, one in enumerate(ordered)
        if place >= count_min and one.timestamp_ms < oldest_ms and one.snapshot_id not in named
    ]


def _reached(metadata: TableMetadata, io: LakeIO) -> set[str]:
    """All files that the snapshots refer to."""
    found: set[str] = set()
    for snapshot in metadata.snapshots:
        found.add(normal(snapshot.manifest_list))
        for manifest in snapshot.manifests(io):
            if normal(manifest.manifest_path) in found:
                continue
            found.add(normal(manifest.manifest_path))
            found |= {normal(one.data_file.file_path) for one in manifest.fetch_manifest_entry(io)}
    found |= {normal(one.statistics_path) for one in metadata.statistics}
    return found


def _metadata_files(table: Table, count: int) -> set[str]:
    """The file of the table's state now, and of the last ones before it."""
    before = [normal(entry.metadata_file) for entry in table.metadata.metadata_log]
    return {normal(table.metadata_location), *before[max(0, len(before) - count + 1) :]}


def _left(lake: Lake, table: Table, age_s: int) -> list[str]:
    """Objects among the table's that are old enough to be nobody's work in progress."""
    found: list[str] = []
    for folder in ("data/", "metadata/"):
        there = lake.objects(prefix_of(normal(table.location())) + folder)
        found += [one.uri for one in there if one.modified_s < time.time() - max(age_s, _LEFT_S)]
    return found


def _remove(io: LakeIO, uris: list[str]) -> None:
    for start in range(0, len(uris), _AT_ONCE):
        io.remove(uris[start : start + _AT_ONCE])
