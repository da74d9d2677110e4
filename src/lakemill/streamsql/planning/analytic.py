"""Functions with OVER: sliding windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
from sqlglot import exp

from lakemill.streamsql.aggregates import NAMES
from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.expr import Expr, cast_to, column, unified
from lakemill.streamsql.expressions import Compiler, function_name, position
from lakemill.streamsql.operators.sliding import Frames, Sliding
from lakemill.streamsql.operators.trackers import ExponentialAverage, Lag, Nth, Tracker, tracker_of
from lakemill.streamsql.planning.framing import Frame, duration_of, frame_of
from lakemill.streamsql.planning.grouping import aggregate_of
from lakemill.streamsql.planning.relation import Draft, Item, Plan, Relation, canonical, settled
from lakemill.streamsql.sqltypes import SqlType, is_number, sql_name

FUNCTIONS = NAMES | {"NTH_VALUE", "LAG", "EXP_AVG"}


@dataclass
class _Window:
    """A frame with the places of its keys and arguments in the rows, and its functions."""

    frame: Frame
    keys: list[int]
    arguments: list[int] = field(default_factory=list)
    trackers: list[Callable[[], Tracker]] = field(default_factory=list)
    kinds: list[pa.DataType] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def argument(self, place: int) -> int:
        """Where the argument is among those of this window."""
        if place not in self.arguments:
            self.arguments.append(place)
        return self.arguments.index(place)


class Analytic:
    """Plans all windows of one SELECT; `nodes` are the expressions in which they may stand."""

    def __init__(self, plan: Plan, source: Relation, select: exp.Select, nodes: Sequence[exp.Expr]):
        self.plan = plan
        self.source = source
        self.scope = source.scope
        self.select = select
        self.nodes = nodes
        self.compiler = Compiler(source.scope)
        self.extra: dict[str, tuple[int, Expr]] = {}
        self.windows: dict[tuple, _Window] = {}
        self.known: dict[str, Expr] = {}

    def relation(self, condition: Expr | None) -> tuple[Relation, Compiler]:
        """The rows with the results behind them, and the compiler that knows where those are."""
        base = self.source.schema
        for call in windows_in(self.nodes):
            self._add(call)
        items = [Item(f.name, column(i, SqlType(f.type))) for i, f in enumerate(base) if i]
        items += [Item(f"EXTRA${place}", expr) for place, expr in self.extra.values()]
        prepared = self.plan.project(Draft(self.source, items, condition))
        fields = list(base)
        for window in self.windows.values():
            for text, kind in zip(window.texts, window.kinds, strict=True):
                self.known[text] = column(len(fields), SqlType(kind))
                fields.append(pa.field(f"RESULT${len(fields)}", kind))
        schema = pa.schema(fields)
        frames = [
            Frames(
                window.frame.duration,
                window.frame.rows,
                tuple(window.keys),
                tuple(window.arguments),
                tuple(window.trackers),
                tuple(window.kinds),
            )
            for window in self.windows.values()
        ]
        operator = Sliding(self.plan.context, prepared.schema, schema, len(base), frames, self.plan.pump)
        node = self.plan.linear(operator, prepared.node)
        relation = Relation(node, schema, self.scope, self.source.clocked)
        return relation, Compiler(self.scope, self._given)

    def _given(self, node: exp.Expr) -> Expr | None:
        return self.known.get(canonical(node, self.scope)) if isinstance(node, exp.Window) else None

    def _place(self, node: exp.Expr, expr: Expr) -> int:
        """Where the values of an expression are found in the prepared rows."""
        text = f"{canonical(node, self.scope)} {expr.kind}"
        if text not in self.extra:
            self.extra[text] = (len(self.source.schema) + len(self.extra), settled(expr))
        return self.extra[text][0]

    def _add(self, node: exp.Window) -> None:
        frame = frame_of(node, self.select)
        keys = [self._place(key, self.compiler.comparable(key, "PARTITION BY")) for key in frame.partition]
        window = self.windows.setdefault((frame.duration, frame.rows, tuple(keys)), _Window(frame, keys))
        text = canonical(node, self.scope)
        if text in window.texts:
            return
        call, ignore_nulls = node.this, False
        if isinstance(call, exp.IgnoreNulls | exp.RespectNulls):
            ignore_nulls = isinstance(call, exp.IgnoreNulls)
            call = call.this
        name = function_name(call)
        if name not in FUNCTIONS:
            raise SqlError(f"{name or call.sql()} cannot have OVER", *position(node))
        try:
            make, kind = self._tracker(window, call, name, ignore_nulls)
        except (TypeError, ValueError) as error:
            raise SqlError(str(error), *position(call)) from error
        window.texts.append(text)
        window.trackers.append(make)
        window.kinds.append(kind)

    def _tracker(
        self, window: _Window, call: exp.Anonymous, name: str, ignore_nulls: bool
    ) -> tuple[Callable[[], Tracker], pa.DataType]:
        if name in ("FIRST_VALUE", "LAST_VALUE", "NTH_VALUE"):
            return self._nth(window, call, name, ignore_nulls)
        if name == "LAG":
            return self._lag(window, call, ignore_nulls)
        if name == "EXP_AVG":
            return self._exp_avg(window, call)
        if ignore_nulls:
            raise TypeError(f"{name} takes no IGNORE NULLS: it never counts NULLs")
        made, argument = aggregate_of(call, self.compiler)
        place = None if argument is None else window.argument(self._place(call.expressions[0], argument))
        return partial(tracker_of, place, made), made.kind

    def _value(self, window: _Window, node: exp.Expr) -> tuple[int, pa.DataType]:
        expr = settled(self.compiler.compile(node))
        return window.argument(self._place(node, expr)), expr.kind

    def _nth(self, window: _Window, call: exp.Anonymous, name: str, ignore_nulls: bool):
        arguments = call.expressions
        wanted = (1,) if name != "NTH_VALUE" else (2, 3)
        if len(arguments) not in wanted:
            raise TypeError(f"{name} takes {wanted[0]} argument{'s' if wanted[0] > 1 else ''}")
        place, kind = self._value(window, arguments[0])
        n = self._whole(arguments[1], name, 1) if len(arguments) > 1 else 1
        from_last = name == "LAST_VALUE" or (len(arguments) > 2 and arguments[2].name.upper() == "LAST")
        return partial(Nth, place, n, from_last, ignore_nulls), kind

    def _lag(self, window: _Window, call: exp.Anonymous, ignore_nulls: bool):
        arguments = call.expressions
        if not 1 <= len(arguments) <= 3:
            raise TypeError("LAG takes 1 to 3 arguments")
        place, kind = self._value(window, arguments[0])
        n = self._whole(arguments[1], "LAG", 0) if len(arguments) > 1 else 1
        default = None
        if len(arguments) > 2:
            value = self.compiler.compile(arguments[2])
            unified([Expr(kind, value.run), value], "LAG")
            default = window.argument(self._place(arguments[2], cast_to(value, SqlType(kind))))
        return partial(Lag, place, n, default, ignore_nulls), kind

    def _exp_avg(self, window: _Window, call: exp.Anonymous):
        if len(call.expressions) != 2:
            raise TypeError("EXP_AVG takes an expression and an interval")
        if window.frame.duration is None:
            raise TypeError("EXP_AVG needs a window of time: RANGE INTERVAL ... PRECEDING")
        expr = self.compiler.compile(call.expressions[0])
        if not is_number(expr.kind):
            raise TypeError(f"EXP_AVG takes a number, not {sql_name(expr.kind)}")
        double = cast_to(expr, SqlType(pa.float64()))
        place = window.argument(self._place(call.expressions[0], double))
        return partial(ExponentialAverage, place, duration_of(call.expressions[1])), pa.float64()

    def _whole(self, node: exp.Expr, name: str, least: int) -> int:
        expr = self.compiler.compile(node)
        value = expr.value() if expr.constant else None
        if not isinstance(value, int) or value < least:
            raise TypeError(f"The number of {name} is a constant, at least {least}")
        return value


def windows_in(nodes: Sequence[exp.Expr]) -> list[exp.Window]:
    """All functions with OVER in the expressions."""
    found = []
    for node in nodes:
        if isinstance(node, exp.Window):
            found.append(node)
        elif not isinstance(node, exp.Query):
            found += windows_in(list(node.iter_expressions()))
    return found
