"""Tables of the Data Catalog in spark.sql on Sail: what --enable-glue-datacatalog switches on.

Sail reads tables of Parquet and JSON from the catalog by itself, and makes tables there. Tables of other formats, and
ones whose partitions lie elsewhere than in `key=value` folders of the table, are read by awsglue: a statement's mention
of one becomes that of a temporary view.
"""

import logging
import re
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

from lakemill.glueetl import catalog, choices, sources
from lakemill.glueetl.sessions import session

OF_SAIL = ("parquet", "json")
PREFIX = "lakemill_"
"""Names of views that are tables of the catalog begin with it."""
_USE = re.compile(r"\s*USE\s+(?!DATABASE\b|SCHEMA\b|NAMESPACE\b|CATALOG\b)", re.IGNORECASE)
_DESCRIBE = re.compile(
    r"\s*DESC(?:RIBE)?\s+(?!FUNCTION|CATALOG|DATABASE|SCHEMA|NAMESPACE|TABLE|QUERY|EXTENDED)", re.IGNORECASE
)
Name = tuple[str, str]
"""Database and table."""


def install() -> None:
    """SparkSession.sql and DataFrameReader.table (which SparkSession.table calls) see the tables."""
    from pyspark.sql.connect.readwriter import DataFrameReader
    from pyspark.sql.connect.session import SparkSession

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    sql, of_reader = SparkSession.sql, DataFrameReader.table

    def run(self: Any, sqlQuery: str, *rest: Any, **more: Any) -> Any:
        return sql(self, prepared(self, sqlQuery), *rest, **more)

    def read(self: Any, tableName: str) -> Any:
        database, _, name = tableName.replace("`", "").rpartition(".")
        found = (database or session().catalog.currentDatabase(), name)
        return of_reader(self, view(*found) if _is_ours(found) else tableName)

    SparkSession.sql = run  # type: ignore[method-assign, assignment]
    DataFrameReader.table = read  # type: ignore[method-assign, assignment]


def prepared(spark: Any, text: str) -> str:
    """A statement as Sail takes it."""
    if found := _USE.match(text):
        return f"USE DATABASE {text[found.end() :]}"
    if found := _DESCRIBE.match(text):
        return f"DESCRIBE TABLE {text[found.end() :]}"
    names = {}
    for database, name in mentioned(text):
        where = (database or spark.catalog.currentDatabase(), name)
        if (database or not is_view(spark, name)) and _is_ours(where):
            names[database, name] = view(*where)
    return replaced(text, names) if names else text


def replaced(text: str, names: dict[Name, str]) -> str:
    """A statement that reads other tables. names: by database ("" for none) and table, both in lower case.

    >>> replaced("SELECT c.id FROM db.c JOIN db.d x ON c.id = x.id", {("db", "c"): "v"})
    'SELECT c.id FROM `v` AS `c` JOIN db.d x ON c.id = x.id'
    """
    tokens = sqlglot.tokenize(text, read="spark")
    made, done, at = [], 0, 0
    while at < len(tokens):
        end = _reference(tokens, at)
        parts = [token.text.lower() for token in tokens[at:end:2]]
        view = names.get((parts[0] if len(parts) == 2 else "", parts[-1])) if 0 < len(parts) <= 2 else None
        if view is not None and _is_source(tokens, at):
            made += [text[done : tokens[at].start], f"`{view}`"]
            if end >= len(tokens) or tokens[end].token_type not in (
                TokenType.ALIAS,
                TokenType.VAR,
                TokenType.IDENTIFIER,
            ):
                made.append(f" AS `{tokens[end - 1].text}`")
            done = tokens[end - 1].end + 1
        at = max(end, at + 1)
    return "".join(made) + text[done:]


def _reference(tokens: list[Token], at: int) -> int:
    """Where a name with dots ends that begins here."""
    end = at + 1
    if tokens[at].token_type not in (TokenType.VAR, TokenType.IDENTIFIER) and not tokens[at].text.isidentifier():
        return at
    while end + 1 < len(tokens) and tokens[end].token_type == TokenType.DOT:
        end += 2
    return end


def _is_source(tokens: list[Token], at: int) -> bool:
    """Whether a name stands where a table does that is read."""
    before = tokens[at - 1].token_type if at else None
    return before in (TokenType.FROM, TokenType.JOIN, TokenType.COMMA)


def mentioned(text: str) -> set[Name]:
    """Tables that a statement names, without those it defines itself."""
    try:
        trees = sqlglot.parse(text, read="spark")
    except SqlglotError:
        return set()  # Sail says what is wrong with it.
    found = set()
    for tree in trees:
        if tree is None:
            continue
        defined = {one.alias_or_name.lower() for one in tree.find_all(exp.CTE)}
        for table in tree.find_all(exp.Table):
            if not table.catalog and (table.db or table.name.lower() not in defined):
                found.add((table.db.lower(), table.name.lower()))
    return {(database, name) for database, name in found if name}


def is_view(spark: Any, name: str) -> bool:
    return any(one.isTemporary and one.name.lower() == name for one in spark.catalog.listTables())


def _is_ours(name: Name) -> bool:
    """Whether Sail cannot read a table of the catalog."""
    document = catalog.find(*name)
    if document is None:
        return False
    try:
        table = catalog.of_document(name[0], document)
    except catalog.TableWrong:
        return False
    return table.format not in OF_SAIL or not _in_folders(table)


def _in_folders(table: catalog.Table) -> bool:
    """Whether all partitions lie where Sail looks for them."""
    base = table.location.rstrip("/")
    for one in catalog.partitions(table) if table.keys else []:
        folders = "/".join(f"{key.name}={value}" for key, value in zip(table.keys, one["Values"], strict=True))
        if one["StorageDescriptor"]["Location"].rstrip("/") != f"{base}/{folders}":
            return False
    return True


def view(database: str, name: str) -> str:
    """A temporary view of a table, made anew."""
    table = catalog.table(database, name)
    frame, schema = sources.of_table(table, "", {}, "")
    fields = choices.matched(schema, table.schema)
    view = re.sub(r"\W", "_", f"{PREFIX}{database}_{name}")
    frame.select([value.alias(one) for one, value, _ in fields]).createOrReplaceTempView(view)
    return view
