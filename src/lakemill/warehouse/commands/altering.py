"""ALTER TABLE."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import quoted
from lakemill.warehouse import rights, spectrum
from lakemill.warehouse.commands import appending, attributes, making, removing
from lakemill.warehouse.commands.databases import existing_user
from lakemill.warehouse.objects import Column, Relation, foreign_name, stored_type, unique_name
from lakemill.warehouse.results import Result
from lakemill.warehouse.store import place
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


class Altered:
    """A table that is being altered."""

    def __init__(self, session: "Session", schema: str, name: str, relation: Relation) -> None:
        self.session, self.schema, self.name, self.relation = session, schema, name, relation

    @property
    def where(self) -> str:
        """DuckDB's name of it."""
        return f"{place(self.session.database, self.schema)}.{quoted(self.name)}"

    def duckdb(self, change: str) -> None:
        """ALTER TABLE in DuckDB."""
        self.session.transaction.touched()
        self.session.connection.execute(f"ALTER TABLE {self.where} {change}")

    def column(self, name: str) -> Column:
        """One of its columns. Raises SqlFailed 42703."""
        found = self.relation.column(name)
        if found is None:
            raise SqlFailed("42703", f'column "{name}" of relation "{self.name}" does not exist')
        return found


def alter(session: "Session", tokens: Tokens) -> Result:
    """ALTER TABLE name ..."""
    tokens.expect("ALTER", "TABLE")
    parts = tokens.qualified()
    if len(parts) > 1 and removing.is_external(session, parts):
        return spectrum.carry_out(session, tokens.text)
    table = altered(session, parts, "table")
    if tokens.take("APPEND", "FROM"):
        return appending.append(table, tokens)
    if table.relation.kind == "materialized" and tokens.peek() != "OWNER":
        message = f'"{table.name}" is a materialized view'
        raise SqlFailed("42809", message, hint="Use ALTER MATERIALIZED VIEW to change it.")
    change(table, tokens, _CHANGES)
    return Result("ALTER TABLE")


def change(table: Altered, tokens: Tokens, changes: dict[str, Callable[[Altered, Tokens], None]]) -> None:
    """Carry out the one of the changes whose words come, and keep what is known of the table then. Raises SqlFailed."""
    session = table.session
    for words, carry_out in changes.items():
        if tokens.take(*words.split()):
            carry_out(table, tokens)
            break
    else:
        raise tokens.wrong()
    tokens.end()
    attributes.check(table.relation)
    session.transaction.touched()
    session.store.annotate(session.database, table.schema, table.name, table.relation)


def rename_or_give(session: "Session", tokens: Tokens, kind: str) -> None:
    """RENAME TO, OWNER TO: of a view."""
    table = altered(session, tokens.qualified(), kind)
    if tokens.take("RENAME", "TO"):
        _rename(table, tokens)
    elif tokens.take("OWNER", "TO"):
        _give(table, tokens)
    else:
        raise tokens.wrong()
    tokens.end()
    session.transaction.touched()
    session.store.annotate(session.database, table.schema, table.name, table.relation)


def altered(session: "Session", parts: tuple[str, ...], kind: str) -> Altered:
    """What ALTER names, held until the transaction's end. Raises SqlFailed."""
    schema, name, relation = removing.existing(session, parts)
    if kind == "view" and relation.kind != "view":
        raise SqlFailed("42809", f'"{name}" is not a view')
    if kind == "materialized" and relation.kind != "materialized":
        raise SqlFailed("42809", f'"{name}" is not a materialized view')
    if not rights.may(session, relation, "ALTER"):
        raise SqlFailed("42501", f"must be owner of relation {name}")
    if not session.lock([relation.oid], writing=kind != "materialized"):
        return altered(session, parts, kind)
    return Altered(session, schema, name, relation)


def _rename(table: Altered, tokens: Tokens) -> None:
    name, session = tokens.name(), table.session
    if session.store.relation(session.database, table.schema, name) is not None:
        raise SqlFailed("42P07", f'Relation "{name}" already exists')
    _unread(table, "rename")
    session.transaction.touched()
    session.connection.execute(f"ALTER {table.relation.held_as} {table.where} RENAME TO {quoted(name)}")
    table.name = name


