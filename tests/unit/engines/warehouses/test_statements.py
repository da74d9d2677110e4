"""Statements handed to warehouses."""

import pytest
from tests.unit.engines.warehouses.conftest import OWNER, SCOPE, answered, statement, until

from lakemill.engines.warehouses import (
    SessionBusy,
    SessionMissing,
    StatementEnded,
    StatementMissing,
    TokenTaken,
)
from lakemill.engines.warehouses.sessions import Session


async def test_a_statement_finishes_with_its_result(warehouses, run):
    done = await run({"rows": [[1, "a"], [2, None]], "columns": [{"name": "n", "type": "int4"}]})
    assert (done.state, done.error, done.has_result) == ("FINISHED", "", True)
    part = done.parts[0]
    assert (part.rows, part.columns[0]["name"], part.query) == (2, "n", 7)
    pages, more = warehouses.statements.pages(done, 0, 0)
    assert pages[0]["Records"] == [[{"longValue": 1}, {"stringValue": "a"}], [{"longValue": 2}, {"isNull": True}]]
    assert not more


async def test_results_are_read_by_the_page(warehouses, run):
    done = await run({"rows": [], "pages": [[[1]], [[2]], [[3]]]})
    assert done.parts[0].rows == 3
    first, more = warehouses.statements.pages(done, 0, 0)
    last, end = warehouses.statements.pages(done, 0, 2)
    assert (first[0]["Records"], more) == ([[{"longValue": 1}]], True)
    assert (last[0]["Records"], end) == ([[{"longValue": 3}]], False)


async def test_a_statement_without_a_result_tells_its_rows(run):
    done = await run({"add": "x"})
    assert (done.state, done.has_result, done.parts[0].rows) == ("FINISHED", False, 1)


async def test_a_failure_is_told_as_the_database_does(run):
    done = await run({"fail": ["42P01", 'relation "x" does not exist']})
    assert (done.state, done.error) == ("FAILED", 'ERROR: relation "x" does not exist')


async def test_a_batch_that_fails_says_so_of_each_statement(warehouses, run):
    done = await run({"add": "x"}, {"fail": ["22012", "division by zero"]}, {"add": "y"})
    assert [part.state for part in done.parts] == ["FINISHED", "FAILED", "ABORTED"]
    assert (done.state, done.error) == ("FAILED", "ERROR: division by zero")
    assert answered(warehouses, await run({"read": True})) == ""


async def test_statements_that_are_no_transaction_do_not_keep_each_other(warehouses, run):
    done = await run({"add": "x"}, {"fail": ["22012", "division by zero"]}, {"session": True}, separate=True)
    assert [part.state for part in done.parts] == ["FINISHED", "FAILED", "FINISHED"]
    assert done.state == "FAILED"
    assert answered(warehouses, done, 2) == "3"  # One session saw them all.
    assert answered(warehouses, await run({"read": True})) == "x"


async def test_a_statement_is_cancelled(warehouses, run):
    started = await run({"wait": True}, wait=False)
    await until(lambda: started.parts[0].state == "STARTED")
    await warehouses.statements.cancel(SCOPE, started.id)
    done = warehouses.statements.get(SCOPE, started.id)
    assert (done.state, done.error) == ("ABORTED", "Query aborted on user's request")
    with pytest.raises(StatementEnded):
        await warehouses.statements.cancel(SCOPE, started.id)


async def test_a_process_that_dies_fails_its_statements_alone(warehouses, run):
    waiting = await run({"wait": True}, wait=False)
    await until(lambda: waiting.state == "STARTED")
    done = await run({"die": 3})
    assert (done.state, done.error) == ("FAILED", "ERROR: the process of the warehouse ended with exit code 3")
    await warehouses.statements.wait(waiting.id, 20)
    assert warehouses.statements.get(SCOPE, waiting.id).state == "FAILED"
    assert answered(warehouses, await run({"read": True})) == ""


