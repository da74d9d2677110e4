"""COPY: rows of objects of the lake into a table, all or none.

`statement` takes the command apart, `sources` finds the objects, `unpacking` makes plain files of them. Text is read
by DuckDB where every row is right (`textual`, `documents`), and by `rows` where one is not; `conversion` makes values
of fields, and `errors` writes down what is wrong for STL_LOAD_ERRORS.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.dialects.redshift.model import Column, Relation, Use
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Lake
from lakemill.warehouse import rights
from lakemill.warehouse.lake import WarehouseLake
from lakemill.warehouse.loading import authorization, columnar, errors, history, sources, statement, unpacking
from lakemill.warehouse.loading.avro import Avro
from lakemill.warehouse.loading.documents import Documents
from lakemill.warehouse.loading.inputs import Input, Relations
from lakemill.warehouse.loading.load import Load, Target
from lakemill.warehouse.loading.sources import Object
from lakemill.warehouse.loading.statement import Copy
from lakemill.warehouse.loading.textual import Textual
from lakemill.warehouse.results import Result

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


def carry_out(session: "Session", text: str) -> Result:
    """Carry out a COPY in the session's transaction. Raises SqlFailed, LakeRefused."""
    authorization.hide(session)
    copy, began = statement.parse(text), history.now()
    target = _target(session, copy)
    session.values["pg_last_copy_id"] = _query(session)
    with WarehouseLake(session.warehouse.platform, copy.authorization) as lake:
        folder = session.warehouse.scratch / f"copy-{session.pid}-{_query(session)}"
        folder.mkdir()
        try:
            objects = sources.found(lake, copy)
            count, wrong = _loaded(session, copy, target, lake, objects, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    _told(session, copy, target, count, wrong)
    if "NOLOAD" not in copy.given:
        _recorded(
            session, copy, target, objects, {"loaded_rows": count, "error_count": wrong} | history.duration(began)
        )
    return Result("COPY", rows=count)


def _query(session: "Session") -> int:
    return 0 if session.work is None else session.work.query


def _told(session: "Session", copy: Copy, target: Target, count: int, wrong: int) -> None:
    if "NOLOAD" in copy.given:
        session.notices.append(f"INFO:  Load into table '{target.table}' was checked, {count} record(s) are right.")
        return
    session.values["pg_last_copy_count"] = count
    session.notices.append(f"INFO:  Load into table '{target.table}' completed, {count} record(s) loaded successfully.")
    if wrong:
        said = f"{wrong} record(s) could not be loaded.  Check 'stl_load_errors' system table for details."
        session.notices.append(f"INFO:  Load into table '{target.table}' completed, {said}")


def _recorded(session: "Session", copy: Copy, target: Target, objects: list[Object], counts: dict[str, Any]) -> None:
    """What was loaded, for system tables, once the transaction is kept."""
    who = history.of_session(session) | {"file_format": copy.format.lower()}
    file = {"curtime": history.now(), "status": 1, "lines_scanned": -1, "errors": -1, "byte_offset": 0}
    files = [who | file | {"filename": one.uri} for one in objects]
    size = sum(one.size for one in objects)
    load = who | counts | {"status": "completed", "table_name": target.table, "data_source": copy.source}
    load |= {"source_file_count": len(objects), "source_file_bytes": size, "loaded_bytes": size}
    session.transaction.at_commit.append(lambda: history.add(session, "stl_load_commits", files))
    session.transaction.at_commit.append(lambda: history.add(session, "sys_load_history", [load]))


def _target(session: "Session", copy: Copy) -> Target:
    """The table, held until the end of the transaction. Raises SqlFailed."""
    while True:
        relation = session.names.relation(copy.table)
        name = ".".join(copy.table)
        if not isinstance(relation, Relation):
            kind = "a view" if isinstance(relation, redshift.View) else "an external table"
            raise SqlFailed("0A000", f'cannot copy to "{name}": it is {kind}')
        if relation.materialized:
            raise SqlFailed("0A000", f'cannot copy to "{name}": it is a materialized view')
        if not relation.writable:
            raise SqlFailed("42501", f"permission denied for relation {copy.table[-1]}")
        columns = _columns(copy, relation)
        rights.check_uses(session, [Use(relation, "insert", [column.name for column in columns])])
        if session.lock([relation.tag.oid]):
            break
    given = {column.name for column in columns}
    others = [(one.name, _default(session, one)) for one in relation.columns if one.name not in given]
    kept = [(name, default) for name, default in others if default]
    return Target(copy.table[-1], relation.sql, relation.tag.oid, columns, kept)


def _columns(copy: Copy, relation: Relation) -> list[Column]:
    """The columns that are read. Raises SqlFailed."""
    explicit = "EXPLICIT_IDS" in copy.given
    if copy.columns is None:
        return [column for column in relation.columns if explicit or not column.generated]
    known = {column.name: column for column in relation.columns}
    for place, name in enumerate(copy.columns):
        if name not in known:
            raise SqlFailed("42703", f'column "{name}" of relation "{copy.table[-1]}" does not exist')
        if name in copy.columns[:place]:
            raise SqlFailed("42701", f'column "{name}" specified more than once')
    columns = [known[name] for name in copy.columns]
    if any(column.generated for column in columns) and not explicit:
        raise SqlFailed("XX000", "cannot set an identity column to a value: EXPLICIT_IDS is needed")
    if explicit and not any(column.generated for column in columns):
        raise SqlFailed("XX000", "EXPLICIT_IDS needs an identity column in the list of columns")
    return columns


def _default(session: "Session", column: Column) -> str:
    """What a column that is not read gets; empty for null. Raises SqlFailed where it must not be null."""
    if column.next:
        return column.next
    if column.default:
        return redshift.expression(column.default, [], session.names, column.type).sql
    if column.not_null:
        raise SqlFailed("XX000", f"Cannot insert a NULL value into column {column.name}")
    return ""


def _loaded(
    session: "Session", copy: Copy, target: Target, lake: Lake, objects: list[Object], folder: Path
) -> tuple[int, int]:
    """Rows that were loaded, and that were not."""
    if copy.format in ("PARQUET", "ORC"):
        return _columnar(session, copy, target, objects), 0
    source = _input(session, copy, target, lake, objects, folder)
    load = Load(session, copy, target, source, folder)
    return load.carry_out(), len(load.errors)


def _input(session: "Session", copy: Copy, target: Target, lake: Lake, objects: list[Object], folder: Path) -> Input:
    if copy.format not in ("AVRO",):
        unpacking.plain(objects, copy, folder, lambda: _check(session))
    if copy.format in ("JSON", "AVRO"):
        names = [cases.shown(column.name) for column in target.columns]
        supers = [column.type.name == "super" for column in target.columns]
        if copy.mode == "noshred" and supers != [True]:
            raise SqlFailed("XX000", "noshred needs a list of one column, of type SUPER")
        paths = sources.text(lake, copy.mode, "JSONPaths") if copy.mode.startswith("s3://") else ""
        kind = Documents if copy.format == "JSON" else Avro
        with session.warehouse.connection() as other:
            return kind(objects, copy, names, supers, paths, other)
    if copy.format == "FIXEDWIDTH" and len(copy.widths) != len(target.columns):
        said = f"{len(copy.widths)} widths for {len(target.columns)} columns"
        raise SqlFailed("XX000", f"Invalid fixedwidth specification: {said}")
    return Textual(objects, copy, len(target.columns))


def _check(session: "Session") -> None:
    if session.work is not None:
        session.work.check()


def _columnar(session: "Session", copy: Copy, target: Target, objects: list[Object]) -> int:
    """Raises SqlFailed: one row that is wrong fails all of it."""
    names = ", ".join(f"v{place}" for place in range(len(target.columns)))
    only_looks = "NOLOAD" in copy.given
    session.transaction.touched()
    try:
        with Relations(session.connection) as relations:
            query = " UNION ALL ".join(columnar.selects(relations, objects, copy, target.columns))
            tried = f"SELECT count(*), bit_xor(hash({names})) FROM ({query}) AS tried ({names})"
            row = session.connection.execute(tried if only_looks else target.insert(query)).fetchone()
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.ConstraintException) as wrong:
        found = [errors.LoadError(one.uri, 0, "", 1204, "A value does not fit its column") for one in objects[:1]]
        errors.record(session, target.oid, target.columns, found)
        said = str(wrong).splitlines()[0]
        if said.endswith("load"):
            said = "a value is too long for its column, or null in one that is not to be"
        raise columnar.failed(said, 15001) from None
    return row[0] if row else 0
