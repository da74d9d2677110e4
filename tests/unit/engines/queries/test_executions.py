"""Statements on their way: carried out, failed, cancelled, remembered."""

import json

import pytest
from tests.unit.engines.queries.conftest import SCOPE, Rights, submit, until

from lakemill.engines.objects import ObjectMissing
from lakemill.engines.queries import ExecutionMissing, Queries, StatementRefused, TokenTaken

ROWS = '"a"\n"1"\n'
SELECT = ({"file": "r", "content": ROWS}, {"outcome": {"result": "r", "columns": [{"name": "a", "type": "integer"}]}})


def text_of(objects, uri):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return objects.read(objects.head(bucket, key)).decode()


async def test_a_result_is_an_object_with_its_columns_beside_it(run, objects):
    done = await run(*SELECT)
    assert done.state == "SUCCEEDED"
    assert done.location == f"s3://lake/results/{done.id}.csv"
    assert text_of(objects, done.location) == ROWS
    assert json.loads(text_of(objects, f"{done.location}.metadata"))["columns"][0]["name"] == "a"
    assert (done.kind, done.substatement, done.result_bytes) == ("DML", "SELECT", len(ROWS))


@pytest.mark.parametrize(
    ("outcome", "place"),
    [
        ({"kind": "DDL", "substatement": "CREATE_TABLE_AS_SELECT"}, "tables/{id}"),
        ({"kind": "DML", "substatement": "INSERT"}, "{id}"),
    ],
)
async def test_what_was_written_is_listed_in_a_manifest(run, objects, outcome, place):
    done = await run({"outcome": outcome | {"form": "", "manifest": ["s3://lake/t/1", "s3://lake/t/2"], "updated": 7}})
    place = f"s3://lake/results/{place.format(id=done.id)}"
    assert (done.location, done.manifest, done.updated) == (place, f"{place}-manifest.csv", 7)
    assert text_of(objects, done.manifest) == "s3://lake/t/1\ns3://lake/t/2\n"
    assert json.loads(text_of(objects, f"{place}.metadata")) == {"columns": []}


async def test_a_failure_is_told_as_it_came(run):
    done = await run({"failed": {"message": "SYNTAX_ERROR: line 1:8: no", "type": 17, "kind": "DML"}})
    assert (done.state, done.reason, done.kind) == ("FAILED", "SYNTAX_ERROR: line 1:8: no", "DML")
    assert (done.fault.category, done.fault.type, done.fault.retryable) == (2, 17, False)


async def test_what_cannot_be_read_is_refused_and_was_never_there(queries):
    with pytest.raises(StatementRefused, match="line 1:1"):
        await submit(queries, {"failed": {"message": "line 1:1: mismatched input", "at_start": True}})
    assert queries.listed(SCOPE, "primary", "", 10) == []


async def test_what_a_process_prints_about_a_fault_of_ours_is_in_the_log(run, caplog):
    said = {"print": "Traceback (most recent call last):\n  ...\nKeyError: 'x'"}
    done = await run(said, {"failed": {"message": "GENERIC_INTERNAL_ERROR: KeyError: 'x'", "category": 1}})
    assert done.fault.category == 1
    assert f"execution {done.id}\nTraceback (most recent call last):\n  ...\nKeyError: 'x'" in caplog.text
    assert (await run(*SELECT)).state == "SUCCEEDED"


@pytest.mark.parametrize(
    ("step", "said"),
    [({"die": -9}, "using more memory"), ({"die": 3}, "exit code 3"), ({"die": -11}, "signal SIGSEGV")],
)
async def test_a_process_that_dies_fails_its_statement_only(run, step, said):
    done = await run(step)
    assert done.state == "FAILED"
    assert done.reason.startswith("GENERIC_INTERNAL_ERROR: the process ")
    assert said in done.reason
    assert done.fault.category == 1
    assert (await run(*SELECT)).state == "SUCCEEDED"


async def test_two_processes_serve_one_statement_after_another_by_turns(run, queries):
    for _ in range(2):
        await run(*SELECT)
    await until(lambda: len(queries._processes._idle) == 2)
    before = {process.pid for process in queries._processes._idle}
    for _ in range(6):
        await run(*SELECT)
    assert {process.pid for process in queries._processes._idle} == before


async def test_cancelling_ends_the_process(run, queries):
    execution = await run({"ask": "databases"}, {"wait": True}, wait=False)
    process = next(iter(queries._processes._used))
    await queries.cancel(SCOPE, execution.id)
    assert queries.get(SCOPE, execution.id).state == "CANCELLED"
    assert not process.alive
    await queries.cancel(SCOPE, execution.id)
    assert queries.get(SCOPE, execution.id).reason == "Query was cancelled by the user"


