"""SELECT DISTINCT with a rising column: each row once, forgotten when the column has risen."""

import pyarrow as pa

from lakemill.streamsql.rows import pack, unpack, values_of


class Distinct:
    """`column` is the place of the rising one; ROWTIME (column 0) does not count as part of the row."""

    def __init__(self, column: int):
        self.column = column
        self.current = None
        self.seen: set[tuple] = set()

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        keep: list[bool] = []
        columns = [values_of(column) for column in batch.columns]
        for row in zip(*columns[1:], strict=True):
            rising = columns[self.column][len(keep)]
            if rising != self.current:
                self.current = rising
                self.seen = set()
            keep.append(row not in self.seen)
            self.seen.add(row)
        result = batch.filter(pa.array(keep, pa.bool_()))
        return [result] if result.num_rows else []

    def advance(self, now: int) -> list[pa.RecordBatch]:
        return []

    def snapshot(self) -> bytes:
        return pack([self.current, sorted(map(list, self.seen), key=repr)])

    def restore(self, state: bytes) -> None:
        self.current, seen = unpack(state)
        self.seen = {tuple(row) for row in seen}
