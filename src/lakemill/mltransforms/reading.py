"""The rows of a transform's table, and label files, as the role may read them."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from lakemill.lakesql import query
from lakemill.lakesql.dialects import athena
from lakemill.lakesql.interface import Statement
from lakemill.lakesql.scans.objects import Meter
from lakemill.mltransforms.interface import Task
from lakemill.mltransforms.lake import RoleLake, split

LABEL_FILES_BYTES_MAX = 10 << 20


class TaskFailed(Exception):
    """The user can mend it."""


def table(task: Task, lake: RoleLake, folder: Path) -> pa.Table:
    """All rows of the input table, the schema's columns. Raises SqlFailed, LakeRefused."""
    columns = ", ".join(_quoted(name) for name in task.columns)
    text = f"SELECT {columns} FROM {_quoted(task.database)}.{_quoted(task.table)}"
    statement = Statement(text=text, dialect="athena", folder=str(folder), memory_mib=task.memory_mib)
    folder.mkdir(parents=True, exist_ok=True)
    with query.Query(statement, lake, Meter()) as asked:  # type: ignore[arg-type]  # What changes the catalog is absent.
        asked.plan(athena.parse(text).tree)
        with asked.watching():
            return asked.reader().read_all().rename_columns(task.columns)


def label_files(place: str, lake: RoleLake) -> list[tuple[str, bytes]]:
    """(URI, bytes) of the object of this name or, if it ends with a slash, of all below it that end with .csv.

    Raises TaskFailed, LakeRefused.
    """
    uris = [place]
    if place.endswith("/") or not split(place)[1]:
        found = [one for one in lake.objects(place) if one.uri.endswith(".csv")]
        uris = [one.uri for one in found]
        if not uris:
            raise TaskFailed(f"Invalid label file path: there is no .csv file below {place}.")
        if sum(one.size for one in found) > LABEL_FILES_BYTES_MAX:
            raise TaskFailed(f"Label file has exceeded the limit of {LABEL_FILES_BYTES_MAX >> 20} MB.")
    return [(uri, Path(path).read_bytes()) for uri, path in zip(uris, lake.fetch(uris), strict=True)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def as_columns(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The rows with these columns, in this order; those they lack are empty."""
    made = [
        rows.column(name) if name in rows.column_names else pa.nulls(rows.num_rows, pa.string()) for name in columns
    ]
    return pa.table(made, names=list(columns))
