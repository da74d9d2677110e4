"""A program at work: records in, records out, and what it remembers as bytes."""

import datetime
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from lakemill.streamsql.compiling import compile
from lakemill.streamsql.interface import ROWTIME, ROWTIME_FIELD
from lakemill.streamsql.program import Program
from lakemill.streamsql.records import Fault, RecordReader
from lakemill.streamsql.rowtext import written

ERRORS = "error_stream"
SAMPLES_MAX = 10
DATA_BYTES_MAX = 24_576
"""Of a record that could not be read; twice as many hexadecimal digits fill DATA_ROW."""
ARRIVAL, KEY, SEQUENCE, SHARD = "APPROXIMATE_ARRIVAL_TIME", "PARTITION_KEY", "SEQUENCE_NUMBER", "SHARD_ID"
_HIDDEN = {"hidden": "1"}
PLACES = {ARRIVAL: 1, KEY: 2, SEQUENCE: 3, SHARD: 4}
"""Where a record has them."""
ARRIVED = [pa.field(ARRIVAL, pa.timestamp("ms"), metadata=_HIDDEN)]
KEYED = [
    pa.field(KEY, pa.string(), metadata=_HIDDEN | {"length": "256"}),
    pa.field(SEQUENCE, pa.string(), metadata=_HIDDEN | {"length": "128"}),
    pa.field(SHARD, pa.string(), metadata=_HIDDEN | {"length": "64"}),
]

Plan = dict[str, Any]
Raw = Sequence[Any]
"""A record: data, arrival in ms since 1970, partition key, sequence number, shard; and what is wrong with it, if it is
only to be told in the error stream."""


class Session:
    """A compiled plan (see `worker`). Raises SqlError for its code, ValueError for its forms."""

    def __init__(self, plan: Plan) -> None:
        self._inputs = [Input(one) for one in plan["inputs"]]
        self._outputs = plan["outputs"]
        tables = {one["table"]: RecordReader(one["form"]) for one in plan["references"]}
        schemas = {name: one.schema for one in self._inputs for name in one.names}
        self.program: Program = compile(
            plan["code"], schemas, {table: reader.schema for table, reader in tables.items()}
        )
        wanted = {one["stream"] for one in self._outputs}
        self.missing = sorted(wanted - set(self.program.streams))
        """Streams of outputs that the program does not have; these outputs get nothing."""
        self.program.keep({*wanted, ERRORS} - set(self.missing))
        self._faults: list[Fault] = []
        self._now = 0
        for one in plan["references"]:
            found = tables[one["table"]].read([one["data"]])
            self._faults += found.faults
            self.program.set_reference(one["table"], pa.Table.from_batches([found.batch]))

    def streams(self) -> list[str]:
        """Names of all in-application streams."""
        return list(self.program.streams)

    def push(self, number: int, records: Sequence[Raw], now: int) -> None:
        """Take records of an input in. now: ms since 1970, never falling."""
        self._now = now
        wrong = [one for one in records if len(one) > 5]
        if wrong:
            self._faults += [Fault(0, "PROCESSING_FAILED", one[5], one[0]) for one in wrong]
            records = [one for one in records if len(one) == 5]
        for name, batch, faults in self._inputs[number].rows(records):
            self._faults += faults
            if batch.num_rows:
                self.program.push(name, batch, now)

    def advance(self, now: int) -> None:
        """Let the clock close windows."""
        self._now = now
        self.program.advance(now)

    def drain(self) -> dict[str, Any]:
        """The outcome since the last call; see `worker`."""
        found = self.program.take()
        errors = self._errors(found.pop(ERRORS, None))
        if errors is not None:
            found[ERRORS] = errors
        outputs: dict[int, list[bytes]] = {}
        for number, one in enumerate(self._outputs):
            if (batch := found.get(one["stream"])) is not None and batch.num_rows:
                records = written(batch, one["format"])
                outputs[number] = [record + b"\n" for record in records] if _newline(one) else records
        samples = errors.column("MESSAGE").slice(0, SAMPLES_MAX).to_pylist() if errors is not None else []
        return {"outputs": outputs, "faults": errors.num_rows if errors is not None else 0, "samples": samples}

    def _errors(self, told: pa.RecordBatch | None) -> pa.RecordBatch | None:
        """The program's own rows of the error stream, and those of records that could not be read."""
        if not self._faults:
            return told
        schema = self.program.streams[ERRORS]
        when = datetime.datetime.fromtimestamp(self._now / 1000, datetime.UTC).replace(tzinfo=None)
        rows = [
            {
                "ERROR_TIME": when,
                "ERROR_LEVEL": "ERROR",
                "ERROR_NAME": fault.name[:32],
                "MESSAGE": fault.message[:4096],
                "DATA_ROWTIME": when,
                "DATA_ROW": fault.data[:DATA_BYTES_MAX].hex().upper(),
                ROWTIME: when,
            }
            for fault in self._faults
        ]
        self._faults = []
        columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
        ours = pa.RecordBatch.from_arrays(columns, schema=schema)
        return ours if told is None else pa.concat_batches([ours, told.cast(schema)])

    def snapshot(self) -> bytes:
        """All state; call `drain` first."""
        return self.program.snapshot()

    def restore(self, state: bytes) -> None:
        self.program.restore(state)


class Input:
    """The in-application streams of a source: `<prefix>_001` and so on, one for each of `count`."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.count = told.get("count") or 1
        self.names = [f"{told['prefix']}_{number + 1:03d}" for number in range(self.count)]
        self.reader = RecordReader(told["form"])
        self.hidden = [*ARRIVED, *(KEYED if told["keyed"] else [])]
        taken = {field.name for field in self.reader.schema} | {ROWTIME_FIELD.name}
        self.hidden = [field for field in self.hidden if field.name not in taken]
        self.schema = pa.schema([*self.reader.schema, *self.hidden])

    def rows(self, records: Sequence[Raw]) -> Iterable[tuple[str, pa.RecordBatch, list[Fault]]]:
        """Rows by stream; all records of a shard go to the same one, in their order."""
        for number, name in enumerate(self.names):
            own = records if self.count == 1 else [one for one in records if _lane(one, self.count) == number]
            if own:
                found = self.reader.read([one[0] for one in own])
                # Several rows may come from one record, and none from another.
                hidden = [
                    pa.array([one[PLACES[field.name]] for one in own], field.type).take(
                        pa.array(found.origins, pa.int64())
                    )
                    for field in self.hidden
                ]
                batch = pa.RecordBatch.from_arrays([*found.batch.columns, *hidden], schema=self.schema)
                yield name, batch, found.faults


def _lane(record: Raw, count: int) -> int:
    return zlib.crc32(str(record[4] or record[3]).encode()) % count


def _newline(output: dict[str, Any]) -> bool:
    return bool(output.get("newline")) and output["format"] == "JSON"
