"""Prefixes of objects: text with expressions `!{namespace:value}` that are evaluated per object.

| expression | meaning |
| --- | --- |
| `!{timestamp:PATTERN}` | the object's moment, by a pattern of Java's DateTimeFormatter |
| `!{firehose:random-string}` | 11 random characters, new ones at each place |
| `!{firehose:error-output-type}` | the kind of error |
| `!{partitionKeyFromQuery:NAME}`, `!{partitionKeyFromLambda:NAME}` | a partition key |

Source: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
"""

import dataclasses
import datetime
import re
import secrets
import string
from collections.abc import Mapping

from lakemill.engines.delivery.javatime import JavaPattern, PatternInvalid

DEFAULT_TIME = "yyyy/MM/dd/HH/"
PREFIX_CHARACTERS_MAX = 512
_EXPRESSION = re.compile(r"!\{([^:{}]*):((?:'[^']*'|[^{}'])*)\}")
_RANDOM = string.ascii_letters + string.digits
QUERY, FUNCTION = "partitionKeyFromQuery", "partitionKeyFromLambda"


class PrefixInvalid(ValueError):
    """A prefix that cannot be evaluated; the text says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """One piece: literal text, or an expression."""

    namespace: str
    value: str
    pattern: JavaPattern | None = None


class Prefix:
    """A prefix, read once. Raises PrefixInvalid.

    >>> Prefix("logs/!{timestamp:yyyy}/").evaluate(datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))
    'logs/2026/'
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts: list[_Part] = []
        position = 0
        for found in _EXPRESSION.finditer(text):
            self._literal(text[position : found.start()])
            self._parts.append(_expression(found[1], found[2]))
            position = found.end()
        self._literal(text[position:])

    def _literal(self, text: str) -> None:
        if "!{" in text:
            raise PrefixInvalid(f"Prefix {self.text!r} has '!{{' outside a valid expression")
        if text:
            self._parts.append(_Part("", text))

    @property
    def has_expressions(self) -> bool:
        return any(part.namespace for part in self._parts)

    def uses(self, namespace: str, value: str | None = None) -> bool:
        """Whether there is an expression of this namespace (and value)."""
        return any(part.namespace == namespace and value in (None, part.value) for part in self._parts)

    def keys(self, namespace: str) -> list[str]:
        """Values of a namespace's expressions: names of partition keys."""
        return [part.value for part in self._parts if part.namespace == namespace]

    def evaluate(self, moment: datetime.datetime, error: str = "", keys: Mapping[str, str] | None = None) -> str:
        """The prefix of one object. moment is aware, in the zone wanted; keys: partition keys by `namespace:name`.

        Raises PrefixInvalid when it gets too long.
        """
        evaluated = "".join(_text(part, moment, error, keys or {}) for part in self._parts)
        if len(evaluated) > PREFIX_CHARACTERS_MAX:
            raise PrefixInvalid(f"The evaluated prefix has more than {PREFIX_CHARACTERS_MAX} characters")
        return evaluated


def _expression(namespace: str, value: str) -> _Part:
    if namespace == "timestamp" and value:
        try:
            return _Part(namespace, value, JavaPattern(value))
        except PatternInvalid as invalid:
            raise PrefixInvalid(f"Invalid timestamp pattern {value!r}: {invalid}") from None
    if namespace == "firehose" and value in ("random-string", "error-output-type"):
        return _Part(namespace, value)
    if namespace in (QUERY, FUNCTION) and value:
        return _Part(namespace, value)
    raise PrefixInvalid(f"Unknown expression !{{{namespace}:{value}}}")


def _text(part: _Part, moment: datetime.datetime, error: str, keys: Mapping[str, str]) -> str:
    if part.pattern is not None:
        return part.pattern.text(moment)
    if part.namespace in (QUERY, FUNCTION):
        return keys[f"{part.namespace}:{part.value}"]
    if part.namespace == "firehose":
        return error if part.value == "error-output-type" else "".join(secrets.choice(_RANDOM) for _ in range(11))
    return part.value


def delivery_prefix(text: str | None, *, partitioned: bool = False) -> Prefix:
    """The prefix of delivered objects; the time is added where none is asked for. Raises PrefixInvalid."""
    prefix = Prefix(text or "")
    if prefix.uses("firehose", "error-output-type"):
        raise PrefixInvalid("Prefix cannot contain !{firehose:error-output-type}")
    if prefix.uses("timestamp") or partitioned:
        return prefix
    return Prefix(f"{prefix.text}!{{timestamp:{DEFAULT_TIME}}}")


def error_prefix(text: str | None, delivered: str | None) -> Prefix:
    """The prefix of what could not be delivered; `delivered` is the text of the other one. Raises PrefixInvalid."""
    prefix = Prefix(text or "")
    if prefix.uses(QUERY) or prefix.uses(FUNCTION):
        raise PrefixInvalid("ErrorOutputPrefix cannot contain partition keys")
    if not text and Prefix(delivered or "").has_expressions:
        raise PrefixInvalid("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions")
    if prefix.has_expressions:
        if not prefix.uses("firehose", "error-output-type"):
            raise PrefixInvalid("ErrorOutputPrefix must contain !{firehose:error-output-type}")
        return prefix
    return Prefix(f"{text or delivered or ''}!{{firehose:error-output-type}}/!{{timestamp:{DEFAULT_TIME}}}")
