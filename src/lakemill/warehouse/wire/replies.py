"""What the server answers: descriptions of rows, rows, ends of statements."""

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.dialects.redshift import names as types
from lakemill.lakesql.types import Type
from lakemill.warehouse.wire import encoding, messages, rows
from lakemill.warehouse.wire.encoding import Style

if TYPE_CHECKING:
    import pyarrow as pa

    from lakemill.warehouse.session import Session

Columns = Sequence[tuple[str, Type]]
BLOCK_ROWS = 1 << 13
_STATES = {"idle": b"I", "implicit": b"I", "block": b"T", "failed": b"E"}


def row_description(columns: Columns, formats: Sequence[bool]) -> bytes:
    """RowDescription; formats: whether a column comes in binary."""
    body = [struct.pack(">h", len(columns))]
    for (name, kind), binary in zip(columns, formats, strict=True):
        numbers = struct.pack(">ihihih", 0, 0, types.oid(kind), types.size(kind), types.typmod(kind), int(binary))
        body.append(messages.text(cases.shown(name)) + numbers)
    return messages.message(b"T", b"".join(body))


def parameter_description(parameters: Sequence[Type]) -> bytes:
    """ParameterDescription."""
    numbers = [types.oid(kind) for kind in parameters]
    return messages.message(b"t", struct.pack(f">h{len(numbers)}i", len(numbers), *numbers))


def rows_of(batch: "pa.RecordBatch", columns: Columns, formats: Sequence[bool], style: Style) -> bytes:
    """DataRow messages of a batch."""
    out = []
    for start in range(0, batch.num_rows, BLOCK_ROWS):
        part = batch.slice(start, BLOCK_ROWS)
        encoded = [
            encoding.encode(part.column(place), kind, binary, style)
            for place, ((_, kind), binary) in enumerate(zip(columns, formats, strict=True))
        ]
        out.append(rows.data_rows(encoded, part.num_rows))
    return b"".join(out)


def style_of(session: "Session") -> Style:
    """How texts are written."""
    return Style(session.settings["timezone"], int(session.settings["extra_float_digits"]))


def ready(session: "Session") -> bytes:
    """ReadyForQuery, with the state of the transaction."""
    return messages.message(b"Z", _STATES[session.transaction.state])


def parameter_status(name: str, value: str) -> bytes:
    """ParameterStatus."""
    return messages.message(b"S", messages.text(name) + messages.text(value))
