"""What CREATE TABLE and ALTER TABLE say of columns and tables beside names."""

from collections.abc import Callable

from lakemill.lakesql.dialects.redshift import names as types
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type
from lakemill.warehouse.objects import Column, Foreign, Key, Relation
from lakemill.warehouse.tokens import Tokens

ENCODINGS = {
    *("auto", "raw", "az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16", "mostly32"),
    *("runlength", "text255", "text32k", "zstd"),
}
_WORDS = (
    *("DEFAULT", "IDENTITY", "GENERATED", "ENCODE", "DISTKEY", "SORTKEY", "COLLATE", "NOT", "NULL", "UNIQUE"),
    *("PRIMARY", "REFERENCES", "CONSTRAINT", "CHECK", ",", ")"),
)
_SORT_MAX, _INTERLEAVED_MAX = 400, 8


def type_of(tokens: Tokens) -> Type:
    """A type. Raises SqlFailed."""
    begin = tokens.position()
    text = tokens.name()
    while tokens.peek() in ("PRECISION", "VARYING"):
        text += " " + tokens.name()
    if tokens.take("("):
        text += f"({tokens.value()}"
        while tokens.take(","):
            text += f",{tokens.value()}"
        tokens.expect(")")
        text += ")"
    for word in ("WITH", "WITHOUT"):
        if tokens.take(word, "TIME", "ZONE"):
            text += f" {word.lower()} time zone"
    if tokens.peek() == "[":
        raise SqlFailed("0A000", "arrays are not supported", position=begin + 1)
    if text in ("serial", "bigserial"):
        raise SqlFailed("0A000", f'type "{text}" is not supported; use IDENTITY', position=begin + 1)
    return types.of_text(text)


def of_column(tokens: Tokens, table: Relation, column: Column) -> None:
    """What stands behind a column's type. Raises SqlFailed."""
    while tokens.peek() not in ("", ",", ")"):
        tokens.take("CONSTRAINT") and tokens.name()
        word = tokens.peek()
        if word not in _COLUMN:
            raise tokens.wrong()
        tokens.take(word)
        _COLUMN[word](tokens, table, column)


def _default(tokens: Tokens, table: Relation, column: Column) -> None:
    column.default = "NULL" if tokens.take("NULL") else tokens.until(*_WORDS)


def _identity(tokens: Tokens, table: Relation, column: Column) -> None:
    seed, step = 1, 1
    if tokens.take("("):
        seed = tokens.number()
        tokens.expect(",")
        step = tokens.number()
        tokens.expect(")")
    if column.typed().name not in ("integer", "bigint"):
        raise SqlFailed("42601", "identity column must be of type INT or BIGINT")
    if step == 0:
        raise SqlFailed("22023", "IDENTITY step must not be zero")
    if any(other.identity for other in table.columns):
        raise SqlFailed("42601", "multiple identity columns are not allowed")
    column.identity, column.not_null = [seed, step], True


def _generated(tokens: Tokens, table: Relation, column: Column) -> None:
    tokens.expect("BY", "DEFAULT", "AS", "IDENTITY")
    _identity(tokens, table, column)
    column.by_default = True


def _encode(tokens: Tokens, table: Relation, column: Column) -> None:
    column.encode = encoding(tokens)


def _distribution_key(tokens: Tokens, table: Relation, column: Column) -> None:
    _distribute_by(table, column.name)


def _sort_key(tokens: Tokens, table: Relation, column: Column) -> None:
    if table.sort_key:
        raise SqlFailed("42601", "multiple SORTKEY columns are given; use SORTKEY (...) of the table")
    table.sort_key, table.sort_style = [column.name], "COMPOUND"


def _collate(tokens: Tokens, table: Relation, column: Column) -> None:
    name = tokens.name()
    if name in ("case_insensitive", "ci"):
        raise SqlFailed("0A000", "COLLATE CASE_INSENSITIVE is not supported")
    if name not in ("case_sensitive", "cs"):
        raise SqlFailed("42704", f'collation "{name}" does not exist')


def _not(tokens: Tokens, table: Relation, column: Column) -> None:
    tokens.expect("NULL")
    column.not_null = True


def _null(tokens: Tokens, table: Relation, column: Column) -> None:
    column.not_null = False


def _unique(tokens: Tokens, table: Relation, column: Column) -> None:
    table.unique.append(Key(columns=[column.name]))


def _primary(tokens: Tokens, table: Relation, column: Column) -> None:
    tokens.expect("KEY")
    column.not_null = True
    _primary_key(table, Key(columns=[column.name]))


def _references(tokens: Tokens, table: Relation, column: Column) -> None:
    _foreign(tokens, table, [column.name], "")


_COLUMN: dict[str, Callable[[Tokens, Relation, Column], None]] = {
    "DEFAULT": _default,
    "IDENTITY": _identity,
    "GENERATED": _generated,
    "ENCODE": _encode,
    "DISTKEY": _distribution_key,
    "SORTKEY": _sort_key,
    "COLLATE": _collate,
    "NOT": _not,
    "NULL": _null,
    "UNIQUE": _unique,
    "PRIMARY": _primary,
    "REFERENCES": _references,
}


