"""ORC: read by Arrow, a stripe at a time, the wanted columns only."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.orc

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.columnar import Alike, Format, Inside
from lakemill.lakesql.scans.constants import Constants
from lakemill.lakesql.scans.objects import File
from lakemill.lakesql.scans.orcfooter import column_bytes
from lakemill.lakesql.scans.streams import Stream
from lakemill.lakesql.scans.table import Storage

_BATCH_ROWS = 1 << 16


def of_storage(storage: Storage, register: Callable[[Stream], str]) -> Format:
    """Columns are found by their place, but by name with `orc.column.index.access` false.

    register: makes a relation of a stream, and gives its name.
    """
    by_place = storage.options.get("orc.column.index.access", "true").lower() != "false"

    def relation(alike: Alike, places: set[int], constants: Constants) -> tuple[str, list[str]]:
        fields = [alike.schema.field(place) for place in sorted(places)]
        names = [f"$constant {place}" for place in range(len(constants.columns))]
        also = [pa.field(name, pa.string()) for name in names]
        dummy = [] if fields or also else [pa.field("$none", pa.null())]
        schema = pa.schema([*fields, *also, *dummy])

        def batches() -> Iterator[pa.RecordBatch]:
            for file in alike.files:
                for rows, columns in _stripes(file, alike.schema, sorted(places)):
                    found = [*columns, *constants.arrays(file, rows), *(pa.nulls(rows) for _ in dummy)]
                    yield pa.record_batch(found, schema=schema)

        return register(Stream(schema, batches)), [sql.name(name) for name in names]

    return Format("ORC", _inside, relation, by_place)


def _stripes(file: File, schema: pa.Schema, places: list[int]) -> Iterator[tuple[int, list[pa.Array]]]:
    orc = _opened(file)
    names = [schema.names[place] for place in places]
    for stripe in range(orc.nstripes):
        try:
            # No column at all cannot be asked for.
            batch = orc.read_stripe(stripe, columns=names or schema.names[:1])
        except (pa.ArrowException, OSError) as wrong:
            raise SqlFailed("HIVE_BAD_DATA", f"Malformed ORC file. {wrong} [{file.uri}]") from None
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            part = batch.slice(start, _BATCH_ROWS)
            yield part.num_rows, [part.column(name) for name in names]


def _inside(file: File) -> Inside:
    orc = _opened(file)
    schema = orc.schema.remove_metadata()
    return Inside(schema, orc.nrows, lambda places: column_bytes(file, places))


def _opened(file: File) -> pyarrow.orc.ORCFile:
    try:
        return pyarrow.orc.ORCFile(file.path)
    except (pa.ArrowException, OSError) as wrong:
        raise SqlFailed("HIVE_BAD_DATA", f"Malformed ORC file. {wrong} [{file.uri}]") from None
