"""Conditions and updates as they were given before expressions: Expected, filters, KeyConditions, AttributeUpdates."""

from collections.abc import Callable, Mapping
from typing import Any

from lakemill.engines.tables import conditions as c
from lakemill.engines.tables.updates import Update
from lakemill.engines.tables.values import SETS, Value, canonical, type_of
from lakemill.services.base import ServiceError
from lakemill.services.dynamodb.names import invalid

PREFIX = "One or more parameter values were invalid: "
ORDERED = {"LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
# How many arguments an operator takes; None: one or more.
ARGUMENTS: dict[str, int | None] = {
    **dict.fromkeys(("EQ", "NE", "LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH"), 1),
    **dict.fromkeys(("NOT_NULL", "NULL"), 0),
    "BETWEEN": 2,
    "IN": None,
}
TYPES = {
    **dict.fromkeys((*ORDERED, "BETWEEN"), ("S", "N", "B")),
    "BEGINS_WITH": ("S", "B"),
    **dict.fromkeys(("CONTAINS", "NOT_CONTAINS"), ("S", "N", "B", "BOOL", "NULL", "M", "L")),
}


def wrong(text: str) -> ServiceError:
    return invalid(PREFIX + text)


def _compared(name: str, operator: str, values: list[Value]) -> c.Condition:
    at, given = c.At((name,)), [c.Literal(value) for value in values]
    if operator in ("NULL", "NOT_NULL"):
        return c.Exists(at) if operator == "NOT_NULL" else c.Not(c.Exists(at))
    if operator == "IN":
        return c.In(at, tuple(given))
    if operator == "BETWEEN":
        return c.Between(at, *given)
    if operator == "BEGINS_WITH":
        return c.BeginsWith(at, given[0])
    if operator in ("CONTAINS", "NOT_CONTAINS"):
        contains = c.Contains(at, given[0])
        return contains if operator == "CONTAINS" else c.Not(contains)
    return c.Compared({"EQ": "=", "NE": "<>"}.get(operator) or ORDERED[operator], at, given[0])


def checked(operator: str, given: list[Value]) -> list[Value]:
    """The arguments of an operator in canonical form. Raises ServiceError."""
    count = ARGUMENTS[operator]
    if len(given) != count if count is not None else not given:
        raise wrong(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    values = [canonical(value) for value in given]
    for value in values:
        if type_of(value) not in TYPES.get(operator, (type_of(value),)):
            raise wrong(f"ComparisonOperator {operator} is not valid for {type_of(value)} AttributeValue type")
    if operator == "BETWEEN":
        if type_of(values[0]) != type_of(values[1]):
            raise wrong("AttributeValues inside AttributeValueList must be of same type")
        if (c.compare(values[0], values[1]) or 0) > 0:
            raise wrong(
                "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
            )
    return values


def _joined(parts: list[c.Condition], operator: str) -> c.Condition | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return c.And(tuple(parts)) if operator == "AND" else c.Or(tuple(parts))


def filtered(conditions: Mapping[str, Any], operator: str) -> c.Condition | None:
    """ScanFilter or QueryFilter."""
    parts = []
    for name, one in conditions.items():
        comparison = one["ComparisonOperator"]
        parts.append(_compared(name, comparison, checked(comparison, one.get("AttributeValueList", []))))
    return _joined(parts, operator)


def expected(conditions: Mapping[str, Any], operator: str) -> c.Condition | None:
    """Expected: each attribute with a value, with Exists, or with an operator and its arguments."""
    return _joined([_expected(name, one) for name, one in conditions.items()], operator)


def _expected(name: str, one: Mapping[str, Any]) -> c.Condition:
    comparison, exists, value, several = (
        one.get(member) for member in ("ComparisonOperator", "Exists", "Value", "AttributeValueList")
    )
    if value is not None and several is not None:
        raise wrong(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    if comparison is not None:
        if exists is not None:
            raise wrong(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
        given = several if several is not None else ([value] if value is not None else [])
        if not given and ARGUMENTS[comparison] != 0:
            raise wrong(
                f"Value or AttributeValueList must be used with ComparisonOperator: {comparison} for Attribute: {name}"
            )
        return _compared(name, comparison, checked(comparison, given))
    if several is not None:
        raise wrong(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if exists is False:
        if value is not None:
            raise wrong(f"Value cannot be used when Exists is set to false for Attribute: {name}")
        return c.Not(c.Exists(c.At((name,))))
    if value is None:
        raise wrong(f"Value must be provided when Exists is {'true' if exists else 'null'} for Attribute: {name}")
    return _compared(name, "EQ", [canonical(value)])


MISTYPED = "Type mismatch for attribute to update"


def updates(changes: Mapping[str, Any]) -> Update:
    """AttributeUpdates."""
    sets, adds, deletes, removes = [], [], [], []
    for name, one in changes.items():
        action = one.get("Action", "PUT")
        value = canonical(one["Value"]) if "Value" in one else None
        path = (name,)
        if value is None:
            if action != "DELETE":
                raise wrong("Only DELETE action is allowed when no attribute value is specified")
            removes.append(path)
        elif action == "PUT":
            sets.append((path, c.Literal(value)))
        elif action == "ADD":
            _check_type(action, value, ("N", "L", *SETS))
            adds.append((path, value))
        else:
            _check_type(action, value, tuple(SETS))
            deletes.append((path, value))
    return Update(tuple(sets), tuple(adds), tuple(deletes), tuple(removes), mistyped=MISTYPED)  # type: ignore[arg-type]


def _check_type(action: str, value: Value, allowed: tuple[str, ...]) -> None:
    if type_of(value) not in allowed:
        raise wrong(f"{action} action is not supported for the type {type_of(value)}")


KEY_OPERATORS: dict[str, Callable[[], str] | str] = {
    "EQ": "=",
    **ORDERED,
    "BEGINS_WITH": "begins_with",
    "BETWEEN": "between",
}


def key_conditions(conditions: Mapping[str, Any]) -> list[tuple[str, str, list[Value]]]:
    """KeyConditions: attribute, operator of a range, values. Raises ServiceError."""
    found = []
    for name, one in conditions.items():
        comparison = one["ComparisonOperator"]
        if comparison not in KEY_OPERATORS:
            raise (
                wrong("Attempted conditional constraint is not an indexable operation")
                if comparison in ARGUMENTS
                else invalid(f"Unsupported operator on KeyConditions: operator: {comparison}")
            )
        values = checked(comparison, one.get("AttributeValueList", []))
        found.append((name, str(KEY_OPERATORS[comparison]), values))
    return found
