"""Avro's object container files: the schema stands in the header, after `Obj` and 1.

A header is the magic, a map of metadata (`avro.schema` is JSON) and 16 bytes of a mark; blocks follow, each with the
number of its records and of its bytes (zigzag numbers), the bytes, and the mark. Source: Avro's specification.
"""

import json
from typing import Any

from lakemill.classifiers.findings import Finding, MoreNeeded
from lakemill.classifiers.samples import Sample

_HIVE = "org.apache.hadoop.hive."
_SIMPLE = {
    "null": "string",
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "bytes": "binary",
    "string": "string",
    "enum": "string",
    "fixed": "binary",
}
_LOGICAL = {"date": "date", "timestamp-millis": "timestamp"}


class _TooShort(Exception):
    pass


def avro(sample: Sample) -> Finding | None:
    """By its magic."""
    if not sample.head.startswith(b"Obj\x01"):
        return None
    reading = _Reading(sample.head)
    try:
        metadata = reading.metadata()
    except _TooShort:
        if sample.whole:
            return None
        raise MoreNeeded(head=4 * len(sample.head)) from None
    try:
        schema = json.loads(metadata["avro.schema"])
        columns = columns_of(schema)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    records, end = reading.blocks()
    return Finding(
        classification="avro",
        columns=columns,
        serde=_HIVE + "serde2.avro.AvroSerDe",
        serde_parameters={
            "serialization.format": "1",
            "avro.schema.literal": json.dumps(schema, separators=(",", ":")),
        },
        input_format=_HIVE + "ql.io.avro.AvroContainerInputFormat",
        output_format=_HIVE + "ql.io.avro.AvroContainerOutputFormat",
        records=records,
        bytes=end,
        record_bytes=end / max(1, records),
    )


class _Reading:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 4

    def metadata(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        while count := self._long():
            if count < 0:
                count = -count
                self._long()
            for _ in range(count):
                name = self._bytes().decode(errors="replace")
                found[name] = self._bytes()
        self._take(16)
        return found

    def blocks(self) -> tuple[int, int]:
        """Records of the blocks that are here, and where the last of them ends."""
        records, end = 0, self._at
        try:
            while self._at < len(self._data):
                count, size = self._long(), self._long()
                if count < 0 or size < 0:
                    break
                if self._at + size + 16 > len(self._data):
                    if not records:  # One block, of which the beginning is here.
                        return count, self._at + size + 16
                    break
                self._take(size + 16)
                records, end = records + count, self._at
        except _TooShort:
            pass
        return records, end

    def _long(self) -> int:
        value = shift = 0
        while True:
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
            if shift > 63:
                raise _TooShort

    def _bytes(self) -> bytes:
        return self._take(self._long())

    def _take(self, size: int) -> bytes:
        if size < 0 or self._at + size > len(self._data):
            raise _TooShort
        self._at += size
        return self._data[self._at - size : self._at]


def columns_of(schema: Any) -> list[tuple[str, str]]:
    """Columns of a schema: the fields of a record. Raises ValueError for another schema."""
    if schema.get("type") != "record":
        raise ValueError("not a record")
    known: dict[str, Any] = {}
    _note(schema, known)
    return [(field["name"].lower(), _type(field["type"], known, 0)) for field in schema["fields"]]


def _note(schema: Any, known: dict[str, Any]) -> None:
    """Types with names, as later ones refer to them."""
    if isinstance(schema, list):
        for one in schema:
            _note(one, known)
    elif isinstance(schema, dict):
        if "name" in schema:
            known[schema["name"].rpartition(".")[2]] = schema
        for part in ("items", "values", "type"):
            _note(schema.get(part), known)
        for field in schema.get("fields", []):
            _note(field["type"], known)


def _type(schema: Any, known: dict[str, Any], depth: int) -> str:
    if depth > 32:
        return "string"  # A type that holds itself.
    if isinstance(schema, list):
        others = [one for one in schema if one != "null"]
        return _type(others[0], known, depth + 1) if len(others) == 1 else "string"
    if isinstance(schema, str):
        named = known.get(schema.rpartition(".")[2])
        return _SIMPLE[schema] if schema in _SIMPLE else _type(named, known, depth + 1) if named else "string"
    if logical := schema.get("logicalType"):
        if logical == "decimal":
            return f"decimal({schema['precision']},{schema.get('scale', 0)})"
        if logical in _LOGICAL:
            return _LOGICAL[logical]
    kind = schema["type"]
    if kind == "array":
        return f"array<{_type(schema['items'], known, depth + 1)}>"
    if kind == "map":
        return f"map<string,{_type(schema['values'], known, depth + 1)}>"
    if kind == "record":
        fields = [f"{one['name'].lower()}:{_type(one['type'], known, depth + 1)}" for one in schema["fields"]]
        return f"struct<{','.join(fields)}>"
    return _type(kind, known, depth + 1)
