"""What differs between languages that are compiled by the same rules. As it stands, Trino's."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import casts, coercion, operators, ordering
from lakemill.lakesql.dialects.scope import Field
from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.types import TIME, TIMESTAMP, TIMESTAMP_TZ, UNKNOWN, Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler
    from lakemill.lakesql.dialects.scope import Scope

Found = tuple[str, list[Field]]


class Dialect:
    """A language: its rules for expressions, functions, types, and where names come from."""

    names_of_output = False
    """Whether GROUP BY and QUALIFY may name output columns, and the select list those to their left."""
    natural = False
    """Whether there is NATURAL JOIN, and FETCH ... WITH TIES is not."""
    recursive = False
    qualify = False
    exclude = False
    """Whether there is SELECT * EXCLUDE (a)."""
    values = True
    """Whether VALUES is a query."""

    def rules(self) -> dict[type, Callable[["Compiler", Any], Typed]]:
        """A rule for every kind of expression."""
        from lakemill.lakesql.dialects import rules

        return rules.RULES

    def families(self) -> dict[str, Any]:
        """All functions."""
        from lakemill.lakesql.dialects.functions import registry

        return registry.families()

    def common(self, a: Type, b: Type) -> Type | None:
        return coercion.common(a, b)

    def cost(self, of: Type, to: Type) -> int | None:
        return coercion.cost(of, to)

    def coerce(self, value: Typed, to: Type) -> Typed:
        return coercion.coerce(value, to)

    def output(self, value: Typed) -> Typed:
        """The value as a column of a result: NULL by itself must have a type."""
        return coercion.coerce(value, value.type) if value.type == UNKNOWN else value

    def cast(self, value: Typed, to: Type) -> Typed:
        return casts.cast(value, to)

    def compare(self, sign: str, a: Typed, b: Typed, node: exp.Expr | None) -> Typed:
        return operators.compare(sign, a, b, node)

    def arithmetic(self, sign: str, a: Typed, b: Typed, node: exp.Expr | None, wide: bool = True) -> Typed:
        """a + b and the like. wide: whether products of decimals have 128 bits wherever their types demand it."""
        return operators.arithmetic(sign, a, b, node, wide)

    def key(self, value: Typed) -> str:
        """What a value is joined, grouped and told apart by."""
        return operators.moment(value)

    def sort_key(self, value: Typed, e: exp.Expr) -> str:
        return ordering.sort_key(value, e)

    def shown(self, kind: Type) -> str:
        """A type in messages."""
        return kind.trino()

    def of_word(self, word: str) -> Type:
        """A type by the word that tables of functions have for it."""
        known = {"timestamp": TIMESTAMP, "timestamptz": TIMESTAMP_TZ, "time": TIME}
        known |= {"day_interval": Type("interval day to second"), "year_interval": Type("interval year to month")}
        return known.get(word, Type(word))

    def named(self, e: exp.Expr) -> str | None:
        """The name of an output column that has no alias."""
        return e.name if isinstance(e, exp.Column) else e.expression.name if isinstance(e, exp.Dot) else None

    def count(self, c: "Compiler", node: exp.Expr) -> int | None:
        """Of LIMIT and OFFSET, where it is not a literal."""
        return None

    def check(self, c: "Compiler", node: exp.Expr) -> None:
        """Refuse what the grammar lets pass. node: a query."""

    def table(self, c: "Compiler", node: exp.Table, outer: "Scope | None") -> Found:
        """A table by its name. outer: what can be named in it."""
        from lakemill.lakesql.dialects import relations

        return relations.table(c, node)

    def pivoted(self, c: "Compiler", node: exp.Expr, outer: "Scope | None") -> exp.Expr:
        """What a relation with PIVOT or UNPIVOT stands for; itself where there is no such thing."""
        return node

    def item(self, c: "Compiler", node: exp.Expr, visible: "Scope") -> Found | None:
        """What stands in FROM and is made of columns that stand before it, if it is that."""
        return None


TRINO = Dialect()
