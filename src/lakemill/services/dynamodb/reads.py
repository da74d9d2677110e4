"""Query and Scan."""

import dataclasses

from lakemill.engines.tables import Found, Index, Question, Table
from lakemill.engines.tables import conditions as c
from lakemill.engines.tables.errors import IndexMissing
from lakemill.engines.tables.paths import Path, project
from lakemill.engines.tables.values import Value, canonical_item, type_of
from lakemill.services.base import Call, operation
from lakemill.services.dynamodb.capacity import consumed, read_units
from lakemill.services.dynamodb.legacy import wrong
from lakemill.services.dynamodb.names import Answer, Part, Request, invalid, item_table, scope_of
from lakemill.services.dynamodb.requests import Spoken


class Reads(Part):
    """Operations that find items."""

    @operation("Query")
    def query(self, call: Call, request: Request) -> Answer:
        table, index = self._places(call, request)
        spoken = Spoken(request)
        key = index.key if index is not None else table.key
        hash_value, range_ = _key_range(spoken.key_condition(), key.names, {a.name: a.type for a in key.attributes})
        question = dataclasses.replace(
            self._question(table, index, request, spoken, "QueryFilter"),
            hash=hash_value,
            range=range_,
            reverse=not request.get("ScanIndexForward", True),
        )
        if question.filter is not None:
            _check_filter(question.filter, key.names, "FilterExpression" in request)
        return self._answer(call, table, index, request, spoken, question)

    @operation("Scan")
    def scan(self, call: Call, request: Request) -> Answer:
        table, index = self._places(call, request)
        spoken = Spoken(request)
        question = self._question(table, index, request, spoken, "ScanFilter")
        return self._answer(
            call, table, index, request, spoken, dataclasses.replace(question, segment=_segment(request))
        )

    def _places(self, call: Call, request: Request) -> tuple[Table, Index | None]:
        table = item_table(self._tables, call, request["TableName"])
        if "IndexName" not in request:
            return table, None
        try:
            index = table.index(request["IndexName"])
        except IndexMissing as error:
            raise invalid(str(error)) from None
        if index.filling:
            raise invalid(f"Cannot read from backfilling global secondary index: {index.name}")
        if request.get("ConsistentRead") and not index.local:
            raise invalid("Consistent reads are not supported on global secondary indexes")
        return table, index

    def _question(
        self, table: Table, index: Index | None, request: Request, spoken: Spoken, older_filter: str
    ) -> Question:
        start = request.get("ExclusiveStartKey")
        return Question(
            index=index.name if index is not None else None,
            start=canonical_item(start) if start is not None else None,
            limit=request.get("Limit"),
            filter=spoken.filter(older_filter),
        )

    def _answer(
        self, call: Call, table: Table, index: Index | None, request: Request, spoken: Spoken, question: Question
    ) -> Answer:
        paths = spoken.projection()
        spoken.finish()
        select = _selected(request, index)
        whole = index is not None and (select == "ALL_ATTRIBUTES" or _goes_beyond(table, index, paths))
        found: Found = self._tables.read(scope_of(call), table.name, dataclasses.replace(question, whole=whole))
        answer: Answer = {"Count": len(found.items), "ScannedCount": found.scanned}
        if select != "COUNT":
            answer["Items"] = found.items if paths is None else [project(item, paths) for item in found.items]
        if found.last is not None:
            answer["LastEvaluatedKey"] = found.last
        units = read_units(found.bytes, consistent=request.get("ConsistentRead", False))
        return answer | consumed(request, table.name, units, index.name if index is not None else None)


def _selected(request: Request, index: Index | None) -> str:
    select = request.get("Select")
    chosen = "ProjectionExpression" in request or "AttributesToGet" in request
    if select is None:
        return "SPECIFIC_ATTRIBUTES" if chosen else "ALL_PROJECTED_ATTRIBUTES"
    if chosen and select != "SPECIFIC_ATTRIBUTES":
        raise invalid(
            f"Cannot specify the {'ProjectionExpression' if 'ProjectionExpression' in request else 'AttributesToGet'} "
            f"when choosing to get {'only the Count' if select == 'COUNT' else select}"
        )
    if select == "SPECIFIC_ATTRIBUTES" and not chosen:
        raise invalid(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise wrong("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "ALL_ATTRIBUTES" and index is not None and not index.local and index.projection != "ALL":
        raise wrong(
            f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
            "because its projection type is not ALL"
        )
    return select


def _goes_beyond(table: Table, index: Index, paths: list[Path] | None) -> bool:
    """Whether more is asked for than the index has; a local one then looks at the item itself."""
    projected = index.projected(table.key)
    if paths is None or projected is None:
        return False
    beyond = sorted({str(path[0]) for path in paths} - projected)
    if beyond and not index.local:
        raise wrong(f"Global secondary index {index.name} does not project [{', '.join(beyond)}]")
    return bool(beyond)


def _segment(request: Request) -> tuple[int, int] | None:
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if segment is None and total is None:
        return None
    if total is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
            "present"
        )
    if segment is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
            "present"
        )
    if segment >= total:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    return segment, total


def _key_range(
    parts: list[tuple[str, str, list[Value]]], names: tuple[str, ...], types: dict[str, str]
) -> tuple[Value, tuple[str, list[Value]] | None]:
    """The hash value, and the comparison of the range value if there is one."""
    if len(parts) > 2:
        raise invalid("Conditions can be of length 1 or 2 only")
    by_name = {name: (operator, values) for name, operator, values in parts}
    if len(by_name) < len(parts):
        raise invalid("KeyConditionExpressions must only contain one condition per key")
    if names[0] not in by_name:
        raise invalid(f"Query condition missed key schema element: {names[0]}")
    operator, (hash_value, *_) = by_name[names[0]]
    if operator != "=":
        raise invalid("Query key condition not supported")
    others = [name for name in by_name if name != names[0]]
    for name, (_, values) in by_name.items():
        if name not in names:
            missed = names[1] if len(names) > 1 else None
            raise invalid(
                f"Query condition missed key schema element: {missed}"
                if missed
                else "Query key condition not supported"
            )
        for value in values:
            if type_of(value) != types[name]:
                raise wrong("Condition parameter type does not match schema type")
    if not others:
        return hash_value, None
    return hash_value, by_name[others[0]]


def _check_filter(condition: c.Condition, keys: tuple[str, ...], modern: bool) -> None:
    for path in condition.paths():
        if path[0] in keys:
            if modern:
                raise invalid(
                    f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {path[0]}"
                )
            raise invalid(f"QueryFilter can only contain non-primary key attributes: Primary key attribute: {path[0]}")