def _unique_constraint(tokens: Tokens, table: Relation, name: str) -> None:
    tokens.expect("UNIQUE")
    table.unique.append(Key(columns=tokens.names(), name=name))


def _primary_constraint(tokens: Tokens, table: Relation, name: str) -> None:
    tokens.expect("PRIMARY", "KEY")
    _primary_key(table, Key(columns=tokens.names(), name=name))


def _foreign_constraint(tokens: Tokens, table: Relation, name: str) -> None:
    tokens.expect("FOREIGN", "KEY")
    columns = tokens.names()
    tokens.expect("REFERENCES")
    _foreign(tokens, table, columns, name)


CONSTRAINTS: dict[str, Callable[[Tokens, Relation, str], None]] = {
    "UNIQUE": _unique_constraint,
    "PRIMARY": _primary_constraint,
    "FOREIGN": _foreign_constraint,
}


def _primary_key(table: Relation, key: Key) -> None:
    if table.primary_key is not None:
        raise SqlFailed("42P16", "multiple primary keys for table are not allowed")
    table.primary_key = key


def _foreign(tokens: Tokens, table: Relation, columns: list[str], name: str) -> None:
    target = list(tokens.qualified())
    references = tokens.names() if tokens.peek() == "(" else []
    table.foreign.append(Foreign(columns=columns, table=target, references=references, name=name))


def encoding(tokens: Tokens) -> str:
    """The name of an encoding. Raises SqlFailed."""
    name = tokens.name()
    if name not in ENCODINGS:
        raise SqlFailed("42601", f'compression encoding "{name}" is not supported')
    return "" if name == "auto" else name


def of_table(tokens: Tokens, table: Relation) -> None:
    """BACKUP, DISTSTYLE, DISTKEY, SORTKEY, ENCODE, up to what is none of them. Raises SqlFailed."""
    while True:
        if tokens.take("BACKUP"):
            word = tokens.any_of("YES", "NO")
            if not word:
                raise tokens.wrong()
            table.backup = word == "YES"
        elif tokens.take("DISTSTYLE"):
            distribution(tokens, table)
        elif tokens.take("DISTKEY"):
            (key, *more) = tokens.names()
            if more:
                raise SqlFailed("42601", "multiple DISTKEY columns are not allowed")
            _distribute_by(table, key)
        elif tokens.take("ENCODE", "AUTO"):
            pass
        elif tokens.peek() in ("SORTKEY", "COMPOUND", "INTERLEAVED"):
            sorting(tokens, table)
        else:
            break


def distribution(tokens: Tokens, table: Relation) -> None:
    """AUTO, EVEN, ALL, or KEY."""
    word = tokens.any_of("AUTO", "EVEN", "ALL", "KEY")
    if not word:
        raise tokens.wrong()
    table.distribution = word
    if word != "KEY":
        table.distribution_key = ""


def sorting(tokens: Tokens, table: Relation) -> None:
    """[COMPOUND | INTERLEAVED] SORTKEY (columns), SORTKEY AUTO, SORTKEY NONE."""
    style = tokens.any_of("COMPOUND", "INTERLEAVED") or "COMPOUND"
    tokens.expect("SORTKEY")
    if word := tokens.any_of("AUTO", "NONE"):
        table.sort_key, table.sort_style = [], "AUTO" if word == "AUTO" else ""
        return
    table.sort_key, table.sort_style = tokens.names(), style
    most = _INTERLEAVED_MAX if style == "INTERLEAVED" else _SORT_MAX
    if len(table.sort_key) > most:
        raise SqlFailed("54000", f"{style} SORTKEY can have at most {most} columns")


def _distribute_by(table: Relation, column: str) -> None:
    if table.distribution_key and table.distribution_key != column:
        raise SqlFailed("42601", "multiple DISTKEY columns are not allowed")
    if table.distribution in ("EVEN", "ALL"):
        raise SqlFailed("42601", f"DISTKEY cannot be given with DISTSTYLE {table.distribution}")
    table.distribution, table.distribution_key = "KEY", column


def check(table: Relation) -> None:
    """Whether what is said of columns is said of such that there are. Raises SqlFailed 42703, 42601."""
    if table.distribution == "KEY" and not table.distribution_key:
        raise SqlFailed("42601", "DISTSTYLE KEY needs a DISTKEY")
    if table.distribution_key and table.distribution in ("EVEN", "ALL"):
        raise SqlFailed("42601", f"DISTKEY cannot be given with DISTSTYLE {table.distribution}")
    keys = [*([table.primary_key] if table.primary_key else []), *table.unique]
    named = [*([table.distribution_key] if table.distribution_key else []), *table.sort_key]
    named += [name for key in keys for name in key.columns]
    named += [name for key in table.foreign for name in key.columns]
    for name in named:
        if table.column(name) is None:
            raise SqlFailed("42703", f'column "{name}" named in key does not exist')
    for column in table.columns:
        if table.primary_key and column.name in table.primary_key.columns:
            column.not_null = True
        if column.typed().name == "super" and column.name in (table.distribution_key, *table.sort_key):
            raise SqlFailed("0A000", f'column "{column.name}" of type super cannot be a DISTKEY or SORTKEY')
