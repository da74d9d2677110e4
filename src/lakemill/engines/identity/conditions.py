"""Conditions of policy statements.

A block maps operators to keys to values: every operator and key must hold, any one of a key's values will do (of a
negated operator's, none may). A key the request does not have makes a plain operator false, a negated one true,
`...IfExists` true, `ForAllValues:` true and `ForAnyValue:` false.
"""

import base64
import binascii
import datetime
import functools
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lakemill.engines.identity.errors import PolicyMalformed
from lakemill.engines.identity.patterns import ArnPattern, Lookup, Text, glob, regex

Prepare = Callable[[str], Any]
"""A policy's value, made ready once; None can match nothing."""
Test = Callable[[str, Any], bool]
"""(the request's value, the policy's prepared value) -> does it hold."""


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def moment(text: str) -> float | None:
    """Epoch seconds, or ISO 8601 in any of its usual forms.

    >>> moment("2025-01-31T00:00:00Z")
    1738281600.0
    """
    if (seconds := number(text)) is not None:
        return seconds
    try:
        parsed = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)).timestamp()


@functools.lru_cache(maxsize=4096)
def network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@functools.lru_cache(maxsize=4096)
def address(text: str) -> Any:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def arn_expression(text: str) -> re.Pattern[str]:
    """All six parts, each with wild cards of its own."""
    return regex(ArnPattern(text, variables=False).expression({}) or "")


def _same(have: str, want: str) -> bool:
    return have == want


def _like(have: str, want: re.Pattern[str]) -> bool:
    return want.fullmatch(have) is not None


def _ordered(read: Callable[[str], float | None], holds: Callable[[float, float], bool]) -> Test:
    def test(have: str, want: float) -> bool:
        value = read(have)
        return value is not None and holds(value, want)

    return test


def _inside(have: str, want: Any) -> bool:
    found = address(have)
    return found is not None and found.version == want.version and found in want


@dataclass(frozen=True)
class Operator:
    """prepare and test of a positive operator; negated turns the outcome; wild: values may hold wild cards."""

    prepare: Prepare
    test: Test
    negated: bool = False
    wild: bool = False


def _both(name: str, negative: str, prepare: Prepare, test: Test, *, wild: bool = False) -> dict[str, Operator]:
    return {name: Operator(prepare, test, wild=wild), negative: Operator(prepare, test, negated=True, wild=wild)}


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "LessThan": lambda have, want: have < want,
    "LessThanEquals": lambda have, want: have <= want,
    "GreaterThan": lambda have, want: have > want,
    "GreaterThanEquals": lambda have, want: have >= want,
}


def _orderable(family: str, read: Callable[[str], float | None]) -> dict[str, Operator]:
    equal = _ordered(read, lambda have, want: have == want)
    found = _both(f"{family}Equals", f"{family}NotEquals", read, equal)
    return found | {f"{family}{name}": Operator(read, _ordered(read, holds)) for name, holds in _ORDERS.items()}


OPERATORS: dict[str, Operator] = {
    **_both("StringEquals", "StringNotEquals", str, _same),
    **_both(
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        str.lower,
        lambda have, want: have.lower() == want,
    ),
    **_both("StringLike", "StringNotLike", lambda text: regex(glob(text)), _like, wild=True),
    **_orderable("Numeric", number),
    **_orderable("Date", moment),
    "Bool": Operator(str.lower, lambda have, want: have.lower() == want),
    "BinaryEquals": Operator(decoded, lambda have, want: decoded(have) == want),
    **_both("IpAddress", "NotIpAddress", network, _inside),
    **_both("ArnEquals", "ArnNotEquals", arn_expression, _like, wild=True),
    **_both("ArnLike", "ArnNotLike", arn_expression, _like, wild=True),
    "Null": Operator(str.lower, _same),
}
_BY_LOWER = {name.lower(): name for name in OPERATORS}
_NAME = re.compile(r"^(?:(?P<set>forallvalues|foranyvalue):)?(?P<operator>[a-z]+?)(?P<exists>ifexists)?$", re.I)


