"""The worker's conversation, in process and as a process."""

import contextlib
import subprocess
import sys

import pytest

from lakemill.formats.messages import framed, read_message
from lakemill.streamsql.session import Session
from lakemill.streamsql.worker import Worker

CODE = """
CREATE STREAM "D" ("k" VARCHAR(8), "seen" BIGINT, "shard" VARCHAR(32));
CREATE PUMP "P" AS INSERT INTO "D" SELECT STREAM "k", COUNT(*) OVER W, SHARD_ID FROM "S_001"
WINDOW W AS (ROWS 99 PRECEDING);
"""
FORM = {"format": "JSON", "row_path": "$", "columns": [{"name": "k", "type": "VARCHAR(8)", "mapping": "$.k"}]}
NOW = 1_700_000_000_000


def plan(code=CODE, outputs=("D",), **more):
    source = {"prefix": "S", "count": 1, "form": FORM, "keyed": True} | more
    told = [{"stream": name, "format": "JSON", "newline": False} for name in outputs]
    return {"code": code, "inputs": [source], "references": [], "outputs": told}


def record(data, shard="shardId-000000000000"):
    return [data, NOW, "key", "495", shard]


def test_rows_come_out_and_a_snapshot_goes_on():
    worker = Worker()
    assert worker.answer({"do": "open", "plan": plan(), "snapshot": None})["streams"] == ["S_001", "D", "error_stream"]
    push = {"do": "push", "input": 0, "records": [record(b'{"k": "a"}'), record(b"?")], "now": NOW}
    outcome = worker.answer(push)
    assert outcome["outputs"] == {0: [b'{"k":"a","seen":1,"shard":"shardId-000000000000"}']}
    assert outcome["faults"] == 1
    assert "no JSON" in outcome["samples"][0]
    state = worker.answer({"do": "snapshot"})["snapshot"]
    other = Worker()
    other.answer({"do": "open", "plan": plan(), "snapshot": state})
    again = other.answer({**push, "records": [record(b'{"k": "b"}')], "now": NOW + 1})
    assert b'"seen":2' in again["outputs"][0][0]


def test_a_snapshot_that_cannot_be_used_is_told_and_the_state_is_empty():
    worker = Worker()
    for snapshot in (b"", b"nonsense", b"\x00" * 100):
        answer = worker.answer({"do": "open", "plan": plan(), "snapshot": snapshot})
        assert answer["lost"]
        push = {"do": "push", "input": 0, "records": [record(b'{"k": "a"}')], "now": NOW}
        assert b'"seen":1' in worker.answer(push)["outputs"][0][0]


def test_an_output_of_a_stream_that_is_not_there_gets_nothing_and_is_told():
    worker = Worker()
    answer = worker.answer({"do": "open", "plan": plan(outputs=("NOPE", "D")), "snapshot": None})
    assert answer["missing"] == ["NOPE"]
    push = {"do": "push", "input": 0, "records": [record(b'{"k": "a"}')], "now": NOW}
    assert set(worker.answer(push)["outputs"]) == {1}


def test_parallel_streams_share_the_shards():
    code = "".join(
        f'CREATE STREAM "D{i}" ("k" VARCHAR(8)); CREATE PUMP "P{i}" AS INSERT INTO "D{i}" '
        f'SELECT STREAM "k" FROM "S_00{i}";'
        for i in (1, 2, 3)
    )
    session = Session(plan(code, ("D1", "D2", "D3"), count=3))
    records = [record(b'{"k": "%d"}' % (i % 9), f"shardId-{i % 9}") for i in range(90)]
    session.push(0, records, NOW)
    outputs = session.drain()["outputs"]
    assert set(outputs) == {0, 1, 2}
    assert sum(map(len, outputs.values())) == 90
    lanes = [{row for row in rows} for rows in outputs.values()]
    assert not lanes[0] & lanes[1] and not lanes[1] & lanes[2] and not lanes[0] & lanes[2]


def test_what_is_wrong_is_told_by_kind_and_place():
    worker = Worker()
    bad = worker.answer({"do": "check", "plan": plan(CODE.replace('"k", COUNT', '"x", COUNT'))})
    assert (bad["kind"], bad["line"]) == ("code", 3)
    assert worker.answer({"do": "check", "plan": plan(form=FORM | {"columns": [{"name": "k", "type": "X"}]})})[
        "kind"
    ] == "schema"  # fmt: skip
    assert worker.answer({"do": "discover", "records": [b"?"]})["kind"] == "schema"
    assert worker.answer({"do": "snapshot"})["kind"] == "fault"  # Nothing is open.


def test_a_fault_that_comes_with_a_record_goes_to_the_error_stream():
    session = Session(plan(outputs=("error_stream",)))
    session.push(0, [[*record(b"raw"), "the function failed"]], NOW)
    (row,) = session.drain()["outputs"][0]
    assert b'"ERROR_NAME":"PROCESSING_FAILED","MESSAGE":"the function failed"' in row
    assert b'"DATA_ROW":"726177"' in row


@pytest.fixture
def start():
    started = []

    def begin(*options):
        process = subprocess.Popen(
            [sys.executable, "-m", "lakemill.streamsql.worker", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def test_the_process_answers_in_order_and_ends_with_its_input(start):
    process = start()
    process.stdin.write(framed({"do": "check", "plan": plan()}) + framed({"do": "discover", "records": [b"a,1"]}))
    process.stdin.close()
    assert read_message(process.stdout.read)["streams"][0] == "S_001"
    assert read_message(process.stdout.read)["form"]["format"] == "CSV"
    assert read_message(process.stdout.read) is None
    assert process.wait(20) == 0


def test_the_memory_of_the_process_is_limited(start):
    process = start("--memory-mib", "320")
    records = [record(b'{"k": "%s"}' % (b"x" * 1_000_000))] * 100
    process.stdin.write(framed({"do": "open", "plan": plan(), "snapshot": None}))
    process.stdin.flush()
    assert "streams" in read_message(process.stdout.read)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(framed({"do": "push", "input": 0, "records": records, "now": NOW}))
        process.stdin.flush()
    answer = read_message(process.stdout.read)
    assert answer is None or answer["kind"] == "fault"
