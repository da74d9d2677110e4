"""Results as files: CSV with a header, everything in quotes and NULL empty; or lines without a header."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakemill.lakesql.interface import Column
from lakemill.lakesql.results.text import of_type
from lakemill.lakesql.types import Type

if TYPE_CHECKING:
    import duckdb

BLOCK_ROWS = 20_000


def described(columns: list[tuple[str, Type]]) -> list[Column]:
    """Columns as GetQueryResults tells them."""
    made = []
    for name, kind in columns:
        word, precision, scale = kind.athena()
        made.append(Column(name, word, precision, scale, case_sensitive=kind.name in {"varchar", "char"}))
    return made


def write(
    connection: "duckdb.DuckDBPyConnection", sql: str, path: Path | str, form: str, columns: list[tuple[str, Type]]
) -> tuple[list[Column], int]:
    """Write a query's rows, and tell its columns and how many rows there are.

    Parameters
    ----------
    connection : DuckDBPyConnection
        With the dialect's prelude.
    sql : str
        The query, as `translate` made it. Its rows are read once, a block at a time.
    path : path
        The file that is made.
    form : str
        `csv` or `txt`.
    columns : list of (name, Type)
        As `translate` told them; by place, names may repeat.

    Raises
    ------
    duckdb.Error
        Where the query fails; the file is incomplete then.
    """
    names = [f"c{i}" for i in range(len(columns))]
    texts = [f"{of_type(name, kind)} AS {name}" for name, (_, kind) in zip(names, columns, strict=True)]
    if form == "txt":
        cells = ", ".join(f"coalesce({t.rpartition(' AS ')[0]}, '')" for t in texts)
        texts = [f"concat_ws(chr(9), {cells}) AS line"]
    # In one statement, which DuckDB binds once.
    shown = f"SELECT {', '.join(texts)} FROM ({sql}) AS result ({', '.join(names)})"
    reader = connection.execute(shown).to_arrow_reader(BLOCK_ROWS)
    rows = _lines(reader, path) if form == "txt" else _csv(reader, path, [name for name, _ in columns])
    return described(columns), rows


def _csv(reader: Any, path: Path | str, names: list[str]) -> int:
    import pyarrow
    import pyarrow.csv

    schema, rows = pyarrow.schema([(name, pyarrow.string()) for name in names]), 0
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
    with open(path, "wb") as file:
        file.write((",".join('"' + name.replace('"', '""') + '"' for name in names) + "\n").encode())
        with pyarrow.csv.CSVWriter(file, schema, write_options=options) as writer:
            for batch in reader:
                rows += batch.num_rows
                writer.write_batch(pyarrow.RecordBatch.from_arrays(batch.columns, schema=schema))
    return rows


def _lines(reader: Any, path: Path | str) -> int:
    rows = 0
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for batch in reader:
            rows += batch.num_rows
            file.writelines(f"{line}\n" for line in batch.column(0).to_pylist())
    return rows


def write_lines(lines: list[str], path: Path | str) -> int:
    """The result of DDL: a line for each row."""
    Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)