def _unread(table: Altered, what: str) -> None:
    for _, name, view in removing.dependents(table.session, table.relation.oid):
        raise SqlFailed("0A000", f'cannot {what} "{table.name}": {view.label} {name} reads it by its name')


def _rename_column(table: Altered, tokens: Tokens) -> None:
    old = tokens.name()
    tokens.expect("TO")
    new = tokens.name()
    column = table.column(old)
    if table.relation.column(new) is not None:
        raise SqlFailed("42701", f'column "{new}" of relation "{table.name}" already exists')
    _unread(table, "rename a column of")
    table.duckdb(f"RENAME COLUMN {quoted(old)} TO {quoted(new)}")
    relation = table.relation
    column.name = new
    relation.sort_key = [new if name == old else name for name in relation.sort_key]
    relation.distribution_key = new if relation.distribution_key == old else relation.distribution_key
    for key in [*([relation.primary_key] if relation.primary_key else []), *relation.unique]:
        key.columns = [new if name == old else name for name in key.columns]
    for foreign in relation.foreign:
        foreign.columns = [new if name == old else name for name in foreign.columns]


def _give(table: Altered, tokens: Tokens) -> None:
    rights.require_owner(table.session, table.relation, table.name)
    table.relation.owner = existing_user(table.session, tokens.name())


def _add_column(table: Altered, tokens: Tokens) -> None:
    column = making.column_of(table.session, tokens, table.relation)
    if table.relation.column(column.name) is not None:
        raise SqlFailed("42701", f'column "{column.name}" of relation "{table.name}" already exists')
    if column.identity:
        raise SqlFailed("0A000", "an IDENTITY column cannot be added to a table")
    if column.not_null and not column.default:
        raise SqlFailed("42601", "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression")
    if len(table.relation.columns) >= making.COLUMNS_MAX:
        raise SqlFailed("54011", f"tables can have at most {making.COLUMNS_MAX} columns")
    kind = column.typed()
    default = redshift.expression(column.default, [], table.session.names, kind).sql if column.default else ""
    table.duckdb(f"ADD COLUMN {quoted(column.name)} {kind.duckdb()}{f' DEFAULT {default}' if default else ''}")
    if column.not_null:
        table.duckdb(f"ALTER COLUMN {quoted(column.name)} SET NOT NULL")
    if default:
        table.duckdb(f"ALTER COLUMN {quoted(column.name)} DROP DEFAULT")
    column.number = max((other.number for other in table.relation.columns), default=0) + 1
    table.relation.columns.append(column)


def _add_constraint(table: Altered, tokens: Tokens) -> None:
    name = tokens.name()
    constraint = attributes.CONSTRAINTS.get(tokens.peek())
    if constraint is None:
        raise tokens.wrong()
    constraint(tokens, table.relation, name)


def _add(table: Altered, tokens: Tokens) -> None:
    constraint = attributes.CONSTRAINTS.get(tokens.peek())
    if constraint is not None and tokens.peek(1) in ("KEY", "("):
        before = {column.name for column in table.relation.columns if column.not_null}
        constraint(tokens, table.relation, "")
        key = table.relation.primary_key
        for name in key.columns if key is not None else []:
            if name not in before and table.relation.column(name) is not None:
                raise SqlFailed("42P16", f'column "{name}" of a primary key must be NOT NULL')
        return
    _add_column(table, tokens)


def _drop_constraint(table: Altered, tokens: Tokens) -> None:
    name, relation = tokens.name(), table.relation
    tokens.any_of("RESTRICT", "CASCADE")
    primary = relation.primary_key
    if primary is not None and name == (primary.name or f"{table.name}_pkey"):
        relation.primary_key = None
        return
    keys = [key for key in relation.unique if (key.name or unique_name(table.name, key.columns)) == name]
    foreign = [key for key in relation.foreign if (key.name or foreign_name(table.name, key.columns)) == name]
    if not keys and not foreign:
        raise SqlFailed("42704", f'constraint "{name}" does not exist')
    relation.unique = [key for key in relation.unique if key not in keys]
    relation.foreign = [key for key in relation.foreign if key not in foreign]


