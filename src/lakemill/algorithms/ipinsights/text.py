"""Text of entities and addresses in its three forms: CSV lines, JSON and JSON Lines.

user_1, 192.168.1.2                  two columns without a header; blanks around them do not count, an entity that
"Smith, J.", 10.0.0.1                has a comma is quoted (a quote within is doubled)
{"instances": [{"features": ["user_1", "192.168.1.2"]}, {"data": {"features": {"values": ["u", "10.0.0.1"]}}}]}
{"features": ["user_1", "192.168.1.2"]}
"""

import dataclasses
import gzip
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np

from lakemill.algorithms.ipinsights.identity import address, entity_rows, not_an_address
from lakemill.formats import streams
from lakemill.formats.errors import FormatError
from lakemill.formats.jit import kernels

_KERNEL = "lakemill.algorithms.ipinsights.text_kernel"


class BadRecord(FormatError):
    """Text that can be read, with a record that is no pair."""


@dataclasses.dataclass(frozen=True)
class Pairs:
    """n pairs. entities : (n,) int32 rows of the entities' table; addresses : (n,) uint32."""

    entities: np.ndarray
    addresses: np.ndarray

    def __len__(self) -> int:
        return len(self.entities)


def decode_csv(body: bytes, rows: int) -> Pairs:
    """The pairs of CSV lines; rows is the size of the entities' table. Raises FormatError with the line.

    >>> decode_csv(b"user_1, 192.168.1.2", 100).addresses
    array([3232235778], dtype=uint32)
    """
    if kernels(_KERNEL, len(body)):
        return _compiled(np.frombuffer(body, np.uint8), rows, 0)[0]
    lines = ((number, line.removesuffix(b"\r").strip(b" \t")) for number, line in enumerate(body.split(b"\n"), 1))
    found = [fields(line, number) for number, line in lines if line]
    return Pairs(entity_rows((entity for entity, _ in found), rows), np.array([one for _, one in found], np.uint32))


def iter_csv(sources: Iterable[streams.Source], rows: int) -> Iterator[Pairs]:
    """The pairs of CSV files (unpacked if gzipped) by the piece. Raises FormatError with file and line."""
    for source in sources:
        try:
            with streams.opened(source) as stream:
                yield from _pieces(streams.Pieces(stream), rows)
        except (gzip.BadGzipFile, EOFError) as wrong:
            raise FormatError(f"does not unpack as gzip: {wrong}", file=streams.name_of(source)) from None
        except FormatError as wrong:
            raise wrong.within(streams.name_of(source) or "the stream") from None


def _pieces(pieces: streams.Pieces, rows: int) -> Iterator[Pairs]:
    before = 0
    for view in pieces.filled():
        count = len(view) if pieces.ended else streams.after_last_line(view)
        if count:
            found, lines = _compiled(view[:count], rows, before)
            before += lines
            yield found
        pieces.used(count)


def _compiled(data: np.ndarray, rows: int, before: int) -> tuple[Pairs, int]:
    """The pairs of whole lines, before which there were others; and how many lines they are."""
    from lakemill.algorithms.ipinsights import text_kernel  # Brings numba.

    room = int(np.count_nonzero(data == 10)) + 1
    entities, addresses = np.empty(room, np.int32), np.empty(room, np.uint32)
    count, lines, wrong = text_kernel.lines(data, np.uint64(rows), entities, addresses)
    if wrong >= 0:
        line = data[wrong:].tobytes().split(b"\n", 1)[0]
        fields(line.removesuffix(b"\r").strip(b" \t"), before + lines)
        raise FormatError(f"line {before + lines} is no pair of an entity and an IPv4 address", line=before + lines)
    return Pairs(entities[:count], addresses[:count]), lines


