"""CREATE TABLE, CREATE TABLE AS, and SELECT INTO."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import duckdb
import msgspec

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Parameters, Parsed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type, quoted
from lakemill.warehouse import reading, rights
from lakemill.warehouse.commands import attributes
from lakemill.warehouse.history import now
from lakemill.warehouse.names import identity
from lakemill.warehouse.objects import TEMPORARY, Column, Relation, stored_type
from lakemill.warehouse.results import Result
from lakemill.warehouse.store import place
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

COLUMNS_MAX = 1600


def create(session: "Session", tokens: Tokens) -> Result:
    """CREATE [LOCAL] [TEMP] TABLE [IF NOT EXISTS] name (columns, constraints, LIKE ...) attributes"""
    tokens.expect("CREATE")
    tokens.take("LOCAL")
    temporary = bool(tokens.any_of("TEMP", "TEMPORARY"))
    tokens.expect("TABLE")
    lenient = tokens.take("IF", "NOT", "EXISTS")
    name = tokens.qualified()
    table = Relation(oid=0, owner=session.user, columns=[])
    tokens.expect("(")
    while True:
        _element(session, tokens, table)
        if not tokens.take(","):
            break
    tokens.expect(")")
    attributes.of_table(tokens, table)
    tokens.end()
    if not _free(session, name, temporary, lenient):
        return Result("CREATE TABLE")
    make(session, name, temporary, table)
    return Result("CREATE TABLE")


def create_as(session: "Session", parsed: Parsed, parameters: Parameters | None) -> Result:
    """A table with the rows of a query."""
    name, temporary = parsed.target, "temporary" in parsed.flags
    session.transaction.need()
    if not _free(session, name, temporary, "if_not_exists" in parsed.flags):
        return Result("CREATE TABLE AS")
    compiled = session.compile(parsed, parameters)
    assert compiled.columns is not None
    names = parsed.columns or [column for column, _ in compiled.columns]
    if len(names) != len(compiled.columns):
        raise SqlFailed("42601", "CREATE TABLE AS specifies too many column names")
    table = Relation(oid=0, owner=session.user, columns=[])
    for column, (_, kind) in zip(names, compiled.columns, strict=True):
        known = Type("varchar", (65535,)) if kind.name == "unknown" or kind == Type("varchar") else kind
        _add(table, Column(name=column, type=stored_type(known)))
    attributes.of_table(Tokens(parsed.head), table)
    where = make(session, name, temporary, table)
    count = 0
    if "no_data" not in parsed.flags:
        with reading.external(session, compiled.external):
            reading.prepare(session, compiled)
            row = session.connection.execute(f"INSERT INTO {where} {compiled.sql}").fetchone()
        count = row[0] if row else 0
    return Result("SELECT", rows=count)


def make(session: "Session", parts: tuple[str, ...], temporary: bool, table: Relation) -> str:
    """Make a table that was described, without rows; DuckDB's name of it. Raises SqlFailed."""
    schema, name = _where(session, parts, temporary)
    attributes.check(table)
    if schema == TEMPORARY:
        database = session.store.get("database", session.database)
        rights.require(session, "database", database, session.database, "TEMP")
    else:
        rights.require(session, "schema", session.store.get("schema", schema, session.database), schema, "CREATE")
    table.oid, table.created = session.store.number(), now().isoformat(sep=" ", timespec="seconds")
    session.transaction.touched()
    for column in table.columns:
        if column.identity:
            make_identity(session.connection, table, column)
    where = f"{place(session.database, schema)}.{quoted(name)}"
    kind = "TEMP TABLE" if schema == TEMPORARY else "TABLE"
    columns = ", ".join(definition(column) for column in table.columns)
    try:
        session.connection.execute(f"CREATE {kind} {where} ({columns})")
    except duckdb.CatalogException:
        raise SqlFailed("0A000", f'a name that differs from another in case only is not supported: "{name}"') from None
    if schema != TEMPORARY:
        _default_rights(session, schema, table)
    session.store.annotate(session.database, schema, name, table)
    return where


def definition(column: Column) -> str:
    """A column as DuckDB's CREATE TABLE takes it."""
    return f"{quoted(column.name)} {column.typed().duckdb()}{' NOT NULL' if column.not_null else ''}"