def _drop_column(table: Altered, tokens: Tokens) -> None:
    name = tokens.name()
    cascade = tokens.any_of("RESTRICT", "CASCADE") == "CASCADE"
    column, relation, session = table.column(name), table.relation, table.session
    if name == relation.distribution_key or name in relation.sort_key:
        kind = "distkey" if name == relation.distribution_key else "sortkey"
        raise SqlFailed("0A000", f'cannot drop {kind} column "{name}"')
    if len(relation.columns) == 1:
        raise SqlFailed("42P16", f'cannot drop the only column of "{table.name}"')
    table.duckdb(f"DROP COLUMN {quoted(name)}")
    relation.columns.remove(column)
    if relation.primary_key and name in relation.primary_key.columns:
        relation.primary_key = None
    relation.unique = [key for key in relation.unique if name not in key.columns]
    relation.foreign = [key for key in relation.foreign if name not in key.columns]
    session.store.annotate(session.database, table.schema, table.name, relation)
    for schema, view_name, view in removing.dependents(session, relation.oid):
        try:
            redshift.compile(redshift.parse(view.text), session.names.on(view.path))
        except SqlFailed:
            if not cascade:
                raise SqlFailed(
                    "2BP01",
                    f"cannot drop table {table.name} column {name} because other objects depend on it",
                    detail=f"{view.label} {view_name} depends on table {table.name} column {name}",
                    hint="Use DROP ... CASCADE to drop the dependent objects too.",
                ) from None
            removing.remove(session, schema, view_name, view, True)


def _alter_column(table: Altered, tokens: Tokens) -> None:
    column = table.column(tokens.name())
    if tokens.take("ENCODE"):
        column.encode = attributes.encoding(tokens)
        while tokens.take(","):
            tokens.expect("ALTER", "COLUMN")
            _alter_column(table, tokens)
        return
    tokens.expect("TYPE")
    old, new = column.typed(), attributes.type_of(tokens)
    if old.name != "varchar" or new.name != "varchar":
        raise SqlFailed("0A000", f'cannot alter type of column "{column.name}": only the length of VARCHAR can change')
    if new.args[0] < old.args[0]:
        row = table.session.connection.execute(
            f"SELECT count(*) FROM {table.where} WHERE strlen({quoted(column.name)}) > {new.args[0]}"
        ).fetchone()
        if row and row[0]:
            raise SqlFailed("22001", f"value too long for type character varying({new.args[0]})")
    column.type = stored_type(new)


def _alter_style(table: Altered, tokens: Tokens) -> None:
    attributes.distribution(tokens, table.relation)
    if table.relation.distribution == "KEY":
        tokens.expect("DISTKEY")
        table.relation.distribution_key = table.column(tokens.name()).name


def _alter_key(table: Altered, tokens: Tokens) -> None:
    table.relation.distribution, table.relation.distribution_key = "KEY", table.column(tokens.name()).name


def _alter_sorting(table: Altered, tokens: Tokens) -> None:
    if tokens.peek() not in ("SORTKEY", "COMPOUND"):
        raise tokens.wrong()
    attributes.sorting(tokens, table.relation)


def _nothing(table: Altered, tokens: Tokens) -> None:
    for column in table.relation.columns:
        column.encode = ""


_CHANGES: dict[str, Callable[[Altered, Tokens], None]] = {
    "ADD CONSTRAINT": _add_constraint,
    "ADD COLUMN": _add_column,
    "ADD": _add,
    "DROP CONSTRAINT": _drop_constraint,
    "DROP COLUMN": _drop_column,
    "DROP": _drop_column,
    "RENAME TO": _rename,
    "RENAME COLUMN": _rename_column,
    "RENAME": _rename_column,
    "OWNER TO": _give,
    "ALTER COLUMN": _alter_column,
    "ALTER DISTSTYLE": _alter_style,
    "ALTER DISTKEY": _alter_key,
    "ALTER ENCODE AUTO": _nothing,
    "ALTER": _alter_sorting,
}
STORAGE = {words: _CHANGES[words] for words in ("ALTER DISTSTYLE", "ALTER DISTKEY", "ALTER")}
"""What can be changed of how rows are kept: of a materialized view too."""
