"""Expressions of Trino to expressions of DuckDB, with their types.

`Compiler.expression` looks at a node's class and hands it to the rule for it (`rules`). There is a rule for everything
that is allowed; the rest is refused by name.
"""

import zlib
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from sqlglot import exp

from lakemill.lakesql.dialects import rules
from lakemill.lakesql.dialects.coercion import coerce
from lakemill.lakesql.dialects.model import Schema, TableUse
from lakemill.lakesql.dialects.scope import Field, Scope
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import (
    BOOLEAN,
    Type,
)

# Deeper nesting would exhaust Python's stack.
DEPTH_MAX = 150


class Compiler:
    """One statement's translation: its tables, and the names that can be used where we are."""

    def __init__(self, schema: Schema, database: str, query: Callable[..., Any]) -> None:
        self.schema, self.database = schema, database
        self.query = query
        """Compiles a sub-query: (compiler, node, scope) -> (sql, columns)."""
        self.scope = Scope()
        self.tables: list[TableUse] = []
        self.information: list[TableUse] = []
        """Relations of information_schema that are read."""
        self.ctes: list[dict[str, Any]] = [{}]
        self.names = 0
        self.depth = 0
        self.views: list[str] = []
        self.groups: dict[str, str] | None = None
        """The expressions that are grouped by, and the columns of the grouped rows that hold them.

        Columns outside of such expressions are noted in `ungrouped`.
        """
        self.collected: list[str] = []
        """Aggregates, as columns of the grouped rows."""
        self.grouped = ""
        """What the grouped rows are called."""
        self.ungrouped: list[exp.Expr] = []
        self.aggregates: list[exp.Expr] | None = None
        """Aggregates that were met; None where they are not allowed."""
        self.windows_allowed = False
        self.hoisted: list[str] | None = None
        """Inside of TRY, what is computed before it."""
        self.windows: dict[str, exp.Expr] = {}
        self.wide = True
        """Whether products of decimals are computed in 128 bits wherever their types demand it. Otherwise in 64: twice
        as fast, and the statement fails where a product does not fit."""

    def name(self, prefix: str) -> str:
        """One that nothing else has."""
        self.names += 1
        return f"{prefix}{self.names}"

    def tried(self, node: exp.Expr) -> Typed:
        """NULL where the expression fails.

        DuckDB's TRY takes neither aggregates nor sub-queries: they are computed before, and named inside.
        """
        if self.hoisted is not None:
            with self.within(wide=True):
                value = self.expression(node)
            return Typed(f"TRY({coerce(value, value.type).sql})", value.type)
        before: list[str] = []
        with self.within(hoisted=before, wide=True):
            value = self.expression(node)
        made = f"TRY({coerce(value, value.type).sql})"
        if before:
            fields = ", ".join(f"'h{i}': {sql}" for i, sql in enumerate(before))
            made = f"list_extract(list_transform([{{{fields}}}], LAMBDA h_ : {made}), 1)"
        return Typed(made, value.type)

    def collect(self, aggregate: str) -> str:
        """The column of the grouped rows for an aggregate."""
        if aggregate not in self.collected:
            self.collected.append(aggregate)
        return f"{self.grouped}.a{self.collected.index(aggregate)}"

    def hoist(self, value: Typed) -> Typed:
        """A value that TRY cannot hold: inside of one, its name."""
        if self.hoisted is None:
            return value
        if value.sql not in self.hoisted:
            self.hoisted.append(value.sql)
        return Typed(f"h_.h{self.hoisted.index(value.sql)}", value.type)

    def local(self, node: exp.Expr, which: str = "") -> str:
        """A name for a lambda's parameter. The same for the same text, by which GROUP BY recognises expressions."""
        return f"v{zlib.crc32(node.sql('trino').encode()):08x}{which}"

    @contextmanager
    def within(self, **changes: Any) -> Any:
        """Some of the attributes set otherwise for a while."""
        before = {key: getattr(self, key) for key in changes}
        for key, value in changes.items():
            setattr(self, key, value)
        try:
            yield
        finally:
            for key, value in before.items():
                setattr(self, key, value)

    def expression(self, node: exp.Expr) -> Typed:
        """Raises SqlFailed with the place of what is wrong."""
        rule = rules.RULES.get(type(node))
        if rule is None:
            raise not_supported(f"{type(node).__name__.upper()} ({node.sql('trino')[:80]})", node)
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise SqlFailed("STACK_OVERFLOW", "statement is too large (stack overflow during analysis)")
        mark = len(self.ungrouped)
        try:
            found = rule(self, node)
        except SqlFailed as error:
            if error.line is None and error.code != "STACK_OVERFLOW":
                placed = failed(error.code, error.message, node)
                raise placed from None
            raise
        finally:
            self.depth -= 1
        if self.groups is not None and found.sql in self.groups:
            del self.ungrouped[mark:]
            return Typed(self.groups[found.sql], found.type)
        return found

    def boolean(self, node: exp.Expr, where: str) -> Typed:
        """A condition."""
        found = self.expression(node)
        if found.type.name not in {"boolean", "unknown"}:
            message = f"{where} must evaluate to a boolean: actual type {found.type.trino()}"
            raise failed("TYPE_MISMATCH", message, node)
        return coerce(found, BOOLEAN)

    def lambda_body(self, node: exp.Expr, types: list[Type]) -> tuple[list[str], Typed]:
        """DuckDB's names for a lambda's parameters, and its body."""
        names = [self.local(node, f"_{i}") for i in range(len(types))]
        return names, self.lambda_with(node, list(zip(names, types, strict=True)))

    def lambda_with(self, node: exp.Expr, values: list[tuple[str, Type]]) -> Typed:
        """The body of a lambda whose parameters have these values."""
        if not isinstance(node, exp.Lambda):
            raise failed("TYPE_MISMATCH", "Expected a lambda expression", node)
        if len(node.expressions) != len(values):
            message = f"Expected a lambda that takes {len(values)} argument(s) but got {len(node.expressions)}"
            raise failed("INVALID_ARGUMENTS", message, node)
        fields = [Field(p.name.lower(), kind, sql) for p, (sql, kind) in zip(node.expressions, values, strict=True)]
        inner = Scope(fields, parent=self.scope, parameters=True)
        with self.within(scope=inner, aggregates=None, windows_allowed=False):
            return self.expression(node.this)