def make_identity(connection: duckdb.DuckDBPyConnection, table: Relation, column: Column) -> None:
    """The sequence of an identity column."""
    seed, step = column.identity
    bound = f"MAXVALUE {max(seed, 1)} MINVALUE -9223372036854775807" if step < 0 else f"MINVALUE {min(seed, 1)}"
    connection.execute(f"CREATE SEQUENCE {identity(table)} INCREMENT {step} {bound} START {seed}")


def column_of(session: "Session", tokens: Tokens, table: Relation) -> Column:
    """name type attributes. Raises SqlFailed."""
    column = Column(name=tokens.name(), type=[])
    kind = attributes.type_of(tokens)
    column.type = stored_type(kind)
    attributes.of_column(tokens, table, column)
    if column.default:
        redshift.expression(column.default, [], session.names, kind)
    return column


def _element(session: "Session", tokens: Tokens, table: Relation) -> None:
    if tokens.take("LIKE"):
        _like(session, tokens, table)
        return
    name = tokens.name() if tokens.take("CONSTRAINT") else ""
    constraint: Callable[[Tokens, Relation, str], None] | None = attributes.CONSTRAINTS.get(tokens.peek())
    if constraint is not None:
        constraint(tokens, table, name)
    elif name:
        raise tokens.wrong()
    else:
        _add(table, column_of(session, tokens, table))


def _like(session: "Session", tokens: Tokens, table: Relation) -> None:
    parts = tokens.qualified()
    found = session.names.lookup(parts)
    if found is None:
        raise SqlFailed("42P01", f'relation "{".".join(parts)}" does not exist')
    schema, name, source = found
    if schema != TEMPORARY:
        rights.check_usage(session, schema)
    rights.require(session, "relation", source, name, "SELECT")
    defaults = False
    while word := tokens.any_of("INCLUDING", "EXCLUDING"):
        tokens.expect("DEFAULTS")
        defaults = word == "INCLUDING"
    for column in source.columns:
        copied = msgspec.structs.replace(column, identity=[], by_default=False, comment="")
        if not defaults:
            copied = msgspec.structs.replace(copied, default="")
        _add(table, copied)
    table.distribution, table.distribution_key = source.distribution, source.distribution_key
    table.sort_key, table.sort_style = list(source.sort_key), source.sort_style


def _add(table: Relation, column: Column) -> None:
    if table.column(column.name) is not None:
        raise SqlFailed("42701", f'column "{column.name}" specified more than once')
    if len(table.columns) >= COLUMNS_MAX:
        raise SqlFailed("54011", f"tables can have at most {COLUMNS_MAX} columns")
    table.columns.append(msgspec.structs.replace(column, number=len(table.columns) + 1))


def _where(session: "Session", parts: tuple[str, ...], temporary: bool) -> tuple[str, str]:
    if temporary or parts[-1].startswith("#"):
        if len(parts) > 1 and not parts[-2].startswith("pg_temp"):
            raise SqlFailed("42P16", "temporary tables may not specify a schema name")
        return TEMPORARY, parts[-1]
    schema, name = session.names.made_in(parts)
    found = session.store.get("schema", schema, session.database)
    if found is not None and found.external is not None:
        raise SqlFailed("0A000", f'schema "{schema}" is external: CREATE EXTERNAL TABLE makes its tables')
    return schema, name


def _free(session: "Session", parts: tuple[str, ...], temporary: bool, lenient: bool) -> bool:
    schema, name = _where(session, parts, temporary)
    if session.store.relation(session.database, schema, name) is None:
        return True
    if not lenient:
        raise SqlFailed("42P07", f'Relation "{name}" already exists')
    session.notices.append(f'INFO:  Relation "{name}" already exists and has been skipped')
    return False


def _default_rights(session: "Session", schema: str, table: Relation) -> None:
    for name in ("", schema):
        found = session.store.get("schema", name, session.database)
        for grantee, granted in (found.defaults.get(f"{session.user}/TABLES", {}) if found else {}).items():
            held = table.rights.setdefault(grantee, [])
            held += [one for one in granted if one not in held]
