"""Tables of the Data Catalog in spark.sql where Spark is on Java: what --enable-glue-datacatalog switches on.

Spark knows nothing of the catalog, so awsglue reads its tables: a statement's mention of one becomes that of a
temporary view. What would change the catalog by SQL is refused; sinks do that.
"""

import logging
import re
from typing import Any

import sqlglot
from pyspark.sql import DataFrame, DataFrameReader, DataFrameWriter, SparkSession
from sqlglot import exp
from sqlglot.errors import SqlglotError

from lakemill.glueetl import catalog, objects, sqltables
from lakemill.glueetl.sessions import NotProvided, session

REFUSED = (
    "{what} is not provided where Spark runs on Java, for Spark there has no Data Catalog to change: write with a sink "
    "(getSink with enableUpdateCatalog, or write_dynamic_frame.from_catalog)."
)
_USE = re.compile(r"\s*USE\s+(?:DATABASE\s+|SCHEMA\s+|NAMESPACE\s+)?`?(\w+)`?\s*;?\s*$", re.IGNORECASE)
_SHOW = re.compile(r"\s*SHOW\s+(DATABASES|SCHEMAS|TABLES)(?:\s+(?:IN|FROM)\s+`?(\w+)`?)?\s*;?\s*$", re.IGNORECASE)
_DESCRIBE = re.compile(
    r"(\s*DESC(?:RIBE)?\s+(?:TABLE\s+)?)(?!FUNCTION|CATALOG|DATABASE|SCHEMA|NAMESPACE|QUERY|EXTENDED)([\w.`]+)\s*;?\s*$",
    re.IGNORECASE,
)


def install() -> None:
    """SparkSession.sql and table, and DataFrameReader.table, see the tables; writers of tables refuse."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    front: Any = SparkSession
    reader: Any = DataFrameReader
    writer: Any = DataFrameWriter
    sql, of_session, of_reader = front.sql, front.table, reader.table

    def run(self: Any, sqlQuery: str, *rest: Any, **more: Any) -> DataFrame:
        shown = _shown(self, sqlQuery)
        return shown if shown is not None else sql(self, prepared(self, sqlQuery), *rest, **more)

    front.sql = run
    front.table = lambda self, tableName: of_session(self, _named(tableName))
    reader.table = lambda self, tableName: of_reader(self, _named(tableName))
    for name in ("saveAsTable", "insertInto"):
        setattr(writer, name, _refusing(f"DataFrameWriter.{name}"))


def prepared(spark: Any, text: str) -> str:
    """A statement that names views instead of the catalog's tables. Raises NotProvided for one that would change it."""
    if found := _USE.match(text):
        _have_database(spark, found[1])
        return text
    if found := _DESCRIBE.match(text):
        return f"{found[1]}{_named(found[2])}"
    if what := changes(text):
        raise NotProvided(REFUSED.format(what=what))
    names = {}
    for database, name in sqltables.mentioned(text):
        where = (database or spark.catalog.currentDatabase(), name)
        if (database or not sqltables.is_view(spark, name)) and catalog.find(*where) is not None:
            names[database, name] = sqltables.view(*where)
    return sqltables.replaced(text, names) if names else text


def changes(text: str) -> str | None:
    """What a statement would change in the catalog, in words of SQL.

    >>> changes("INSERT INTO db.t SELECT 1"), changes("CREATE TEMPORARY VIEW v AS SELECT 1"), changes("SELECT 1")
    ('INSERT', None, None)
    """
    try:
        trees = sqlglot.parse(text, read="spark")
    except SqlglotError:
        return None  # Spark says what is wrong with it.
    for tree in trees:
        if isinstance(tree, exp.Create) and not tree.find(exp.TemporaryProperty) and tree.kind != "FUNCTION":
            return f"CREATE {tree.kind}"
        if isinstance(tree, exp.Insert) and not isinstance(tree.this, exp.Directory):
            return "INSERT"
        if isinstance(tree, exp.Drop) and tree.kind == "VIEW":
            continue
        if isinstance(tree, exp.Drop | exp.Alter | exp.Merge | exp.Delete | exp.Update | exp.TruncateTable):
            return tree.key.upper().removesuffix("TABLE")
    return None


def _named(name: str) -> str:
    """The view of a table of the catalog; another name as it is."""
    database, _, table = name.replace("`", "").rpartition(".")
    spark = session()
    if not database and sqltables.is_view(spark, table.lower()):
        return name
    where = (database or spark.catalog.currentDatabase(), table)
    return sqltables.view(*where) if catalog.find(*where) is not None else name


def _have_database(spark: Any, name: str) -> None:
    """Spark has one of this name too, with nothing in it, so that it can be the current one."""
    glue = objects.client("glue")
    try:
        glue.get_database(Name=name)
    except glue.exceptions.EntityNotFoundException:
        return  # Spark says so.
    spark._jsparkSession.sql(f"CREATE DATABASE IF NOT EXISTS `{name}`")


def _shown(spark: Any, text: str) -> DataFrame | None:
    """Names of databases and tables, where a statement asks for these."""
    found = _SHOW.match(text)
    if found is None:
        return None
    glue = objects.client("glue")
    if found[1].upper() != "TABLES":
        pages = glue.get_paginator("get_databases").paginate()
        names = [(one["Name"],) for page in pages for one in page["DatabaseList"]]
        return spark.createDataFrame(names, "namespace string")  # type: ignore[no-any-return]
    database = found[2] or spark.catalog.currentDatabase()
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
    rows = [(database, one["Name"], False) for page in pages for one in page["TableList"]]
    views = [("", one.name, True) for one in spark.catalog.listTables() if one.isTemporary]
    ours = [row for row in views if not row[1].startswith(sqltables.PREFIX)]
    return spark.createDataFrame(rows + ours, "namespace string, tableName string, isTemporary boolean")  # type: ignore[no-any-return]


def _refusing(what: str) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise NotProvided(REFUSED.format(what=what))

    return refuse