async def test_a_token_makes_two_requests_one(warehouses, sales, run, clock):
    first = await run({"add": "x"}, token="t")
    assert (await run({"add": "x"}, token="t")).id == first.id
    assert answered(warehouses, await run({"read": True})) == "x"
    with pytest.raises(TokenTaken):
        await run({"add": "other"}, token="t")
    clock.advance(8 * 3600 + 1)
    assert (await run({"add": "x"}, token="t")).id != first.id


async def test_what_was_handed_in_before_a_crash_is_found_afterwards(make, warehouses, sales, clock):
    asked = statement(clock.now(), {"add": "x"}, warehouse=sales["id"])
    await warehouses.statements._store.add(asked)  # It was acknowledged, and then the platform was killed.
    again = make()
    assert "1 statements of warehouses that were under way have failed" in await again.start()
    found = again.statements.get(SCOPE, asked.id)
    assert (found.state, found.parts[0].state) == ("FAILED", "ABORTED")
    assert "lakemill was restarted" in found.error
    await again.close()


async def test_statements_are_listed_newest_first_and_forgotten_after_a_day(warehouses, run, clock):
    ids = []
    for _ in range(3):
        ids.append((await run({"rows": [[1]]})).id)
        clock.advance(1)
    places = list(warehouses.statements.newest(SCOPE))
    assert [found.id for _, found in places] == ids[::-1]
    assert [found.id for _, found in warehouses.statements.newest(SCOPE, places[0][0])] == ids[1::-1]
    clock.advance(24 * 3600 - 1)
    await warehouses.statements.expire()
    assert [found.id for _, found in warehouses.statements.newest(SCOPE)] == ids[2:]
    with pytest.raises(StatementMissing):
        warehouses.statements.get(SCOPE, ids[0])


async def test_a_query_of_ours_leaves_no_trace(warehouses, sales):
    rows = await warehouses.statements.ask(
        sales["id"], "dev", "awsuser", '{"rows": [["a", null], ["b", 2]]}', {"name": "x"}, auto_create=False
    )
    assert rows == [["a", None], ["b", 2]]
    assert list(warehouses.statements.newest(SCOPE)) == []


# Sessions


@pytest.fixture
def session(warehouses, sales, clock):
    return warehouses.statements.sessions.new(
        Session(
            id="",
            scope=SCOPE,
            warehouse=sales["id"],
            owner=OWNER,
            owner_session="",
            database="dev",
            user="awsuser",
            details={},
            alive_s=600,
            created=clock.now(),
            updated=clock.now(),
        )
    )


async def test_statements_share_a_session(warehouses, run, session):
    sessions = warehouses.statements.sessions
    for number in ("1", "2"):
        sessions.take(session, "s")
        with pytest.raises(SessionBusy):
            sessions.take(session, "other")
        assert answered(warehouses, await run({"session": True}, session=session)) == number
        assert sessions.get(SCOPE, session.id, OWNER).statement == ""


async def test_a_session_ends_with_its_process_and_is_nobody_elses(warehouses, run, session):
    sessions = warehouses.statements.sessions
    with pytest.raises(SessionMissing):
        sessions.get(SCOPE, session.id, "AIDAOTHER")
    sessions.take(session, "s")
    await run({"session": True}, session=session)
    await run({"die": 1})
    sessions.take(session, "s")
    done = await run({"session": True}, session=session)
    assert (done.state, done.error) == ("FAILED", f"ERROR: Session {session.id} does not exist, or is closed.")
    with pytest.raises(SessionMissing):
        sessions.get(SCOPE, session.id, OWNER)


async def test_a_session_ends_after_its_time(warehouses, run, session):
    sessions = warehouses.statements.sessions
    sessions.take(session, "s", 0)
    await run({"session": True}, session=session)
    await until(lambda: session.closed)
    with pytest.raises(SessionMissing):
        sessions.get(SCOPE, session.id, OWNER)