async def test_more_than_may_run_at_once_wait_and_can_be_cancelled(run, queries):
    busy = [await run({"ask": "databases"}, {"wait": True}, wait=False) for _ in range(2)]
    third = await run(*SELECT, wait=False)
    fourth = await run(*SELECT, wait=False)
    assert [queries.get(SCOPE, one.id).state for one in (*busy, third)] == ["RUNNING", "RUNNING", "QUEUED"]
    await queries.cancel(SCOPE, third.id)
    assert queries.get(SCOPE, third.id).state == "CANCELLED"
    await queries.cancel(SCOPE, busy[0].id)
    await queries.wait(fourth.id)
    assert queries.get(SCOPE, fourth.id).state == "SUCCEEDED"


async def test_what_reads_more_than_it_may_is_cancelled(run, queries):
    done = await run({"progress": 50}, {"progress": 101}, {"wait": True}, scan_bytes_max=100)
    assert (done.state, done.reason, done.scanned_bytes) == ("CANCELLED", "Bytes scanned limit was exceeded", 101)


async def test_one_token_is_one_execution(queries, run):
    first = await run(*SELECT, token="t" * 32)
    assert (await run(*SELECT, token="t" * 32)).id == first.id
    with pytest.raises(TokenTaken):
        await run(*SELECT, token="t" * 32, database="other")


async def test_executions_are_listed_newest_first_and_expire(run, queries, clock):
    old = await run(*SELECT)
    clock.advance(44 * 86400)
    new = await run(*SELECT)
    (first, place), (second, _) = queries.listed(SCOPE, "primary", "", 2)
    assert (first, second) == (new.id, old.id)
    assert [id for id, _ in queries.listed(SCOPE, "primary", place, 2)] == [old.id]
    clock.advance(2 * 86400)
    await queries.expire()
    assert [id for id, _ in queries.listed(SCOPE, "primary", "", 9)] == [new.id]
    with pytest.raises(ExecutionMissing):
        queries.get(SCOPE, old.id)


async def test_an_answer_is_given_again_while_it_is_young(run, objects, clock):
    first = await run(*SELECT, reuse_s=60)
    again = await run(*SELECT, reuse_s=60)
    assert (first.reused, again.reused, again.location) == (False, True, first.location)
    assert again.columns == first.columns
    assert not (await run(*SELECT, reuse_s=60, rights=Rights("write"))).reused
    clock.advance(61)
    assert not (await run(*SELECT, reuse_s=60)).reused
    newest = await run(*SELECT)
    objects.remove("lake", newest.location.removeprefix("s3://lake/"))
    assert not (await run(*SELECT, reuse_s=60)).reused


async def test_results_that_may_not_be_written_fail(run):
    done = await run(*SELECT, rights=Rights("write"))
    assert done.reason.startswith(f"Access denied when writing output to url: s3://lake/results/{done.id}.csv .")


async def test_stopping_lakemill_fails_what_is_under_way(run, queries):
    execution = await run({"ask": "databases"}, {"wait": True}, wait=False)
    process = next(iter(queries._processes._used))
    await queries.close()
    done = queries.get(SCOPE, execution.id)
    assert (done.state, done.reason.endswith("lakemill was stopped while the statement was under way")) == (
        "FAILED",
        True,
    )
    assert not process.alive


async def test_after_a_crash_nothing_of_a_statement_is_left(tmp_path, metadata, objects, catalog, clock, run, queries):
    await catalog.create_database(SCOPE, {"name": "d"})
    steps = (
        {"file": "part", "content": "x"},
        {"ask": "store", "with": {"path": "part", "uri": "s3://lake/t/part"}},
        {"ask": "create_table", "with": {"database": "d", "definition": {"Name": "t"}}},
        {"wait": True},
    )
    execution = await run(*steps, wait=False)
    await until(lambda: [one.name for one in catalog.tables(SCOPE, "d")])
    assert objects.head("lake", "t/part").size == 1

    next_run = Queries(metadata, objects, catalog, clock, tmp_path / "next", command=["-c", ""])
    assert await next_run.start() == ["1 SQL statements that were under way have failed"]
    done = next_run.get(SCOPE, execution.id)
    assert done.state == "FAILED"
    assert "restarted" in done.reason
    assert list(catalog.tables(SCOPE, "d")) == []
    with pytest.raises(ObjectMissing):
        objects.head("lake", "t/part")
    assert await next_run.start() == []
    await until(lambda: execution.id in queries._tasks)
    await queries.cancel(SCOPE, execution.id)
