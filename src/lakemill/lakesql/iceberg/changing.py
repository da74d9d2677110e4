"""DELETE, UPDATE and MERGE by copy-on-write: files with rows that change are written anew."""

from lakemill.lakesql.dialects import changes as compiling
from lakemill.lakesql.dialects.model import Parsed, TableUse, Translated
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.iceberg import committing
from lakemill.lakesql.iceberg.files import DataFiles
from lakemill.lakesql.iceberg.reading import ROW_FILE, ROW_POSITION, Scan
from lakemill.lakesql.interface import Outcome
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans import sql

_CHANGED, _KEPT = "row_changes", "files_changed"


def carry_out(query: Query, parsed: Parsed) -> Outcome:
    """Raises SqlFailed."""
    assert parsed.tree is not None
    made = compiling.compile(parsed.tree, query.schema, query.statement.database, ROW_FILE, ROW_POSITION)
    scan = query.source(made.target.database, made.target.name)
    if not isinstance(scan, Scan) or made.target.version is not None:
        raise SqlFailed("NOT_SUPPORTED", "This connector does not support modifying table rows", 1, 1)
    query.translated = Translated(made.sql, made.tables)
    files = DataFiles(query.connection, query.iceberg.tables.io, scan.table.metadata, query.folder / "out")
    files.prepare()
    query.find()
    with files.told(), query.watching():
        query.connection.execute(f"CREATE TEMP TABLE {_CHANGED} AS SELECT * FROM ({query.sql}) WHERE deed IS NOT NULL")
        count, inserted = _counted(query)
        numbers = _files(query)
        written = []
        if count:
            written = files.write(*_rows(query, scan, made.target, numbers, len(made.columns), inserted))
            gone = [scan.tasks[made.target.view][number].file for number in numbers]
            committing.replace(scan.table, gone, written, parsed.kind)
    uris = [file.file_path for file in written]
    return Outcome(kind="DML", substatement=parsed.kind.upper(), form="", manifest=uris, updated=count)


def _counted(query: Query) -> tuple[int, bool]:
    """How many rows change, and whether any come or become others. Raises SqlFailed for one that changes twice."""
    twice = f"SELECT 1 FROM {_CHANGED} WHERE file IS NOT NULL GROUP BY file, position HAVING count(*) > 1 LIMIT 1"
    if query.connection.execute(twice).fetchone():
        message = "One MERGE target table row matched more than one source row"
        raise SqlFailed("MERGE_TARGET_ROW_MULTIPLE_MATCHES", message)
    counts = f"SELECT count(*), count(*) FILTER (WHERE deed <> {compiling.DELETE}) FROM {_CHANGED}"
    found = query.connection.execute(counts).fetchone()
    assert found is not None
    return found[0], found[1] > 0


def _files(query: Query) -> list[int]:
    rows = query.connection.execute(f"SELECT DISTINCT file FROM {_CHANGED} WHERE file IS NOT NULL ORDER BY 1")
    return [number for (number,) in rows.fetchall()]


def _rows(
    query: Query, scan: Scan, target: TableUse, numbers: list[int], width: int, inserted: bool
) -> tuple[list[str], str]:
    """The rows that are written: those of the changed files that stay as they were, and those that come."""
    names = [name for name, _ in scan.columns]
    tasks = {number: scan.tasks[target.view][number] for number in numbers}
    scan.view(_KEPT, tasks, [*names, ROW_FILE, ROW_POSITION], query.connection, query.meter)
    # A view has moments in UTC; a query has them with their zone.
    shown = [zoned(name, type.name) for name, type in scan.columns]
    kept = ", ".join(f"{value} AS c{place}" for place, value in enumerate(shown))
    here = f"x.file = k.{sql.name(ROW_FILE)} AND x.position = k.{sql.name(ROW_POSITION)}"
    rows = f"SELECT {kept} FROM {_KEPT} AS k WHERE NOT EXISTS (SELECT 1 FROM {_CHANGED} AS x WHERE {here})"
    terms = [f"c{place}" for place in range(width)]
    if inserted:
        rows += f" UNION ALL SELECT {', '.join(terms)} FROM {_CHANGED} WHERE deed <> {compiling.DELETE}"
    return terms, f"({rows}) AS rows_written"


def zoned(name: str, kind: str) -> str:
    """A column of the view `k` as a query has it."""
    value = f"k.{sql.name(name)}"
    if kind != "timestamp with time zone":
        return value
    return f"CASE WHEN {value} IS NOT NULL THEN {{'t': {value}, 'z': 'UTC'}} END"
