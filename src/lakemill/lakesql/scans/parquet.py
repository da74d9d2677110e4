"""Parquet: read by DuckDB itself, which prunes row groups and columns."""

import pyarrow as pa
import pyarrow.parquet as pq

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans.columnar import Alike, Format, Inside, scanned
from lakemill.lakesql.scans.constants import Constants
from lakemill.lakesql.scans.objects import File
from lakemill.lakesql.scans.table import Storage


def of_storage(storage: Storage) -> Format:
    """Columns are found by name, but by place with `parquet.column.index.access`."""
    by_place = storage.options.get("parquet.column.index.access", "").lower() == "true"
    return Format("parquet", _inside, _relation, by_place)


def _relation(alike: Alike, places: set[int], constants: Constants) -> tuple[str, list[str]]:
    return scanned("read_parquet", alike, constants, ", hive_partitioning = false")


def _inside(file: File) -> Inside:
    try:
        metadata = pq.read_metadata(file.path)
        schema = metadata.schema.to_arrow_schema().remove_metadata()
    except (pa.ArrowException, OSError) as wrong:
        raise SqlFailed("HIVE_BAD_DATA", f"Not valid Parquet file: {file.uri}: {wrong}") from None
    return Inside(schema, metadata.num_rows, lambda places: chunk_bytes(metadata, schema, places))


def chunk_bytes(metadata: pq.FileMetaData, schema: pa.Schema, places: set[int]) -> int:
    """What the chunks of these columns take up in the file."""
    roots = {schema.names[place] for place in places}
    if not roots:
        return 0
    paths = [metadata.schema.column(leaf).path for leaf in range(metadata.num_columns)]
    leaves = [leaf for leaf, path in enumerate(paths) if path in roots or path.split(".")[0] in roots]
    groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
    return sum(group.column(leaf).total_compressed_size for group in groups for leaf in leaves)
