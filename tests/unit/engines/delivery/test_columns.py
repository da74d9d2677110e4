"""Conversion to columns in a worker process, and the pool itself."""

import io
import os
import signal
import time

import pyarrow.orc
import pyarrow.parquet
import pytest

from lakemill.engines.delivery import Record
from lakemill.engines.delivery.bucketsink import NotEncodable
from lakemill.engines.delivery.columns import OpenX, columnar
from lakemill.engines.delivery.pool import WorkerPool

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
