"""Conditions, updates, projections and keys from requests: expressions or their older forms, never both.

Everything a client may have got wrong about them is said here, in AWS's words.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from lakemill.engines.tables import Language, Table
from lakemill.engines.tables import conditions as c
from lakemill.engines.tables.errors import ExpressionInvalid, ValueInvalid
from lakemill.engines.tables.paths import Path
from lakemill.engines.tables.updates import Update
from lakemill.engines.tables.values import Item, Value, canonical, canonical_item
from lakemill.services.dynamodb import legacy
from lakemill.services.dynamodb.names import Request, invalid

EXPRESSIONS = (
    *("UpdateExpression", "ConditionExpression", "KeyConditionExpression", "FilterExpression", "ProjectionExpression"),
)
OLDER = (
    *("AttributesToGet", "AttributeUpdates", "ConditionalOperator", "Expected", "KeyConditions"),
    *("QueryFilter", "ScanFilter"),
)
T = TypeVar("T")


class Spoken:
    """The expressions of one request (or of one part of it). Call `finish` when all have been read."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._check_forms()
        self._language = Language(self._names(), self._values())

    def _check_forms(self) -> None:
        modern = [name for name in EXPRESSIONS if name in self._request]
        older = [name for name in OLDER if name in self._request]
        if modern and older:
            raise invalid(
                "Can not use both expression and non-expression parameters in the same request: "
                f"Non-expression parameters: {{{', '.join(older)}}} Expression parameters: {{{', '.join(modern)}}}"
            )
        for member in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            if member not in self._request:
                continue
            if not modern:
                raise invalid(f"{member} can only be specified when using expressions")
            if not self._request[member]:
                raise invalid(f"{member} must not be empty")

    def _names(self) -> dict[str, str]:
        names = self._request.get("ExpressionAttributeNames", {})
        for alias in names:
            if not alias.startswith("#") or not _word(alias[1:]):
                raise invalid(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{alias}"')
        return names

    def _values(self) -> dict[str, Value]:
        values = {}
        for placeholder, value in self._request.get("ExpressionAttributeValues", {}).items():
            if not placeholder.startswith(":") or not _word(placeholder[1:]):
                raise invalid(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{placeholder}"')
            try:
                values[placeholder] = canonical(value)
            except ValueInvalid as error:
                raise invalid(
                    f"ExpressionAttributeValues contains invalid value: {error} for key {placeholder}"
                ) from None
        return values

    def finish(self) -> None:
        """Every name and value was used. Raises ServiceError."""
        for member, used in (
            ("ExpressionAttributeNames", self._language.used_names),
            ("ExpressionAttributeValues", self._language.used_values),
        ):
            if unused := [one for one in self._request.get(member, {}) if one not in used]:
                raise invalid(f"Value provided in {member} unused in expressions: keys: {{{', '.join(unused)}}}")

    def _read(self, member: str, read: Callable[[str], T]) -> T | None:
        text = self._request.get(member)
        if text is None:
            return None
        try:
            return read(text)
        except ExpressionInvalid as error:
            raise invalid(f"Invalid {member}: {error}") from None

    # What requests carry

    def condition(self) -> c.Condition | None:
        """ConditionExpression, or Expected."""
        operator = self._operator("Expected")
        if "Expected" in self._request:
            return legacy.expected(self._request["Expected"], operator)
        return self._read("ConditionExpression", self._language.condition)

    def filter(self, older: str) -> c.Condition | None:
        """FilterExpression, or ScanFilter or QueryFilter as `older` names it."""
        operator = self._operator(older)
        if older in self._request:
            return legacy.filtered(self._request[older], operator)
        return self._read("FilterExpression", self._language.condition)

    def _operator(self, over: str) -> str:
        if "ConditionalOperator" not in self._request:
            return "AND"
        if not self._request.get(over):
            raise invalid("ConditionalOperator cannot be used without Filter or Expected")
        if len(self._request[over]) < 2:
            raise invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
        return self._request["ConditionalOperator"]

    def projection(self) -> list[Path] | None:
        """ProjectionExpression, or AttributesToGet; None for everything."""
        if "AttributesToGet" in self._request:
            names = self._request["AttributesToGet"]
            if len(set(names)) < len(names):
                raise legacy.wrong(f"Duplicate value in attribute name: {next(n for n in names if names.count(n) > 1)}")
            return [(name,) for name in names]
        return self._read("ProjectionExpression", self._language.projection)

    def update(self, table: Table) -> Update:
        """UpdateExpression, or AttributeUpdates; none at all is an update of nothing."""
        if "AttributeUpdates" in self._request:
            update = legacy.updates(self._request["AttributeUpdates"])
        else:
            update = self._read("UpdateExpression", self._language.update) or Update()
        for path in update.paths():
            if path[0] in table.key.names:
                raise legacy.wrong(f"Cannot update attribute {path[0]}. This attribute is part of the key")
        return update

    def key_condition(self) -> list[tuple[str, str, list[Value]]]:
        """KeyConditionExpression, or KeyConditions: attribute, operator of a range, values."""
        if "KeyConditions" in self._request:
            return legacy.key_conditions(self._request["KeyConditions"])
        condition = self._read("KeyConditionExpression", self._language.condition)
        if condition is None:
            raise invalid(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )
        return [_key_part(part) for part in (condition.of if isinstance(condition, c.And) else (condition,))]


def _word(text: str) -> bool:
    return bool(text) and text.isascii() and text.replace("_", "a").isalnum()


def _key_part(part: c.Condition) -> tuple[str, str, list[Value]]:
    """A comparison of one attribute with given values."""
    attribute: Any = None
    values: list[Any] = []
    operator = ""
    if isinstance(part, c.Compared):
        operator, attribute, values = part.operator, part.left, [part.right]
        if isinstance(attribute, c.Literal):  # :v < a is a > :v.
            turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
            operator, attribute, values = turned, part.right, [part.left]
    elif isinstance(part, c.Between):
        operator, attribute, values = "between", part.operand, [part.low, part.high]
    elif isinstance(part, c.BeginsWith):
        operator, attribute, values = "begins_with", part.operand, [part.prefix]
    elif isinstance(part, c.Or | c.Not | c.In | c.Contains | c.Exists | c.HasType):
        name = {
            c.Or: "OR",
            c.Not: "NOT",
            c.In: "IN",
            c.Contains: "contains",
            c.Exists: "attribute_exists",
            c.HasType: "attribute_type",
        }[type(part)]
        raise invalid(f"Invalid operator used in KeyConditionExpression: {name}")
    if operator == "<>":
        raise invalid("Unsupported operator in KeyConditionExpression: <>")
    if isinstance(part, c.And):
        raise invalid("Invalid KeyConditionExpression: The expression has redundant parentheses;")
    if not isinstance(attribute, c.At) or not all(isinstance(value, c.Literal) for value in values):
        raise invalid("Invalid condition in KeyConditionExpression: a key attribute is compared with given values")
    if len(attribute.path) > 1:
        raise invalid("Invalid KeyConditionExpression: KeyConditionExpressions cannot contain nested attributes")
    return str(attribute.path[0]), operator, [value.given for value in values]


def key_of(table: Table, given: Item) -> Item:
    """A key given to find an item, canonical. Raises ServiceError and KeyInvalid."""
    if set(given) != set(table.key.names):
        raise invalid("The provided key element does not match the schema")
    key = canonical_item(given)
    table.check_key(key)
    return key


def item_of(table: Table, given: Item) -> Item:
    """An item to be kept, canonical. Raises ValueInvalid, KeyInvalid."""
    item = canonical_item(given)
    table.check_item(item)
    return item