def fields(line: bytes, number: int) -> tuple[bytes, int]:
    """Entity and address of a line, which is something and has no blanks around it. Raises BadRecord, saying why."""
    found = _split(line, number)
    if len(found) != 2:
        raise BadRecord(
            f"line {number} has {len(found)} columns and must have 2, an entity and an IPv4 address", line=number
        )
    entity, text = found
    if not entity:
        raise BadRecord(f"line {number} has an empty entity", line=number)
    try:
        return entity, address(text.decode("utf-8", "replace"))
    except ValueError as wrong:
        hint = "; a header is not read" if number == 1 else ""
        raise BadRecord(f"line {number}: {wrong}{hint}", line=number) from None


def _split(line: bytes, number: int) -> list[bytes]:
    """The columns of a CSV line without the blanks around each."""
    found, rest = [], line
    while True:
        if rest[:1] == b'"':
            column, rest = _quoted(rest, number)
        else:
            column, comma, after = rest.partition(b",")
            column, rest = column.rstrip(b" \t"), comma + after
            if b'"' in column:
                raise BadRecord(f"line {number} has a quote within a column that is not quoted", line=number)
        found.append(column)
        if not rest:
            return found
        rest = rest[1:].lstrip(b" \t")
        if not rest:
            return [*found, b""]


def _quoted(rest: bytes, number: int) -> tuple[bytes, bytes]:
    """A quoted column and what is behind it, which is nothing or begins with a comma."""
    at = 1
    while (at := rest.find(b'"', at)) >= 0 and rest[at + 1 : at + 2] == b'"':
        at += 2
    behind = rest[at + 1 :].lstrip(b" \t")
    if at < 0 or behind[:1] not in (b"", b","):
        raise BadRecord(f"line {number} has a quoted column that does not end where the column does", line=number)
    return rest[1:at].replace(b'""', b'"'), behind


class _Values(msgspec.Struct):
    values: list[Any]


class _Data(msgspec.Struct):
    features: _Values


class _Instance(msgspec.Struct):
    features: list[Any] | _Values | None = None
    data: _Data | None = None

    def listed(self) -> list[Any] | None:
        found = self.features if self.data is None else self.data.features
        return found.values if isinstance(found, _Values) else found


class _Request(msgspec.Struct):
    instances: list[_Instance]


_request, _instance = msgspec.json.Decoder(_Request), msgspec.json.Decoder(_Instance)


def decode_json(body: bytes, rows: int) -> Pairs:
    """The pairs of a JSON request. Raises FormatError with the record."""
    try:
        found = _request.decode(body).instances
    except msgspec.MsgspecError as wrong:
        raise FormatError(f"not a JSON request of instances: {wrong}") from None
    return _pairs(found, rows)


def decode_jsonlines(body: bytes, rows: int) -> Pairs:
    """The pairs of a JSON Lines request. Raises FormatError with the line."""
    found = []
    for number, line in enumerate(body.splitlines(), 1):
        if line.strip():
            try:
                found.append(_instance.decode(line))
            except msgspec.MsgspecError as wrong:
                raise FormatError(f"line {number} is not a JSON instance: {wrong}", line=number) from None
    return _pairs(found, rows)


def _pairs(instances: list[_Instance], rows: int) -> Pairs:
    found = [_pair(one.listed(), number) for number, one in enumerate(instances, 1)]
    return Pairs(entity_rows((entity for entity, _ in found), rows), np.array([one for _, one in found], np.uint32))


def _pair(values: list[Any] | None, number: int) -> tuple[bytes, int]:
    if values is None:
        raise FormatError(f'record {number} has neither "features" nor "data.features"', record=number)
    if len(values) != 2:
        raise BadRecord(f"record {number} has {len(values)} features and must have 2, an entity and an IPv4 address")
    entity, text = values
    if isinstance(entity, bool) or not isinstance(entity, str | int):
        raise BadRecord(f"record {number}: an entity must be text or a whole number; got {entity!r}")
    if not (name := str(entity).strip(" \t")):
        raise BadRecord(f"record {number} has an empty entity")
    try:
        return name.encode(), address(text.strip(" \t") if isinstance(text, str) else str(text))
    except ValueError:
        raise BadRecord(f"record {number}: {not_an_address(str(text))}") from None
