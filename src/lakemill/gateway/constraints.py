"""The slow path: what is wrong with a request, in AWS's words. Taken only after the compiled types refused it.

Two steps. `native` reads a parsed JSON or CBOR body by the model, forgiving what AWS forgives (nulls, whole floats for
integers), and raises SerializationException where a value has the wrong type. `violations` then lists the
constraints a native value breaks. A request without any was refused for something AWS lets pass, and goes on.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import math
import re
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any

from lakemill.gateway.shapes import bounds_of, is_opaque, moment, pattern_of, wire_name
from lakemill.services.base import ServiceError

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

DEPTH_MAX = 200


def serialization(message: str) -> ServiceError:
    """A body that cannot be read."""
    return ServiceError("SerializationException", message, status=400)


# What a JSON value is called in AWS's messages.
def _found(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, (int, float)):
        return "NUMBER_VALUE"
    return "STRING_VALUE"


_WANTED = {
    "string": "a String",
    "character": "a String",
    "integer": "an Integer",
    "long": "a Long",
    "float": "a Float",
    "double": "a Double",
    "boolean": "a Boolean",
    "timestamp": "a Timestamp",
    "blob": "a Blob",
}


def _mistyped(value: Any, shape: Shape) -> ServiceError:
    if isinstance(value, list):
        return serialization("Start of list found where not expected")
    if isinstance(value, dict):
        return serialization("Start of structure or map found where not expected.")
    if shape.type_name in ("structure", "list", "map"):
        return serialization(f"{_found(value)} found where a {shape.type_name} was expected")
    return serialization(f"{_found(value)} can not be converted to {_WANTED[shape.type_name]}")


def native(shape: Shape, value: Any, depth: int = 0) -> Any:
    """A parsed body as native values by member name. Raises ServiceError SerializationException."""
    if is_opaque(shape):
        return value
    if depth > DEPTH_MAX:
        raise serialization("The request is nested too deeply.")
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            raise _mistyped(value, shape)
        out = {}
        for name, member in shape.members.items():
            given = value.get(wire_name(name, member))
            if given is not None:
                out[name] = native(member, given, depth + 1)
        return out
    if shape.type_name == "list":
        if not isinstance(value, list):
            raise _mistyped(value, shape)
        return [None if item is None else native(shape.member, item, depth + 1) for item in value]
    if shape.type_name == "map":
        if not isinstance(value, dict):
            raise _mistyped(value, shape)
        return {
            native(shape.key, key, depth + 1): native(shape.value, item, depth + 1)
            for key, item in value.items()
            if item is not None
        }
    try:
        return _scalar(shape, value)
    except (ValueError, TypeError):
        raise _mistyped(value, shape) from None


def _scalar(shape: Shape, value: Any) -> Any:
    """Raises ValueError for another type."""
    kind = shape.type_name
    if kind in ("string", "character"):
        if isinstance(value, str):
            return value
    elif kind == "boolean":
        if isinstance(value, bool):
            return value
    elif kind in ("integer", "long"):
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            bits = 32 if kind == "integer" else 64
            if -(1 << bits - 1) <= value < 1 << bits - 1:
                return value
    elif kind in ("float", "double"):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if value in ("NaN", "Infinity", "-Infinity"):
            return float(value)
    elif kind == "timestamp":
        if isinstance(value, datetime.datetime):
            return value
        return moment(shape.serialization.get("timestampFormat", "unixtimestamp").lower(), value)
    elif kind == "blob":
        if isinstance(value, bytes):
            return value
        if isinstance(value, str):
            return _unbase64(value)
    raise ValueError(kind)


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise serialization(f"Invalid base64: {error}") from None


def refusal(errors: list[str], code: str = "ValidationException") -> ServiceError:
    """The answer that lists them all."""
    plural = "s" if len(errors) > 1 else ""
    return ServiceError(code, f"{len(errors)} validation error{plural} detected: {'; '.join(errors)}", status=400)


def violations(shape: StructureShape, value: dict[str, Any], open_enums: Container[str] = ()) -> list[str]:
    """Every constraint of the model that a native value breaks, a sentence each, in the model's order.

    open_enums: shapes whose enums the service judges itself, in its own words.
    """
    return list(_members(shape, value, "", open_enums))


def _members(shape: StructureShape, value: dict[str, Any], path: str, open_enums: Container[str]) -> Iterator[str]:
    required = set(shape.required_members)
    for name, member in shape.members.items():
        here = f"{path}{name[:1].lower()}{name[1:]}"
        given = value.get(name)
        if given is not None:
            yield from _walk(member, given, here, open_enums)
        elif name in required:
            yield f"Value null at '{here}' failed to satisfy constraint: Member must not be null"


def _walk(shape: Shape, value: Any, path: str, open_enums: Container[str]) -> Iterator[str]:
    if is_opaque(shape) or shape.name in open_enums:
        return
    for rule in broken(shape, value):
        yield _failed(shape, value, path, rule)
    if shape.type_name == "structure":
        yield from _members(shape, value, f"{path}.", open_enums)
    elif shape.type_name == "list":
        yield from _items(shape, value, path, open_enums)
    elif shape.type_name == "map":
        yield from _entries(shape, value, path, open_enums)


def _failed(shape: Shape, value: Any, path: str, rule: str) -> str:
    return f"Value {_quoted(shape, value)}at '{path}' failed to satisfy constraint: {rule}"


def _simple(shape: Shape) -> bool:
    return shape.type_name not in ("structure", "list", "map")


def _items(shape: Any, value: list[Any], path: str, open_enums: Container[str]) -> Iterator[str]:
    member = shape.member
    if _simple(member):
        # Elements that are scalars are judged together, with all their rules named.
        if member.name not in open_enums and any(item is None or broken(member, item) for item in value):
            yield _failed(shape, value, path, f"Member must satisfy constraint: [{', '.join(rules(member))}]")
        return
    for number, item in enumerate(value, 1):
        here = f"{path}.{number}.member"
        if item is None:
            yield f"Value null at '{here}' failed to satisfy constraint: Member must not be null"
        else:
            yield from _walk(member, item, here, open_enums)


def _entries(shape: Any, value: dict[str, Any], path: str, open_enums: Container[str]) -> Iterator[str]:
    if any(broken(shape.key, key) for key in value):
        yield _failed(shape, value, path, f"Map keys must satisfy constraint: [{', '.join(rules(shape.key))}]")
    if _simple(shape.value):
        if any(broken(shape.value, item) for item in value.values()):
            yield _failed(shape, value, path, f"Map value must satisfy constraint: [{', '.join(rules(shape.value))}]")
        return
    for key, item in value.items():
        yield from _walk(shape.value, item, f"{path}.{key}.member", open_enums)


def broken(shape: Shape, value: Any) -> list[str]:
    """The rules of its own (not its members') that a value breaks."""
    out = []
    kind, said = shape.type_name, shape.metadata
    if kind in ("integer", "long"):
        low, high = bounds_of(shape)
        out += [_most_value(high)] if value > high else []
        out += [_least_value(low)] if value < low else []
    elif kind in ("float", "double"):
        out += [_most_value(said["max"])] if value > said.get("max", math.inf) else []
        out += [_least_value(said["min"])] if value < said.get("min", -math.inf) else []
    elif enum := said.get("enum"):
        # Where values are enumerated AWS judges by the list alone.
        return [] if value in enum else [_enum(enum)]
    elif kind in ("string", "character", "list", "map", "blob"):
        out += [_most_length(said["max"])] if len(value) > said.get("max", math.inf) else []
        out += [_least_length(said["min"])] if len(value) < said.get("min", 0) else []
    if kind in ("string", "character") and (pattern := pattern_of(shape)) and not re.match(pattern, value):
        out.append(_pattern(said["pattern"]))
    return out


def rules(shape: Shape) -> list[str]:
    """All the rules of a scalar, as AWS lists them when elements of a list or map are judged together."""
    said = shape.metadata
    if enum := said.get("enum"):
        return [_enum(enum)]
    if shape.type_name in ("integer", "long", "float", "double"):
        out = [_most_value(said["max"])] if "max" in said else []
        return out + ([_least_value(said["min"])] if "min" in said else [])
    out = [_most_length(said["max"])] if "max" in said else []
    out += [_least_length(said["min"])] if "min" in said else []
    out += [_pattern(said["pattern"])] if "pattern" in said else []
    return out or ["Member must not be null"]


def _most_length(bound: int) -> str:
    return f"Member must have length less than or equal to {bound}"


def _least_length(bound: int) -> str:
    return f"Member must have length greater than or equal to {bound}"


def _most_value(bound: float) -> str:
    return (
        f"Member must have value less than or equal to {bound:g}"
        if isinstance(bound, float)
        else f"Member must have value less than or equal to {bound}"
    )


def _least_value(bound: float) -> str:
    return (
        f"Member must have value greater than or equal to {bound:g}"
        if isinstance(bound, float)
        else f"Member must have value greater than or equal to {bound}"
    )


def _pattern(pattern: str) -> str:
    return f"Member must satisfy regular expression pattern: {pattern}"


def _enum(values: list[str]) -> str:
    return f"Member must satisfy enum value set: [{', '.join(values)}]"


def _quoted(shape: Shape, value: Any) -> str:
    """The value in quotes and a space; nothing when it is a secret."""
    return "" if shape.metadata.get("sensitive") else f"'{_printed(shape, value)}' "


def _printed(shape: Shape, value: Any) -> str:
    """A value as Java prints it."""
    if shape.metadata.get("sensitive"):
        return "***Sensitive Data Redacted***"
    if value is None:
        return "null"
    kind = shape.type_name
    if is_opaque(shape):
        return str(value)
    if kind == "structure":
        given = (f"{name}={_printed(m, value[name])}" for name, m in shape.members.items() if name in value)
        return f"{shape.name}({', '.join(given)})"
    if kind == "list":
        return f"[{', '.join(_printed(shape.member, item) for item in value)}]"
    if kind == "map":
        given = (f"{_printed(shape.key, key)}={_printed(shape.value, item)}" for key, item in value.items())
        return f"{{{', '.join(given)}}}"
    if kind == "blob":
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if kind == "boolean":
        return "true" if value else "false"
    return str(value)
