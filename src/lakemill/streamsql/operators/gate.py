"""The way into a stream: ROWTIME may not fall."""

import numpy as np
import pyarrow as pa

from lakemill.streamsql.context import Context
from lakemill.streamsql.rows import pack, rowtimes, unpack


class Gate:
    """Lets rows pass whose ROWTIME is not before that of the row before, nor before a time the clock has passed; the
    others go to `error_stream`."""

    def __init__(self, context: Context, pump: str | None = None):
        self.context = context
        self.pump = pump
        self.last: int | None = None

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        times = rowtimes(batch)
        highest = np.maximum.accumulate(times if self.last is None else np.maximum(times, self.last))
        late = times < highest
        self.last = int(highest[-1])
        if late.any():
            message = "ROWTIME is out of order: the stream is past it"
            self.context.reject("ROWTIME", dict.fromkeys(np.nonzero(late)[0].tolist(), message), batch, self.pump)
            batch = batch.filter(pa.array(~late))
        return [batch] if batch.num_rows else []

    def advance(self, now: int) -> list[pa.RecordBatch]:
        self.last = now if self.last is None else max(self.last, now)
        return []

    def snapshot(self) -> bytes:
        return pack(self.last)

    def restore(self, state: bytes) -> None:
        self.last = unpack(state)
