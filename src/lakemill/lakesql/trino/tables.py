"""Which tables a query reads: by its tree, before anything runs.

The text that a cluster gets consists of the same tokens (`sending`), so that it cannot read another table in them; the
cluster is asked all the same (`query`).
"""

import dataclasses
from collections.abc import Iterator

from sqlglot import exp

from lakemill.lakesql.dialects import grammar, information
from lakemill.lakesql.dialects.relations import CATALOG, VIEWS_DEEP_MAX
from lakemill.lakesql.dialects.typed import failed, not_supported
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Document, Lake
from lakemill.lakesql.query import table_document
from lakemill.lakesql.viewing import decoded

CATALOGS = (CATALOG, "hive")
"""What a statement may call the lake's catalog."""


@dataclasses.dataclass(frozen=True)
class Read:
    """A table where a query names it. name: with what stands behind a dollar sign."""

    database: str
    name: str
    node: exp.Expr

    @property
    def table(self) -> str:
        return self.name.partition("$")[0] or self.name


@dataclasses.dataclass(frozen=True)
class Found:
    """A table of the catalog. any_version: whether another state than the one of now may be read."""

    database: str
    document: Document
    any_version: bool

    @property
    def columns(self) -> set[str]:
        """Their names."""
        plain = (self.document.get("StorageDescriptor") or {}).get("Columns") or []
        return {column["Name"].lower() for column in (*plain, *(self.document.get("PartitionKeys") or []))}


def reads(tree: exp.Expr, database: str) -> list[Read]:
    """The tables and views that a query names. database: of names without one.

    Raises SqlFailed for another catalog, and for what could read more than the tables that are named.
    """
    found = []
    for node in tree.walk():
        if isinstance(node, exp.Command):
            raise not_supported(f"{node.name.upper()} statement", node)
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
            raise not_supported("A function of a catalog", node)
        if isinstance(node, exp.Table) and (read := _read(node, database)) is not None:
            found.append(read)
    return found


def reads_catalog(found: list[Read]) -> bool:
    """Whether information_schema is among them, which only the platform can tell with the caller's rights."""
    return any(read.database == information.NAME for read in found)


def documents(lake: Lake, found: list[Read], depth: int = 0) -> Iterator[Found]:
    """Each table, those behind views too, with the caller's rights. Raises SqlFailed."""
    if depth > VIEWS_DEEP_MAX:
        raise SqlFailed("VIEW_IS_RECURSIVE", "Statement would create a recursive view")
    for read in dict.fromkeys(found):
        try:
            document = table_document(lake, read.database, read.table)
        except SqlFailed as error:
            raise failed(error.code, error.message, read.node) from None
        yield Found(read.database, document, "$" in read.name or read.node.args.get("version") is not None)
        if document.get("TableType") == "VIRTUAL_VIEW":
            view = decoded(document)
            inner = reads(grammar.parse(view.sql), view.database.lower())
            if reads_catalog(inner):
                raise not_supported(
                    f"The view {read.database}.{read.name} of information_schema on a cluster", read.node
                )
            yield from documents(lake, inner, depth + 1)


def _read(node: exp.Table, database: str) -> Read | None:
    if not isinstance(node.this, exp.Identifier):
        name = node.this.sql("trino").split("(")[0].lower()
        raise failed("FUNCTION_NOT_FOUND", f"Table function '{name}' not registered", node)
    name, db, catalog = node.name.lower(), node.db.lower(), node.catalog.lower()
    if not db and _declared(node, name):
        return None
    if catalog and catalog not in CATALOGS:
        raise failed("CATALOG_NOT_FOUND", f"Catalog '{catalog}' does not exist", node)
    return Read(db or database, name, node)


def _declared(node: exp.Expr, name: str) -> bool:
    """Whether WITH declares the name, for the place where the node stands."""
    below: exp.Expr | None = node
    here = node.parent
    while here is not None:
        if isinstance(here, exp.With):
            names = _names(here)
            place = next(i for i, cte in enumerate(here.expressions) if cte is below)
            if name in names[: place + (1 if here.args.get("recursive") else 0)]:
                return True
            below, here = here.parent, here.parent.parent if here.parent else None
            continue  # The query around sees all names of this WITH, those in it do not.
        with_ = here.args.get("with_")
        if with_ is not None and with_ is not below and name in _names(with_):
            return True
        below, here = here, here.parent
    return False


def _names(with_: exp.Expr) -> list[str]:
    return [cte.alias.lower() for cte in with_.expressions]
