"""UNLOAD: the rows of a query as objects of the lake, all or none.

`statement` takes the command apart, `lines` writes rows as text, `files` divides them into files, `destinations` says
what these are called. Everything is written before the first object is stored.
"""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from lakemill.lakesql.ddl.partitions import path as partition_path
from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Compiled, cases
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.partitions import NULL_PARTITION
from lakemill.lakesql.types import Type
from lakemill.warehouse import spectrum
from lakemill.warehouse.lake import WarehouseLake
from lakemill.warehouse.loading import authorization, history, sources
from lakemill.warehouse.results import Result
from lakemill.warehouse.unloading import destinations, files, lines, statement
from lakemill.warehouse.unloading.files import Piece
from lakemill.warehouse.unloading.statement import Unload

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_BATCH_ROWS = 1 << 14
_SEPARATOR = "\x01"


def carry_out(session: "Session", text: str) -> Result:
    """Carry out an UNLOAD. Raises SqlFailed, LakeRefused."""
    authorization.hide(session)
    unload = statement.parse(text)
    compiled = _compiled(session, unload)
    began = history.now()
    columns = compiled.columns or []
    _check_keys(unload, columns)
    with WarehouseLake(session.warehouse.platform, unload.authorization) as lake:
        destinations.check(lake, unload)
        pieces = _written(session, unload, compiled, lake.folder)
        destinations.clean(lake, unload, pieces)
        _store(lake, unload, pieces, columns)
    rows = sum(piece.rows for piece in pieces)
    _told(session, unload, pieces, rows, began)
    return Result("UNLOAD", rows=rows)


def _compiled(session: "Session", unload: Unload) -> Compiled:
    parsed = redshift.parse(session.kept(unload.query))
    if parsed.kind != "query":
        raise SqlFailed("42601", "UNLOAD needs a query")
    if parsed.tree is not None and (parsed.tree.args.get("limit") or parsed.tree.args.get("offset")):
        raise SqlFailed("0A000", "Limit clause is not supported", hint="Use a sub-query with the LIMIT clause")
    compiled = session.compile(parsed)
    compiled.columns = [(cases.shown(name), kind) for name, kind in compiled.columns or []]
    return compiled


def _check_keys(unload: Unload, columns: list[tuple[str, Type]]) -> None:
    names = [name for name, _ in columns]
    unload.keys[:] = [cases.shown(key) for key in unload.keys]
    for key in unload.keys:
        if key not in names:
            raise SqlFailed("42703", f'column "{key}" of PARTITION BY is not in the query')
    if unload.keys and "INCLUDE" not in unload.given and not set(names) - set(unload.keys):
        raise SqlFailed("XX000", "UNLOAD needs a column that is not one of PARTITION BY, or INCLUDE")


def _written(session: "Session", unload: Unload, compiled: Compiled, folder: Path) -> list[Piece]:
    """The files, in a folder. Raises SqlFailed, duckdb.Error."""
    columns = compiled.columns or []
    named = [(f"c{place}", name, type) for place, (name, type) in enumerate(columns)]
    kept = [one for one in named if one[1] not in unload.keys or "INCLUDE" in unload.given]
    keys = [next(one for one in named if one[1] == key) for key in unload.keys]
    terms = _terms(kept, unload)
    listed = ", ".join(value for value, _, _ in named)
    query = f"SELECT {', '.join(terms)}"
    if keys:
        texts = [
            f"coalesce(nullif({lines.text(value, type)}, ''), {sql.text(NULL_PARTITION)})" for value, _, type in keys
        ]
        query += f", {f' || {sql.text(_SEPARATOR)} || '.join(texts)} AS {sql.name(files.PATH)}"
    query += f" FROM ({compiled.sql}) AS result ({listed})"
    if keys:
        query += f" ORDER BY {sql.name(files.PATH)}"
    connection = session.connection
    with spectrum.reading(session, compiled.external):
        for one in compiled.statements[:-1]:
            connection.execute(one)
        reader = connection.execute(query).to_arrow_reader(_BATCH_ROWS)
        header = lines.header(kept, unload) if "HEADER" in unload.given else ""
        schema = pa.schema([field for field in reader.schema if field.name != files.PATH])

        def opened(path: Path) -> files.LineFile | files.ParquetFile:
            if unload.format == "PARQUET":
                return files.ParquetFile(path, unload, schema)
            return files.LineFile(path, unload, header)

        batches = _checked(session, reader, unload)
        return files.write(batches, unload, folder, opened, whole=unload.format != "JSON")


def _terms(kept: list[tuple[str, str, Type]], unload: Unload) -> list[str]:
    if unload.format != "PARQUET":
        return [f"{lines.line(kept, unload)} AS line"]
    return [f"{_parquet(value, type)} AS {sql.name(name)}" for value, name, type in kept]


def _parquet(value: str, type: Type) -> str:
    if type.name in ("super", "time", "timetz", "interval"):
        return f"CAST({value} AS VARCHAR)"
    return f"rtrim({value}, ' ')" if type.name == "char" else value


def _checked(session: "Session", reader: pa.RecordBatchReader, unload: Unload) -> Iterator[pa.RecordBatch]:
    place = reader.schema.get_field_index(files.PATH)
    for batch in reader:
        if session.work is not None:
            session.work.check()
        if not batch.num_rows:
            continue
        if place >= 0:
            batch = batch.set_column(place, files.PATH, _folders(batch.column(place), unload.keys))
        yield batch


def _folders(values: pa.Array, keys: list[str]) -> pa.Array:
    """Hive's folders of partitions, from the texts of their keys."""
    runs = pa.compute.run_end_encode(values)
    named = [
        partition_path(dict(zip(keys, one.split(_SEPARATOR), strict=True))) + "/" for one in runs.values.to_pylist()
    ]
    made = pa.RunEndEncodedArray.from_arrays(runs.run_ends, pa.array(named, pa.string()))
    return pa.compute.run_end_decode(made)


def _store(lake: WarehouseLake, unload: Unload, pieces: list[Piece], columns: list[tuple[str, Type]]) -> None:
    place = unload.prefix
    try:
        for piece in pieces:
            place = destinations.uri(unload, piece)
            lake.store(str(piece.path), place)
            piece.path.unlink()
        if "MANIFEST" in unload.given:
            path, place = lake.folder / "manifest", f"{unload.prefix}manifest"
            path.write_bytes(destinations.manifest(unload, pieces, columns))
            lake.store(str(path), place)
    except LakeRefused as wrong:
        raise sources.refused(wrong, place) from None


def _told(session: "Session", unload: Unload, pieces: list[Piece], rows: int, began: datetime.datetime) -> None:
    query = 0 if session.work is None else session.work.query
    session.values["pg_last_unload_count"], session.values["pg_last_unload_id"] = rows, query
    if "ENCRYPTED" in unload.given:
        session.notices.append("WARNING:  ENCRYPTED has no effect: objects are not encrypted at rest")
    session.notices.append(f"INFO:  UNLOAD completed, {rows} record(s) unloaded successfully.")
    who = history.of_session(session) | history.duration(began) | {"file_format": unload.format}
    told = [
        who
        | {
            "path": destinations.uri(unload, piece),
            "line_count": piece.rows,
            "transfer_size": piece.size,
        }
        for piece in pieces
    ]
    history.add(session, "stl_unload_log", told)
    size = sum(piece.size for piece in pieces)
    whole = {"status": "completed", "unloaded_rows": rows, "unloaded_files_count": len(pieces)}
    history.add(session, "sys_unload_history", [who | whole | {"unloaded_files_size": size}])
