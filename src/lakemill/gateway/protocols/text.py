"""Scalars as text: in headers, URIs, query strings, form bodies and XML.

`reader(shape, form)` gives a function from text to value that raises ValueError; `writer(shape, form)` the other way.
form is the timestampFormat where the model names none.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lakemill.gateway import moments

if TYPE_CHECKING:
    from botocore.model import Shape

Reader = Callable[[str], Any]
Writer = Callable[[Any], str]


def read_integer(text: str) -> int:
    digits = text.strip()
    if digits.lstrip("+-").isdecimal() and digits.isascii():
        return int(digits)
    raise ValueError(f"{text!r} is not an integer")


def read_float(text: str) -> float:
    if "_" in text:
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def read_boolean(text: str) -> bool:
    word = text.strip().lower()
    if word == "true":
        return True
    if word == "false":
        return False
    raise ValueError(f"{text!r} is not a boolean")


def read_blob(text: str) -> bytes:
    return base64.b64decode(text, validate=False)


def _read_json(text: str) -> Any:
    return json.loads(base64.b64decode(text))


def _write_json(value: Any) -> str:
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def write_boolean(value: Any) -> str:
    return "true" if value else "false"


def write_float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value))


def write_blob(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


_READERS: dict[str, Reader] = {
    "integer": read_integer,
    "long": read_integer,
    "float": read_float,
    "double": read_float,
    "boolean": read_boolean,
    "blob": read_blob,
}
_WRITERS: dict[str, Writer] = {
    "float": write_float,
    "double": write_float,
    "boolean": write_boolean,
    "blob": write_blob,
}


def form_of(shape: Shape, form: str) -> str:
    """The timestampFormat of a shape."""
    return shape.serialization.get("timestampFormat", form).lower()


def reader(shape: Shape, form: str) -> Reader:
    """From text to the value of a scalar shape."""
    if shape.serialization.get("jsonvalue"):
        return _read_json
    if shape.type_name == "timestamp":
        return moments.FROM_TEXT[form_of(shape, form)]
    return _READERS.get(shape.type_name, str)


def writer(shape: Shape, form: str, iso: Writer = moments.to_iso) -> Writer:
    """From the value of a scalar shape to text. iso: how ISO timestamps are written."""
    if shape.serialization.get("jsonvalue"):
        return _write_json
    if shape.type_name == "timestamp":
        form = form_of(shape, form)
        return iso if form == "iso8601" else moments.TO_TEXT[form]
    return _WRITERS.get(shape.type_name, str)
