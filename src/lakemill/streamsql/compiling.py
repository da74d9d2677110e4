"""From code to a program: streams first, then the pumps between them."""

from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from lakemill.streamsql.context import ERROR_STREAM, Context
from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.expr import Expr, cast_to, constant
from lakemill.streamsql.expressions import name_of, position
from lakemill.streamsql.graph import Merge, Node
from lakemill.streamsql.interface import ROWTIME, ROWTIME_FIELD
from lakemill.streamsql.operators.tablejoin import Reference
from lakemill.streamsql.planning.query import plan_query
from lakemill.streamsql.planning.relation import Item, Plan, Relation, is_own_rowtime, rowtime_items, scope_of
from lakemill.streamsql.program import Program, StreamNode
from lakemill.streamsql.sqltypes import TIMESTAMP, SqlType, length_of
from lakemill.streamsql.statements import CreatePump, CreateStream, parse
from lakemill.streamsql.tokens import place


def compile(code: str, inputs: dict[str, pa.Schema], references: dict[str, pa.Schema] | None = None) -> Program:
    """Parse, check and plan `code`.

    `inputs` and `references` give the columns of the input streams and reference tables (without ROWTIME). A field
    whose metadata has the key `hidden` can be named but is not part of `SELECT *`. Integer columns are int8..int64,
    DECIMAL is decimal128, VARCHAR(n) is string with metadata `length`, TIMESTAMP is timestamp("ms").

    Raises SqlError with line and column.
    """
    try:
        return _compile(code, inputs, references or {})
    except RecursionError as error:
        raise SqlError("An expression is nested too deeply") from error


def _compile(code: str, inputs: dict[str, pa.Schema], references: dict[str, pa.Schema]) -> Program:
    script = parse(code)
    context = Context()
    nodes: list[Node] = []
    tables = {name: Reference(schema) for name, schema in references.items()}
    sources = {name: _node(context, nodes, pa.schema([ROWTIME_FIELD, *schema])) for name, schema in inputs.items()}
    created = {}
    for stream in script.streams.values():
        if stream.name in sources or stream.name in tables or stream.name == ERROR_STREAM:
            raise SqlError(f"{stream.name} exists already", *place(stream.token))
        columns = [column for column in stream.columns if column.name != ROWTIME]
        created[stream.name] = _node(context, nodes, pa.schema([ROWTIME_FIELD, *columns]))
    known = {
        name: Relation(node, node.schema, scope_of(node.schema, name)) for name, node in (sources | created).items()
    }
    _refuse_cycles(script.pumps)
    arriving: dict[str, list[Relation]] = {}
    for pump in _in_order(script.pumps):
        plan = Plan(context, nodes, known, tables, pump.name, pump.windows)
        arriving.setdefault(pump.stream, []).append(_store(plan, pump, script.streams, sources))
        known[pump.stream] = replace(known[pump.stream], clocked=all(r.clocked for r in arriving[pump.stream]))
    for pump in script.pumps.values():
        if not pump.started:
            # It must compile too, but nothing of it runs.
            apart = {name: replace(r, node=StreamNode(context, r.schema)) for name, r in known.items()}
            _store(Plan(context, [], apart, tables, pump.name, pump.windows), pump, script.streams, sources)
    for name, relations in arriving.items():
        _connect(context, nodes, created[name], relations)
    return Program(context, nodes, sources, created, tables, code)


def _node(context: Context, nodes: list[Node], schema: pa.Schema) -> StreamNode:
    node = StreamNode(context, schema)
    nodes.append(node)
    return node


def _connect(context: Context, nodes: list[Node], stream: StreamNode, relations: list[Relation]) -> None:
    """Let pumps fill a stream; the rows of several are merged by ROWTIME."""
    plan = Plan(context, nodes, {}, {})
    if len(relations) == 1:
        relations[0].node.consumers.append((stream, 0))
        return
    merge = plan.connect(
        Merge(stream.schema, [relation.clocked for relation in relations]), *(relation.node for relation in relations)
    )
    merge.consumers.append((stream, 0))


