"""OPTIMIZE: files that are small, or of which rows were deleted, become few, in the same partitions.

A file is rewritten where it is smaller or larger than it should be and its partition has at least so many of these, or
where so many files of deletes apply to it.
"""

from collections.abc import Mapping, Sequence

from pyiceberg.table import FileScanTask
from sqlglot import exp

from lakemill.lakesql.dialects import changes as compiling
from lakemill.lakesql.dialects.model import Parsed, Translated
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.iceberg import committing, properties
from lakemill.lakesql.iceberg.changing import zoned
from lakemill.lakesql.iceberg.files import TARGET_BYTES, TARGET_BYTES_DEFAULT, DataFiles
from lakemill.lakesql.iceberg.reading import ROW_FILE, ROW_POSITION, Scan
from lakemill.lakesql.interface import Outcome
from lakemill.lakesql.query import Query

_SMALL, _LARGE = 0.75, 1.8
"""Of the target size, where the table does not say."""
_REWRITTEN = "files_rewritten"


def carry_out(query: Query, parsed: Parsed) -> Outcome:
    """Raises SqlFailed."""
    assert parsed.tree is not None
    made = compiling.compile(parsed.tree, query.schema, query.statement.database, ROW_FILE, ROW_POSITION)
    scan = query.source(made.target.database, made.target.name)
    if not isinstance(scan, Scan):
        raise SqlFailed("NOT_SUPPORTED", "OPTIMIZE is only supported for tables", 1, 1)
    where = parsed.tree.args.get("where")
    if where is not None and not _of_partitions(scan, where):
        message = "OPTIMIZE takes conditions on columns that the table is partitioned by only"
        raise SqlFailed("NOT_SUPPORTED", message, 1, 1)
    tasks = _chosen(scan.planned(made.target), scan.table.properties)
    files = DataFiles(query.connection, query.iceberg.tables.io, scan.table.metadata, query.folder / "out")
    files.prepare()
    query.translated = Translated("", [])
    names = [name for name, _ in scan.columns]
    paths = scan.view(_REWRITTEN, dict(enumerate(tasks)), names, query.connection, query.meter)
    query.views.paths += paths
    query.find()
    if tasks:
        shown = ", ".join(f"{zoned(name, type.name)} AS c{place}" for place, (name, type) in enumerate(scan.columns))
        with files.told(), query.watching():
            relation = f"(SELECT {shown} FROM {_REWRITTEN} AS k) AS rows_written"
            written = files.write([f"c{place}" for place in range(len(names))], relation)
            committing.replace(scan.table, [task.file for task in tasks], written, "optimize")
    return Outcome(kind="DML", substatement="OPTIMIZE", form="txt")


def _chosen(tasks: Sequence[FileScanTask], kept: Mapping[str, str]) -> list[FileScanTask]:
    target = int(kept.get(TARGET_BYTES, TARGET_BYTES_DEFAULT))
    small = int(kept.get("optimize_rewrite_min_data_file_size_bytes", _SMALL * target))
    large = int(kept.get("optimize_rewrite_max_data_file_size_bytes", _LARGE * target))
    files_min = properties.number(kept, "optimize_rewrite_data_file_threshold")
    deletes_min = properties.number(kept, "optimize_rewrite_delete_file_threshold")
    odd: dict[object, list[FileScanTask]] = {}
    found: list[FileScanTask] = []
    for task in tasks:
        if len(task.delete_files) >= deletes_min:
            found.append(task)
        elif not small <= task.file.file_size_in_bytes <= large:
            odd.setdefault((task.file.spec_id, task.file.partition), []).append(task)
    return found + [task for some in odd.values() if len(some) >= files_min for task in some]


def _of_partitions(scan: Scan, where: exp.Expr) -> bool:
    """Whether a condition names no columns but those that the table is partitioned by."""
    schema = scan.table.schema()
    known = {str(schema.find_column_name(part.source_id)).lower() for part in scan.table.spec().fields}
    return {one.name.lower() for one in where.find_all(exp.Column)} <= known
