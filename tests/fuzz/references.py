"""The record formats again, as plainly as can be: slow, strict about nothing, and independent of lakemill's parsers.

Each returns the features of every record as a list of float, with the label in front where there is one; or raises
ValueError when it can make no sense of the bytes. What lakemill accepts, these must accept, with the same numbers.
"""

import json
import math
import struct
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

MAGIC = 0xCED7230A
Rows = list[list[float]]


def csv(body: bytes) -> Rows:
    text = body.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line for line in text.split("\n") if line.strip()]
    delimiter = next((mark for mark in ",\t;| " if lines and mark in lines[0].strip()), ",")  # Padding is no delimiter.
    return [[_csv_number(cell) for cell in _cells(line.rstrip("\r"), delimiter)] for line in lines]


def _cells(line: str, delimiter: str) -> list[str]:
    return line.split() if delimiter == " " else line.split(delimiter)


def _csv_number(cell: str) -> float:
    cell = cell.strip()
    if len(cell) >= 2 and cell[0] == cell[-1] and cell[0] == '"':
        cell = cell[1:-1].strip()
    return float(cell)


def libsvm(body: bytes) -> list[tuple[float | None, dict[int, float]]]:
    """(label, {index: value}) of each line."""
    rows = []
    for line in body.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n"):
        tokens = line.split("#")[0].split()
        if not tokens:
            continue
        label = None if ":" in tokens[0] else float(tokens.pop(0).split(":")[0])
        pairs = [token.split(":") for token in tokens if not token.startswith("qid:")]
        rows.append((label, {int(index): float(value) for index, value in pairs}))
    return rows


def json_document(body: bytes) -> Rows:
    return [_instance(one) for one in json.loads(body)["instances"]]


def json_lines(body: bytes) -> Rows:
    return [_instance(json.loads(line)) for line in body.split(b"\n") if line.strip()]


def _instance(one: Any) -> list[float]:
    features = one["data"]["features"] if "data" in one else one["features"]
    if isinstance(features, list):
        return [float(value) for value in features]
    values = [float(value) for value in features["values"]]
    keys, shape = features.get("keys") or [], features.get("shape") or []
    if not keys and (values or not shape):
        return values
    dense = [0.0] * _width(shape)
    for key, value in zip(keys, values, strict=True):
        dense[int(key)] += value
    return dense


def _width(shape: list[int]) -> int:
    width = math.prod(shape)
    if not shape or width > 1_000_000:
        raise ValueError("too wide to compare")
    return width


def recordio(body: bytes) -> Rows:
    """Dense float32 and float64 records, and sparse ones; a label in front where there is one."""
    return [_record(payload) for payload in _frames(body)]


def _frames(body: bytes) -> Iterator[bytes]:
    at, parts = 0, b""
    while at < len(body):
        magic, word = struct.unpack_from("<II", body, at)
        if magic != MAGIC:
            raise ValueError("magic")
        kind, length = word >> 29, word & ((1 << 29) - 1)
        if at + 8 + length > len(body):
            raise ValueError("cut off")
        payload = body[at + 8 : at + 8 + length]
        at += 8 + (length + 3) // 4 * 4
        parts = payload if kind in (0, 1) else parts + struct.pack("<I", MAGIC) + payload
        if kind in (0, 3):
            yield parts


def _message_classes() -> Any:
    """The Record message, declared anew for the protobuf library from the descriptor that AWS publishes."""
    file = descriptor_pb2.FileDescriptorProto(name="reference.proto", package="reference", syntax="proto2")
    types = descriptor_pb2.FieldDescriptorProto
    whole = (("keys", types.TYPE_UINT64), ("shape", types.TYPE_UINT64))
    # Of a label only the values are looked at, so what else its tensor holds may be anything.
    for role, others in (("Features", whole), ("Label", ())):
        value = file.message_type.add(name=f"{role}Value")
        value.oneof_decl.add(name="value")
        for number, name, kind in (
            (2, "Float32", types.TYPE_FLOAT),
            (3, "Float64", types.TYPE_DOUBLE),
            (7, "Int32", types.TYPE_INT32),
        ):
            tensor = file.message_type.add(name=f"{role}{name}Tensor")
            for place, (field, type_) in enumerate((("values", kind), *others), 1):
                one = tensor.field.add(name=field, number=place, type=type_, label=types.LABEL_REPEATED)
                one.options.packed = True
            value.field.add(
                name=f"{name.lower()}_tensor", number=number, type=types.TYPE_MESSAGE, label=types.LABEL_OPTIONAL,
                type_name=f".reference.{role}{name}Tensor", oneof_index=0,
            )  # fmt: skip
    record = file.message_type.add(name="Record")
    for number, name in ((1, "Features"), (2, "Label")):
        # Only the entries called `values` are looked at, so a value is bytes first.
        entry = record.nested_type.add(name=f"{name}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=types.TYPE_STRING, label=types.LABEL_OPTIONAL)
        entry.field.add(name="value", number=2, type=types.TYPE_BYTES, label=types.LABEL_OPTIONAL)
        record.field.add(
            name=name.lower(), number=number, type=types.TYPE_MESSAGE, label=types.LABEL_REPEATED,
            type_name=f".reference.Record.{name}Entry",
        )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = ("Record", "FeaturesValue", "LabelValue")
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(f"reference.{name}")) for name in names]


RECORD, FEATURES_VALUE, LABEL_VALUE = _message_classes()


def _record(payload: bytes) -> list[float]:
    try:
        record = RECORD.FromString(payload)
        if "values" not in record.features:
            raise ValueError("no features")
        features = _tensor(FEATURES_VALUE.FromString(record.features["values"]))
        labels = _tensor(LABEL_VALUE.FromString(record.label["values"])) if "values" in record.label else []
    except DecodeError as wrong:
        raise ValueError(str(wrong)) from None
    return labels + features


def _tensor(value: Any) -> list[float]:
    name = value.WhichOneof("value")
    if name is None:
        raise ValueError("no tensor")
    tensor = getattr(value, name)
    numbers = [float(one) for one in tensor.values]
    keys, shape = list(getattr(tensor, "keys", ())), list(getattr(tensor, "shape", ()))
    if not keys and (numbers or not shape):
        return numbers
    dense = [0.0] * _width(shape)
    for key, number in zip(keys, numbers, strict=True):
        dense[key] += number
    return dense
