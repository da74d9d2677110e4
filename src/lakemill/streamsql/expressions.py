"""From parsed expressions to compiled ones.

Rows on which an expression fails are the business of `frame.Frame`. Branches of CASE, COALESCE, AND and OR that are not
needed on a row cannot fail on it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from lakemill.streamsql import operations as ops
from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.expr import Expr, call, cast_to, constant, rising, unified
from lakemill.streamsql.frame import Frame, Values, choose
from lakemill.streamsql.functions import find_function
from lakemill.streamsql.intervals import interval
from lakemill.streamsql.scope import Scope
from lakemill.streamsql.sqltypes import NULL, SqlType, named, sql_name

_COMPARISONS: dict[type[exp.Expr], Callable] = {
    exp.EQ: pc.equal,
    exp.NEQ: pc.not_equal,
    exp.LT: pc.less,
    exp.LTE: pc.less_equal,
    exp.GT: pc.greater,
    exp.GTE: pc.greater_equal,
}
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
# sqlglot's nodes for calls with a grammar of their own: name, and which arguments in which order.
_GRAMMAR_CALLS: dict[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Substring: ("SUBSTRING", ("this", "start", "length")),
    exp.StrPosition: ("POSITION", ("substr", "this")),
    exp.Overlay: ("OVERLAY", ("this", "expression", "from_", "for_")),
}


def name_of(identifier: exp.Expr) -> str:
    """The name an identifier stands for: exact if quoted, else in upper case."""
    text = identifier.name
    return text if identifier.args.get("quoted") else text.upper()


def position(node: exp.Expr) -> tuple[int, int]:
    """Line and column of the first thing in the node whose place is known."""
    known = [part.meta for part in node.walk() if "line" in part.meta]
    if known:
        meta = min(known, key=lambda meta: meta["start"])
        return meta["line"], meta["col"] - (meta["end"] - meta["start"])
    return (0, 0) if node.parent is None else position(node.parent)


# Parts of expressions that are honoured, where sqlglot knows more of them.
_PARTS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Floor: ("this", "to"),
    exp.Ceil: ("this", "to"),
    exp.Between: ("this", "low", "high"),
    exp.Cast: ("this", "to", "_type"),
    exp.Trim: ("this", "expression", "position"),
    exp.In: ("this", "expressions", "query"),
    exp.Anonymous: ("this", "expressions"),
    exp.Column: ("this", "table", "db", "catalog"),
    exp.StrPosition: ("this", "substr"),
    exp.Substring: ("this", "start", "length"),
    exp.Overlay: ("this", "expression", "from_", "for_"),
    exp.Extract: ("this", "expression"),
}


def refuse_others(node: exp.Expr, parts: Sequence[str]) -> None:
    """SqlError if the node has anything but these parts: nothing is read over."""
    for part, value in node.args.items():
        if value and part not in parts:
            where = position(value) if isinstance(value, exp.Expr) else position(node)
            raise SqlError(f"{part.strip('_').upper()} is not part of this dialect", *where)


def function_name(node: exp.Expr) -> str | None:
    """The name of a call, in upper case."""
    return node.name.removeprefix("$").upper() if isinstance(node, exp.Anonymous) else None


class Compiler:
    """Compiles expressions against a scope.

    `given` holds expressions that are known already (results of aggregates and windows), by node id.
    """

    def __init__(self, scope: Scope, given: Callable[[exp.Expr], Expr | None] | None = None):
        self.scope = scope
        self.given = given

    def compile(self, node: exp.Expr) -> Expr:
        """The compiled expression; SqlError with the place of what is wrong."""
        try:
            known = self.given(node) if self.given is not None else None
            return known if known is not None else self._compile(node)
        except (TypeError, ValueError, LookupError, NotImplementedError) as error:
            raise SqlError(str(error.args[0] if error.args else error), *position(node)) from error

    def comparable(self, node: exp.Expr, what: str) -> Expr:
        """An expression whose values can be told apart and put in order."""
        expr = self.compile(node)
        if pa.types.is_struct(expr.kind):
            raise SqlError(f"{what} takes values, not rows: name a field", *position(node))
        return expr

    def condition(self, node: exp.Expr, what: str) -> Expr:
        """An expression that must be a truth value."""
        expr = self.compile(node)
        if expr.kind not in (pa.bool_(), NULL):
            raise SqlError(f"{what} must be a condition, this is {sql_name(expr.kind)}", *position(node))
        return cast_to(expr, SqlType(pa.bool_()))

    def _compile(self, node: exp.Expr) -> Expr:
        kind = type(node)
        if kind in _PARTS:
            refuse_others(node, _PARTS[kind])
        if kind in _COMPARISONS:
            return ops.compare(_COMPARISONS[kind], self.compile(node.this), self.compile(node.expression))
        if kind in _ARITHMETIC:
            return ops.arithmetic(_ARITHMETIC[kind], self.compile(node.this), self.compile(node.expression))
        if kind in _GRAMMAR_CALLS:
            name, keys = _GRAMMAR_CALLS[kind]
            return self._call(name, [self.compile(node.args[key]) for key in keys if node.args.get(key)])
        method = getattr(self, "_" + kind.__name__.lower(), None)
        if method is None:
            raise NotImplementedError(f"{kind.__name__.upper()} is not part of this dialect")
        return method(node)

    def _call(self, name: str, arguments: list[Expr]) -> Expr:
        function = find_function(name)
        if function is None:
            raise LookupError(f"There is no function {name}")
        return function(arguments)

    def _column(self, node: exp.Column) -> Expr:
        parts = [name_of(part) for part in node.parts]
        if len(parts) == 1:
            return self.scope.find(None, parts[0]).expr
        if parts[0] in self.scope.tables:
            return self._fields(self.scope.find(parts[0], parts[1]).expr, parts[2:])
        if len(parts) == 2 and any(c.name == parts[0] for c in self.scope.columns):
            return self._fields(self.scope.find(None, parts[0]).expr, parts[1:])
        return self._fields(self.scope.find(parts[0], parts[1]).expr, parts[2:])

    def _fields(self, expr: Expr, names: list[str]) -> Expr:
        for name in names:
            if not pa.types.is_struct(expr.kind) or expr.kind.get_field_index(name) < 0:
                raise LookupError(f"There is no field {name} in this {sql_name(expr.kind)}")
            kind = expr.kind.field(name).type
            expr = call(lambda values, name=name: pc.struct_field(values, name), kind, expr)
        return expr

    def _dot(self, node: exp.Dot) -> Expr:
        return self._fields(self.compile(node.this), [name_of(node.expression)])

    def _literal(self, node: exp.Literal) -> Expr:
        return replace(constant(node.this, pa.string()), length=None) if node.is_string else ops.number(node.this)

    def _boolean(self, node: exp.Boolean) -> Expr:
        return constant(bool(node.this), pa.bool_())

    def _null(self, node: exp.Null) -> Expr:
        return constant(None, NULL)

    def _paren(self, node: exp.Paren) -> Expr:
        return self.compile(node.this)

    def _neg(self, node: exp.Neg) -> Expr:
        if isinstance(node.this, exp.Literal) and not node.this.is_string:
            return ops.number("-" + node.this.this)
        return ops.negative(self.compile(node.this))

    def _dpipe(self, node: exp.DPipe) -> Expr:
        return ops.concatenate(self.compile(node.this), self.compile(node.expression))

    def _interval(self, node: exp.Interval) -> Expr:
        return interval(node)

    def _anonymous(self, node: exp.Anonymous) -> Expr:
        name = function_name(node) or ""
        if any(isinstance(argument, exp.Distinct | exp.Star) for argument in node.expressions):
            raise ValueError(f"{name} is not possible here")
        return self._call(name, [self.compile(argument) for argument in node.expressions])

    def _floor(self, node: exp.Floor | exp.Ceil) -> Expr:
        unit = node.args.get("to")
        arguments = [self.compile(node.this)]
        if unit is not None:
            arguments.append(constant(unit.name.upper(), pa.string()))
        return self._call("FLOOR" if isinstance(node, exp.Floor) else "CEIL", arguments)

    _ceil = _floor

    def _extract(self, node: exp.Extract) -> Expr:
        return self._call("EXTRACT", [constant(node.this.name.upper(), pa.string()), self.compile(node.expression)])

    def _trim(self, node: exp.Trim) -> Expr:
        side = str(node.args.get("position") or "BOTH").upper()
        what = self.compile(node.expression) if node.expression else constant(" ", pa.string())
        return self._call("TRIM", [self.compile(node.this), what, constant(side, pa.string())])

    def _cast(self, node: exp.Cast) -> Expr:
        target = node.to
        if target.this == exp.DataType.Type.INTERVAL:
            return cast_to(self.compile(node.this), SqlType(pa.duration("ms")))
        name = {"INT": "INTEGER", "FLOAT": "REAL", "NCHAR": "CHAR"}.get(target.this.value, target.this.value)
        parameters = [int(parameter.name) for parameter in target.expressions]
        if name == "TIMESTAMP":
            parameters = []
        value = self.compile(node.this)
        result = cast_to(value, named(name, parameters))
        # A day does not fall when a time does not.
        return rising(result, value) if value.rowtime and pa.types.is_date(result.kind) else result

    # Truth values.

    def _not(self, node: exp.Not) -> Expr:
        return call(pc.invert, pa.bool_(), self.condition(node.this, "What follows NOT"))

    def _and(self, node: exp.And) -> Expr:
        return self._both(node, pc.and_kleene, decided=False)

    def _or(self, node: exp.Or) -> Expr:
        return self._both(node, pc.or_kleene, decided=True)

    def _both(self, node: exp.Binary, kernel: Callable, decided: bool) -> Expr:
        name = type(node).__name__.upper()
        left = self.condition(node.this, f"The left side of {name}")
        right = self.condition(node.expression, f"The right side of {name}")

        def run(frame: Frame) -> Values:
            first = left.run(frame)
            branch = frame.branch()
            second = right.run(branch)
            frame.absorb(branch, lambda: pc.fill_null(pc.not_equal(first, decided), True))
            return kernel(first, second)

        return Expr(pa.bool_(), run, constant=left.constant and right.constant)

    def _is(self, node: exp.Is) -> Expr:
        value = self.compile(node.this)
        what = node.expression
        if isinstance(what, exp.Null) or what.name.upper() == "UNKNOWN":
            return call(pc.is_null, pa.bool_(), value)
        if isinstance(what, exp.Boolean):
            wanted = bool(what.this)
            return call(lambda v: pc.fill_null(pc.equal(v, wanted), False), pa.bool_(), value)
        raise ValueError("IS must be followed by NULL, TRUE, FALSE or UNKNOWN")

    def _nullsafeeq(self, node: exp.NullSafeEQ) -> Expr:
        return ops.same(self.compile(node.this), self.compile(node.expression))

    def _nullsafeneq(self, node: exp.NullSafeNEQ) -> Expr:
        return call(pc.invert, pa.bool_(), ops.same(self.compile(node.this), self.compile(node.expression)))

    def _between(self, node: exp.Between) -> Expr:
        value = self.compile(node.this)
        above = ops.compare(pc.greater_equal, value, self.compile(node.args["low"]))
        below = ops.compare(pc.less_equal, value, self.compile(node.args["high"]))
        return call(pc.and_kleene, pa.bool_(), above, below)

    def _in(self, node: exp.In) -> Expr:
        if not node.expressions:
            raise NotImplementedError("IN with a query is not part of this dialect; use a join")
        return ops.among(self.compile(node.this), [self.compile(other) for other in node.expressions])

    def _like(self, node: exp.Like) -> Expr:
        return ops.like(self.compile(node.this), self.compile(node.expression), None)

    def _similarto(self, node: exp.SimilarTo) -> Expr:
        return ops.similar(self.compile(node.this), self.compile(node.expression), None)

    def _escape(self, node: exp.Escape) -> Expr:
        inner = node.this
        make = ops.similar if isinstance(inner, exp.SimilarTo) else ops.like
        return make(self.compile(inner.this), self.compile(inner.expression), self.compile(node.expression))

    def _case(self, node: exp.Case) -> Expr:
        subject = self.compile(node.this) if node.this else None
        conditions, results = [], []
        for branch in node.args["ifs"]:
            if subject is None:
                conditions.append(self.condition(branch.this, "What follows WHEN"))
            else:
                conditions.append(ops.compare(pc.equal, subject, self.compile(branch.this)))
            results.append(self.compile(branch.args["true"]))
        default = node.args.get("default")
        results.append(self.compile(default) if default is not None else constant(None, NULL))
        return _case(conditions, unified(results, "CASE"))


def _case(conditions: list[Expr], results: list[Expr]) -> Expr:
    """The result of the first condition that is true, else the last result."""

    def run(frame: Frame) -> Values:
        undecided: Values = pa.scalar(True)
        chosen: list[tuple[Values, Values]] = []
        for condition, result in zip(conditions, results[:-1], strict=True):
            test = frame.branch()
            true = pc.fill_null(condition.run(test), False)
            frame.absorb(test, _always(undecided))
            mask = pc.and_(undecided, true)
            value = frame.branch()
            chosen.append((mask, result.run(value)))
            frame.absorb(value, _always(mask))
            undecided = pc.and_not(undecided, true)
        last = frame.branch()
        values = results[-1].run(last)
        frame.absorb(last, _always(undecided))
        for mask, result_values in reversed(chosen):
            values = choose(mask, result_values, values)
        return values

    return Expr(results[0].kind, run, all(e.constant for e in (*conditions, *results)), length=results[0].length)


def _always(values: Values) -> Callable[[], Any]:
    return lambda: values