class Condition:
    """One operator on one key."""

    __slots__ = ("_every", "_if_exists", "_operator", "_prepared", "_texts", "key", "name", "quantified", "written")

    def __init__(self, name: str, key: str, values: list[str], *, variables: bool) -> None:
        match = _NAME.match(name)
        known = _BY_LOWER.get(match["operator"].lower()) if match else None
        if match is None or known is None or (known == "Null" and (match["set"] or match["exists"])):
            raise PolicyMalformed(f"Invalid Condition type : {name}.")
        self.name, self.key, self.written = known, key.lower(), key
        self.quantified = match["set"] is not None
        self._every = (match["set"] or "").lower() == "forallvalues"
        self._if_exists = match["exists"] is not None
        self._operator = OPERATORS[known]
        kind: type[Text] | type[ArnPattern] = ArnPattern if known.startswith("Arn") else Text
        variables = variables and known.startswith(("Arn", "String"))
        texts = [kind(value, variables=variables) for value in values]
        self._texts = [text for text in texts if text.static is None]
        self._prepared = [self._operator.prepare(text.static) for text in texts if text.static is not None]

    @property
    def variables(self) -> list[str]:
        return [key for text in self._texts for key in text.variables]

    def holds(self, lookup: Lookup) -> bool:
        have = lookup.get(self.key)
        if self.name == "Null":
            return ("false" if have else "true") in self._prepared
        if not have:
            if self.quantified:
                return self._every
            return self._if_exists or self._operator.negated
        wanted = self._prepared
        if self._texts:
            filled = [self._fill(text, lookup) for text in self._texts]
            if None in filled:
                return False
            wanted = wanted + filled
        matched = (self._any(value, wanted) for value in have)
        if not self.quantified:
            return any(matched) is not self._operator.negated
        fitting = (match is not self._operator.negated for match in matched)
        return all(fitting) if self._every else any(fitting)

    def _any(self, value: str, wanted: list[Any]) -> bool:
        test = self._operator.test
        return any(want is not None and test(value, want) for want in wanted)

    def _fill(self, text: Text | ArnPattern, lookup: Lookup) -> Any:
        if isinstance(text, ArnPattern) or self._operator.wild:
            expression = text.expression(lookup)
            return None if expression is None else regex(expression)
        filled = text.filled(lookup)
        return None if filled is None else self._operator.prepare(filled)


def conditions_of(block: Any, *, variables: bool) -> tuple[Condition, ...]:
    """The conditions of a statement's Condition. Raises PolicyMalformed."""
    if not isinstance(block, Mapping):
        raise PolicyMalformed("Syntax errors in policy.")
    found = []
    for name, keys in block.items():
        if not isinstance(keys, Mapping):
            raise PolicyMalformed("Syntax errors in policy.")
        found += [Condition(name, key, _values(values), variables=variables) for key, values in keys.items()]
    return tuple(found)


def _values(values: Any) -> list[str]:
    listed = values if isinstance(values, list) else [values]
    if not all(isinstance(value, (str, bool, int, float)) for value in listed):
        raise PolicyMalformed("Syntax errors in policy.")
    return [text_of(value) for value in listed]


def text_of(value: Any) -> str:
    """A condition value as policies write it: `true`, `5`, a text, base64 of bytes."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


class Context:
    """The condition keys of one request, found whatever their case; values become texts only when asked for."""

    __slots__ = ("_given", "_lower", "missing")

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._lower: dict[str, Any] | None = None
        self.missing: set[str] = set()
        """Keys that were asked for and are not there."""

    def get(self, key: str) -> tuple[str, ...] | None:
        if self._lower is None:
            self._lower = {name.lower(): value for name, value in self._given.items()}
        value = self._lower.get(key)
        if value is None:
            self.missing.add(key)
            return None
        if isinstance(value, (list, tuple, set, frozenset)):
            return tuple(text_of(item) for item in value)
        return (text_of(value),)
