"""Redshift's SQL for one statement of one session."""

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import relations as shared
from lakemill.lakesql.dialects.dialect import Dialect, Found
from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.dialects.redshift import casts, coercion, functions, names, operators, pivots, relations, rules
from lakemill.lakesql.dialects.redshift.coercion import Mark, literal
from lakemill.lakesql.dialects.redshift.model import Catalog, Parameters, Use, View
from lakemill.lakesql.dialects.typed import Typed, failed, text
from lakemill.lakesql.types import UNKNOWN, VARCHAR, Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler
    from lakemill.lakesql.dialects.scope import Scope

_rules = cache(rules.all_rules)


class Redshift(Dialect):
    """Notes what the statement uses while it is compiled."""

    names_of_output = True
    natural = True
    recursive = True
    qualify = True
    exclude = True
    values = False

    def __init__(self, catalog: Catalog, parameters: Parameters | None = None) -> None:
        self.catalog = catalog
        self.parameters = parameters or Parameters()
        self.types: dict[int, Type] = dict(self.parameters.types)
        """Of `$n`, given or found."""
        self.uses: list[Use] = []
        self.external: list[TableUse] = []
        self.through: View | None = None
        """The view whose text is compiled."""
        self.arguments: list[list[Typed]] = []
        """Values of `$n` in the bodies of functions that are compiled, the innermost last."""
        self.functions: list[Any] = []
        self.leader: list[str] = []
        """Functions that only the leader node has."""

    def rules(self) -> dict[type, Any]:
        return _rules()

    def families(self) -> dict[str, Any]:
        return functions.families()

    def common(self, a: Type, b: Type) -> Type | None:
        return coercion.common(a, b)

    def cost(self, of: Type, to: Type) -> int | None:
        return coercion.cost(of, to)

    def coerce(self, value: Typed, to: Type) -> Typed:
        return coercion.coerce(value, to)

    def output(self, value: Typed) -> Typed:
        return coercion.output(value)

    def cast(self, value: Typed, to: Type) -> Typed:
        return casts.cast(value, to)

    def compare(self, sign: str, a: Typed, b: Typed, node: exp.Expr | None) -> Typed:
        return operators.compare(sign, a, b, node)

    def arithmetic(self, sign: str, a: Typed, b: Typed, node: exp.Expr | None, wide: bool = True) -> Typed:
        return operators.arithmetic(sign, a, b, node, wide)

    def key(self, value: Typed) -> str:
        """Blanks at the end of a CHAR do not count."""
        if value.type.name in {"char", "varchar"} and value.value is None:
            return f"rtrim({value.sql}, ' ')"
        return f"CAST({value.sql} AS VARCHAR)" if value.type.name == "super" else value.sql

    def sort_key(self, value: Typed, e: exp.Expr) -> str:
        """NULLs are the largest."""
        value = self.output(value)
        way = "DESC" if e.args.get("desc") else "ASC"
        sql = value.sql
        if value.type.name == "super" or value.value is not None:
            # A constant by itself would be a position.
            sql = f"CAST({sql} AS {'VARCHAR' if value.type.name == 'super' else value.type.duckdb()})"
        return f"{sql} {way} NULLS {'FIRST' if e.args.get('nulls_first') else 'LAST'}"

    def shown(self, kind: Type) -> str:
        return names.shown(kind, arguments=False)

    def of_word(self, word: str) -> Type:
        return names.TIMESTAMP if word == "timestamp" else Type(word)

    def named(self, e: exp.Expr) -> str | None:
        return column_name(e)

    def count(self, c: "Compiler", node: exp.Expr) -> int | None:
        """LIMIT $1."""
        if not isinstance(node, exp.Parameter | exp.Placeholder):
            return None
        value = coercion.coerce(c.expression(node), Type("bigint"))
        return value.value if isinstance(value.value, int) else 0

    def check(self, c: "Compiler", node: exp.Expr) -> None:
        limit = node.args.get("limit")
        options = limit.args.get("limit_options") if limit is not None else None
        if options is not None:
            raise failed("42601", 'syntax error at or near "with"', node)
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            raise failed("0A000", "SELECT DISTINCT ON is not supported", node)

    def table(self, c: "Compiler", node: exp.Table, outer: "Scope | None") -> Found:
        return relations.table(c, self, node)

    def pivoted(self, c: "Compiler", node: exp.Expr, outer: "Scope | None") -> exp.Expr:
        plain = node.copy()
        plain.set("pivots", None)
        return pivots.query_of(c, node, shared.relation(c, plain, outer)[1])

    def item(self, c: "Compiler", node: exp.Expr, visible: "Scope") -> Found | None:
        return relations.item(c, node, visible)

    def parameter(self, number: int, node: exp.Expr) -> Typed:
        """`$n`: a literal where values are known, else what only has a type."""
        if self.arguments:
            if not 1 <= number <= len(self.arguments[-1]):
                raise failed("42P02", f"there is no parameter ${number}", node)
            return self.arguments[-1][number - 1]
        values = self.parameters.values
        if self.parameters.held and number in self.types:
            return Typed(f"CAST(${number} AS {self.types[number].duckdb()})", self.types[number])
        if values is None:
            kind = self.types.get(number)
            if kind is not None:
                return Typed(f"CAST(NULL AS {kind.duckdb()})", kind)
            return Typed("NULL", UNKNOWN, Mark(number, self.types))
        if number > len(values):
            raise failed("42P02", f"there is no parameter ${number}", node)
        shown = values[number - 1]
        value = Typed("NULL", UNKNOWN) if shown is None else literal(shown)
        kind = self.types.get(number)
        if kind is None:
            return value
        if kind.name == "super" and shown is not None:
            return Typed(f"CAST({text(shown)} AS JSON)", kind)
        return casts.cast(value, kind) if kind.name != "varchar" else coercion.coerce(value, VARCHAR)


def column_name(e: exp.Expr) -> str | None:
    """What Redshift calls an output column that has no alias; None: ?column?."""
    while isinstance(e, exp.Paren | exp.Window | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls | exp.Bracket):
        e = e.this
    if isinstance(e, exp.Column | exp.Anonymous):
        return e.name.lower()
    if isinstance(e, exp.Dot):
        return e.expression.name.lower()
    if isinstance(e, exp.Cast):
        if isinstance(e.this, exp.Literal | exp.Null | exp.Parameter | exp.Placeholder):
            return names.pg_name(rules.literals.of_datatype(e.args["to"], e))
        return column_name(e.this)
    known: dict[type, str] = {
        exp.Case: "case",
        exp.CurrentDate: "date",
        exp.CurrentUser: "current_user",
        exp.SessionUser: "session_user",
        exp.CurrentSchema: "current_schema",
        exp.CurrentDatabase: "current_database",
        exp.Extract: "date_part",
        exp.Trim: "btrim",
        exp.Substring: "substring",
        exp.StrPosition: "position",
        exp.Interval: "interval",
    }
    if isinstance(e, exp.CurrentTimestamp):
        return "sysdate" if e.args.get("sysdate") else "timestamptz"
    return known.get(type(e))
