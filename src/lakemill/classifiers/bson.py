"""BSON: documents one after the other, each a length, elements and a zero. Source: bsonspec.org, version 1.1."""

import struct
from typing import Any

from lakemill.classifiers.findings import Finding
from lakemill.classifiers.samples import Sample
from lakemill.classifiers.values import Fields

DOCUMENT_BYTES_MAX = 16 << 20
DEPTH_MAX = 100


class _Of:
    """A value of which nothing but the Hive type is wanted."""

    def __init__(self, hive: str) -> None:
        self.hive = hive


_SIZES = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x06: 0, 0x0A: 0, 0xFF: 0, 0x7F: 0}
_VALUES: dict[int, Any] = {0x01: 1.5, 0x07: "", 0x08: True, 0x09: _Of("timestamp"), 0x10: 1, 0x11: _Of("bigint")}
_VALUES |= {0x12: _Of("bigint"), 0x13: "", 0x05: _Of("binary"), 0x02: "", 0x0D: "", 0x0E: "", 0x0B: ""}
_TEXTS = (0x02, 0x0D, 0x0E)


def bson(sample: Sample) -> Finding | None:
    """By that the file consists of documents."""
    data, at = sample.data, 0
    fields = Fields()
    while at + 5 <= len(data):
        size = struct.unpack_from("<i", data, at)[0]
        if not 5 <= size <= DOCUMENT_BYTES_MAX:
            return None
        if at + size > len(data):
            break
        try:
            fields.add(_document(data, at + 4, at + size, 0))
        except (ValueError, IndexError, struct.error):
            return None
        at += size
    if not fields.records or (sample.complete and at != len(data)):
        return None
    return Finding(
        classification="bson",
        columns=fields.columns(),
        input_format="com.mongodb.hadoop.mapred.BSONFileInputFormat",
        output_format="com.mongodb.hadoop.hive.output.HiveBSONFileOutputFormat",
        serde="com.mongodb.hadoop.hive.BSONSerDe",
        records=fields.records,
        bytes=sample.taken * at / len(data),
        record_bytes=at / fields.records,
    )


def _document(data: bytes, at: int, end: int, depth: int) -> dict[str, Any]:
    """Names and values, of which those that are no documents stand for their types. Raises ValueError."""
    found: dict[str, Any] = {}
    if depth > DEPTH_MAX or data[end - 1]:
        raise ValueError("not a document")
    while data[at]:
        kind = data[at]
        name_end = data.index(0, at + 1, end)
        name = data[at + 1 : name_end].decode()
        at = name_end + 1
        if kind in (0x03, 0x04):
            size = struct.unpack_from("<i", data, at)[0]
            if size < 5 or at + size > end:
                raise ValueError("not a document")
            inner = _document(data, at + 4, at + size, depth + 1)
            found[name] = inner if kind == 0x03 else list(inner.values())
        else:
            size = _size(data, at, kind, end)
            found[name] = _VALUES.get(kind)
        at += size
        if at >= end:
            raise ValueError("an element is longer than its document")
    if at != end - 1:
        raise ValueError("a document ends too early")
    return found


def _size(data: bytes, at: int, kind: int, end: int) -> int:
    if kind in _SIZES:
        return _SIZES[kind]
    if kind in _TEXTS:
        return 4 + struct.unpack_from("<i", data, at)[0]
    if kind == 0x05:
        return 5 + struct.unpack_from("<i", data, at)[0]
    if kind == 0x0B:
        return data.index(0, data.index(0, at, end) + 1, end) + 1 - at
    raise ValueError(f"no element is of kind {kind}")
