"""Parquet: read by DuckDB itself, which prunes row groups and columns.

Its footers are read here, too, for the schema and for what a scan counts; they are kept for the next statement.
"""

import pyarrow as pa
import pyarrow.parquet as pq

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans.columnar import Alike, Format, Inside, scanned
from lakemill.lakesql.scans.constants import Constants
from lakemill.lakesql.scans.objects import File
from lakemill.lakesql.scans.table import Storage

_KEPT_MAX = 4096
_kept: dict[tuple[str, str], Inside] = {}
"""By an object's URI and ETag: the same bytes have the same footer."""


def of_storage(storage: Storage) -> Format:
    """Columns are found by name, but by place with `parquet.column.index.access`."""
    by_place = storage.options.get("parquet.column.index.access", "").lower() == "true"
    return Format("parquet", _inside, _relation, by_place)


def _relation(alike: Alike, places: set[int], constants: Constants) -> tuple[str, list[str]]:
    return scanned("read_parquet", alike, constants, ", hive_partitioning = false")


def _inside(file: File) -> Inside:
    version = (file.uri, file.source.etag)
    known = _kept.get(version)
    if known is None:
        if len(_kept) >= _KEPT_MAX:
            _kept.clear()
        known = _kept[version] = _read(file)
    return known


def _read(file: File) -> Inside:
    try:
        metadata = pq.read_metadata(file.path)
        schema = metadata.schema.to_arrow_schema().remove_metadata()
    except (pa.ArrowException, OSError) as wrong:
        raise SqlFailed("HIVE_BAD_DATA", f"Not valid Parquet file: {file.uri}: {wrong}") from None
    sizes = column_bytes(metadata, schema)
    return Inside(schema, metadata.num_rows, lambda places: sum(sizes[place] for place in places))


def column_bytes(metadata: pq.FileMetaData, schema: pa.Schema) -> list[int]:
    """What the chunks of each column take up in the file."""
    places = {name: place for place, name in reversed(list(enumerate(schema.names)))}  # Of one name, the first.
    sizes = [0] * len(schema.names)
    for leaf in range(metadata.num_columns):
        path = metadata.schema.column(leaf).path
        place = places[path] if path in places else _place_above(path, places)
        groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
        sizes[place] += sum(group.column(leaf).total_compressed_size for group in groups)
    return sizes


def _place_above(path: str, places: dict[str, int]) -> int:
    """Of the column that a leaf is inside of; names may have points themselves."""
    while path not in places:
        path = path.rpartition(".")[0]
    return places[path]
