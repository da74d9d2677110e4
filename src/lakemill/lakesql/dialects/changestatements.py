"""DELETE, UPDATE, MERGE, OPTIMIZE and VACUUM, taken apart as far as they can be without a catalog."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from lakemill.lakesql.dialects import grammar
from lakemill.lakesql.dialects.model import Parsed

Reader = Any
"""The tokens of a statement: see `statements`."""


def change(reader: Reader) -> Parsed:
    """DELETE, UPDATE and MERGE: one tree."""
    kind = reader.word().lower()
    tree = grammar.parse(reader.text)
    if not isinstance(tree, exp.Delete | exp.Update | exp.Merge) or not isinstance(tree.this, exp.Table):
        raise reader.wrong("<table>")
    return Parsed(kind, reader.text, tree, _name(tree.this))


def optimize(reader: Reader) -> Parsed:
    """OPTIMIZE name REWRITE DATA USING BIN_PACK [WHERE condition]; the tree is a DELETE with that condition."""
    reader.expect("OPTIMIZE")
    target = reader.name()
    reader.expect("REWRITE", "DATA", "USING", "BIN_PACK")
    where = ""
    if reader.word() == "WHERE":
        where = reader.part(reader.at, len(reader.tokens)).strip()
    else:
        reader.end()
    table = ".".join('"' + part.replace('"', '""') + '"' for part in target if part)
    return Parsed("optimize", reader.text, grammar.parse(f"DELETE FROM {table} {where}"), target)


def vacuum(reader: Reader) -> Parsed:
    """VACUUM name"""
    reader.expect("VACUUM")
    target = reader.name()
    reader.end()
    return Parsed("vacuum", reader.text, None, target)


def _name(table: exp.Table) -> tuple[str, str]:
    return table.db.lower(), table.name.lower()


RULES: dict[str, Callable[[Reader], Parsed]] = {
    "DELETE": change,
    "UPDATE": change,
    "MERGE": change,
    "OPTIMIZE": optimize,
    "VACUUM": vacuum,
}
