"""Avro: read by DuckDB's extension, which is a package of its own."""

import importlib.util
from pathlib import Path

import duckdb

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.columnar import Alike, Format, Inside, scanned
from lakemill.lakesql.scans.constants import Constants
from lakemill.lakesql.scans.objects import File

PACKAGE = "duckdb_extension_avro"


def load(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the extension; before the configuration is locked. Raises SqlFailed where it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    name = PACKAGE.replace("_", "-")
    needed = f"Avro needs the package {name}, of DuckDB's version: pip install '{name}=={duckdb.__version__}'"
    if found is None or found.origin is None:
        raise SqlFailed("NOT_SUPPORTED", needed)
    path = Path(found.origin).parent / "extensions" / f"v{duckdb.__version__}" / "avro.duckdb_extension"
    if not path.is_file():
        raise SqlFailed("NOT_SUPPORTED", needed)
    connection.execute(f"LOAD {sql.text(str(path))}")


def of_connection(connection: duckdb.DuckDBPyConnection) -> Format:
    """Raises SqlFailed where the extension is not installed."""
    load(connection)

    def inside(file: File) -> Inside:
        try:
            relation = connection.sql(f"SELECT * FROM read_avro({sql.text(file.path)}) LIMIT 0")
            schema = relation.to_arrow_table().schema
        except duckdb.Error as wrong:
            raise SqlFailed("HIVE_BAD_DATA", f"Not valid Avro file: {file.uri}: {str(wrong).splitlines()[0]}") from None
        return Inside(schema, None, lambda places: file.source.size)

    return Format("avro", inside, _relation)


def _relation(alike: Alike, places: set[int], constants: Constants) -> tuple[str, list[str]]:
    return scanned("read_avro", alike, constants)