def _reads(pump: CreatePump) -> list[tuple[str, exp.Table]]:
    """The streams and tables a pump's query names."""
    tables = [table for table in pump.query.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
    return [(name_of(table.this), table) for table in tables]


def _refuse_cycles(pumps: dict[str, CreatePump]) -> None:
    """A stream may not be filled, over however many pumps, from itself."""
    fed: dict[str, list[tuple[str, exp.Table]]] = {}
    for pump in pumps.values():
        fed.setdefault(pump.stream, []).extend(_reads(pump))
    for stream in fed:
        for name, table in fed[stream]:
            if _reaches(name, stream, fed, set()):
                raise SqlError(f"The stream {stream} would be filled from itself, through {name}", *position(table))


def _reaches(start: str, goal: str, fed: dict, seen: set[str]) -> bool:
    if start == goal:
        return True
    if start in seen:
        return False
    seen.add(start)
    return any(_reaches(name, goal, fed, seen) for name, _ in fed.get(start, []))


def _in_order(pumps: dict[str, CreatePump]) -> list[CreatePump]:
    """Started pumps, those that fill a stream before those that read it."""
    waiting = [pump for pump in pumps.values() if pump.started]
    order: list[CreatePump] = []
    while waiting:
        unfilled = {pump.stream for pump in waiting}
        ready = [pump for pump in waiting if not any(name in unfilled for name, _ in _reads(pump))]
        order += ready
        waiting = [pump for pump in waiting if pump not in ready]
    return order


def _store(plan: Plan, pump: CreatePump, streams: dict[str, CreateStream], sources: dict[str, StreamNode]) -> Relation:
    """The query's rows in the form of the stream they go to."""
    if pump.stream not in streams:
        what = "is an input stream" if pump.stream in sources else "does not exist"
        raise SqlError(f"The stream {pump.stream} {what}; a pump fills a created stream", *place(pump.stream_token))
    draft = plan_query(plan, pump.query)
    stream = streams[pump.stream]
    given = _assigned(pump, stream, list(draft.items))
    schema = plan.streams[pump.stream].schema
    items, rowtime, where = [], None, place(pump.stream_token)
    for field in schema:
        item = given.get(field.name)
        kind = SqlType(field.type, length_of(field))
        if field.name == ROWTIME:
            if item is not None and not is_own_rowtime(item):
                rowtime = _converted(item, SqlType(TIMESTAMP), ROWTIME, where)
            continue
        expr = constant(None, field.type) if item is None else _converted(item, kind, field.name, where)
        items.append(Item(field.name, expr))
    return plan.project(replace(draft, items=items), None, rowtime, schema)


def _converted(item: Item, kind: SqlType, name: str, where: tuple[int, int]) -> Expr:
    try:
        return cast_to(item.expr, kind)
    except TypeError as error:
        at = position(item.node) if item.node is not None else (0, 0)
        raise SqlError(f"Column {name}: {error}", *(at if at[0] else where)) from error


def _assigned(pump: CreatePump, stream: CreateStream, items: list[Item]) -> dict[str, Item]:
    """Which item goes into which column."""
    if pump.columns is not None:
        known = {column.name for column in stream.columns} | {ROWTIME}
        for name, token in pump.columns:
            if name not in known:
                raise SqlError(f"The stream {stream.name} has no column {name}", *place(token))
        names = [name for name, _ in pump.columns]
        if len(set(names)) < len(names):
            raise SqlError("A column is named twice", *place(pump.columns[0][1]))
    else:
        names = [column.name for column in stream.columns]
        times = rowtime_items(items)
        if len(items) == len(names) + 1 and len(times) == 1 and ROWTIME not in names:
            others = [item for item in items if item is not times[0]]
            return {ROWTIME: times[0], **dict(zip(names, others, strict=True))}
    if len(items) != len(names):
        message = f"The query has {len(items)} columns, {len(names)} are expected by {stream.name}"
        raise SqlError(message, *place(pump.stream_token))
    return dict(zip(names, items, strict=True))
