"""Conversion to columns in a worker process, and the pool itself."""

import io
import os
import signal
import time

import pyarrow.orc
import pyarrow.parquet
import pytest
from aws_kinesis_agg.aggregator import RecordAggregator

from lakemill.engines.delivery import Hints, Record
from lakemill.engines.delivery.bucketsink import NotEncodable
from lakemill.engines.delivery.buffers import Buffers
from lakemill.engines.delivery.columns import OpenX, columnar
from lakemill.engines.delivery.parts import Listed, Logged, Origin
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.rows import Rows
from lakemill.engines.delivery.sources import LogSource
from lakemill.ports.log import EmbeddedLog, Entry, LogDamaged

COLUMNS = [("id", "int"), ("name", "string")]


@pytest.fixture(scope="module")
def pool():
    pool = WorkerPool(1)
    yield pool
    pool.close()


def records(*values):
    return [Record(data, 1, n) for n, data in enumerate(values)]


@pytest.mark.parametrize(("kind", "read"), [("Parquet", pyarrow.parquet.read_table), ("Orc", pyarrow.orc.read_table)])
async def test_records_become_a_file_and_bad_ones_failures(pool, kind, read):
    encode = columnar(pool, lambda: COLUMNS, OpenX(), kind, {}, lambda code: f"X.{code}")
    given = records(b'{"id":1,"name":"ann"}', b'{"id":', b'{"id":"two"}', b'{"ID":"3"}')
    (body,), failures = await encode(given)
    assert read(io.BytesIO(body)).to_pylist() == [{"id": 1, "name": "ann"}, {"id": 3, "name": None}]
    assert [(one.record, one.code) for one in failures] == [
        (given[1], "X.ParseError"),
        (given[2], "X.MalformedData"),
    ]


async def test_records_that_all_fail_make_no_file(pool):
    encode = columnar(pool, lambda: COLUMNS, OpenX(), "Parquet", {}, str)
    pieces, failures = await encode(records(b"x", b"[]"))
    assert (pieces, len(failures)) == ([b""], 2)


async def test_a_table_that_cannot_be_written_fails_no_record(pool):
    encode = columnar(pool, lambda: [("a", "interval")], OpenX(), "Parquet", {}, str)
    with pytest.raises(NotEncodable) as caught:
        await encode(records(b'{"a":1}'))
    assert caught.value.code == "InvalidSchema"


def document(number):
    return b'{"id":%d,"name":"%s"}' % (number, b"n" * (number % 300))


@pytest.fixture
async def log(tmp_path):
    """A log with blocks of all sizes, one record of which is wrong."""
    log, number = EmbeddedLog(tmp_path), 0
    await log.create("d", 1)
    for count in (1, 500, 40, 3000, 2):
        values = [document(number + n) for n in range(count)]
        if count == 3000:
            values[1000] = b'{"id":'
        await log.append("d", [Entry(0, 1000, b"", value) for value in values])
        number += count
    yield log
    log.close()


async def in_log(log, size):
    """The records in buffers of a size, left in the log."""
    source, buffers, found = LogSource(log, "d", None, located=True), Buffers(Hints(size, 60)), []
    while batch := await source.read(0):
        found += buffers.add("", batch.records, {}, (1, 1), 0.0)
    return [one.records for one in [*found, *buffers.open.values()]]


@pytest.mark.parametrize("size", [100_000, 1 << 20])
async def test_records_are_read_from_the_log_by_the_worker(pool, log, size):
    encode = columnar(pool, lambda: COLUMNS, OpenX(), "Parquet", {}, str)
    ids, wrong = [], []
    buffers = await in_log(log, size)
    assert {bool(part.unread()) for rows in buffers for part in rows.parts} == {True, False}
    for rows in buffers:
        mixed = Rows([*rows.parts, Listed(records(b'{"id":-1}'))])
        (body,), failures = await encode(mixed)
        found = pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
        assert all(one == {"id": one["id"], "name": "n" * (one["id"] % 300)} for one in found[:-1])
        ids += [one["id"] for one in found[:-1]]
        wrong += [(one.record.data, one.record.sequence) for one in failures]
        assert found[-1] == {"id": -1, "name": None}
    assert ids == [n for n in range(3543) if n != 1541]
    assert wrong == [(b'{"id":', 1542)]


async def test_records_that_the_log_has_forgotten_are_handed_over(pool, log):
    (rows,) = await in_log(log, 1 << 30)
    await log.trim("d", 10_000)
    (body,), _ = await columnar(pool, lambda: COLUMNS, OpenX(), "Parquet", {}, str)(rows)
    assert pyarrow.parquet.read_table(io.BytesIO(body)).num_rows == 3542


async def test_packed_records_that_lie_in_the_log_are_taken_apart(pool, log):
    aggregator = RecordAggregator()
    for value in (document(7000), b"[]", document(7001)):
        aggregator.add_user_record("k", value)
    values = [document(number) for number in range(6000, 6300)]
    values[100] = aggregator.clear_and_get().get_contents()[2]
    await log.create("stream", 1)
    await log.append("stream", [Entry(0, 1000, b"key", value) for value in values])
    encode, origin = columnar(pool, lambda: COLUMNS, OpenX(), "Parquet", {}, str), Origin("shardId-0", 1 << 180)
    for _ in range(2):
        rows = Rows([Logged.of(one, origin) for one in await log.locate("stream", 0, 0, size=1 << 30)])
        assert all(part.unread() for part in rows.parts)
        (body,), (failure,) = await encode(rows)
        ids = pyarrow.parquet.read_table(io.BytesIO(body)).column("id").to_pylist()
        assert ids == [*range(6000, 6100), 7000, 7001, *range(6101, 6300)]
        record = failure.record
        assert (record.data, record.sequence, record.sub) == (b"[]", (1 << 180) + 101, 1)


async def test_damage_is_named_and_nothing_is_made_of_the_records(pool, log, tmp_path):
    (rows,) = await in_log(log, 1 << 30)
    path = tmp_path / "d.log" / "0000000001.log"
    data = bytearray(path.read_bytes())
    data[data.index(document(3000))] ^= 1
    path.write_bytes(data)
    with pytest.raises(LogDamaged, match=f"{path}, offset "):
        await columnar(pool, lambda: COLUMNS, OpenX(), "Parquet", {}, str)(rows)


async def test_a_worker_process_that_dies_is_replaced(tmp_path):
    pool = WorkerPool(1)
    marker = tmp_path / "died"
    assert await pool.run(die_once, str(marker)) == "done"
    pool.close()


def die_once(marker):
    """Kills its process the first time."""
    if not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(5)
    return "done"
