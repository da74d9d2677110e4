"""What all operators of a program share: the time, and the way to `error_stream`."""

import json
from dataclasses import dataclass, field

import pyarrow as pa

from lakemill.streamsql.interface import ROWTIME_FIELD
from lakemill.streamsql.rows import batch_of, values_of

ERROR_STREAM = "error_stream"
ERROR_SCHEMA = pa.schema(
    [
        ROWTIME_FIELD,
        pa.field("ERROR_TIME", pa.timestamp("ms")),
        pa.field("ERROR_LEVEL", pa.string(), metadata={"length": "10"}),
        pa.field("ERROR_NAME", pa.string(), metadata={"length": "32"}),
        pa.field("MESSAGE", pa.string(), metadata={"length": "4096"}),
        pa.field("DATA_ROWTIME", pa.timestamp("ms")),
        pa.field("DATA_ROW", pa.string(), metadata={"length": "49152"}),
        pa.field("PUMP_NAME", pa.string(), metadata={"length": "128"}),
    ]
)


@dataclass
class Context:
    """`now` and `started` are milliseconds since 1970; `started` is when the program saw its first row or time."""

    now: int = 0
    started: int = 0
    errors: list[tuple] = field(default_factory=list)

    def reject(self, name: str, failures: dict[int, str], batch: pa.RecordBatch, pump: str | None) -> None:
        """Send rows of a batch to `error_stream`: row number -> what is wrong with it."""
        chosen = batch.take(pa.array(sorted(failures), pa.int64()))
        times = values_of(chosen.column(0))
        for time, row, number in zip(times, chosen.to_pylist(), sorted(failures), strict=True):
            text = json.dumps(row, default=_written, separators=(",", ":"))
            self.report(name, failures[number], time, text.encode(), pump)

    def report(self, name: str, message: str, rowtime: int | None, data: bytes, pump: str | None = None) -> None:
        """One row of `error_stream`."""
        hexed = data.hex()[:49152]
        self.errors.append(
            (self.now, self.now, "ERROR", name[:32], message[:4096], rowtime, hexed, pump and pump[:128])
        )

    def take_errors(self) -> pa.RecordBatch:
        errors, self.errors = self.errors, []
        return batch_of(errors, ERROR_SCHEMA)


def _written(value: object) -> str:
    """What JSON has no form for: times as text, bytes in hexadecimal."""
    return value.hex() if isinstance(value, bytes) else str(value)
