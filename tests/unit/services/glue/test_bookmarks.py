"""Bookmarks as they are kept: saved by runs, rewound, forgotten."""

import pytest

from lakemill.services.base import ServiceError
from lakemill.services.glue import bookmarks
from tests.unit.services.glue.conftest import HERE


def run(number, clock, attempt=0):
    return {"scope": HERE, "job": "j", "id": f"jr_{number}", "attempt": attempt, "created": clock.now()}


async def save(etl, number, expected, state):
    await etl.metadata.transact(
        lambda transaction: bookmarks.save_in(transaction, run(number, etl.clock), expected, state, etl.clock.now())
    )
    etl.clock.advance(1)


def kept(etl):
    return bookmarks.entries(etl.metadata, HERE, "j")


async def test_each_run_leaves_an_entry_and_the_last_one_counts(etl):
    await save(etl, 1, 0, {"a": 1})
    await save(etl, 2, 1, {"a": 2})
    await save(etl, 2, 2, {"a": 3})
    assert [(one["run_id"], one["run"], one["version"], one["previous"]) for one in kept(etl)] == [
        ("jr_1", 1, 1, None),
        ("jr_2", 2, 3, "jr_1"),
    ]
    assert bookmarks.described("j", kept(etl)[-1]) == {
        "JobName": "j",
        "Version": 3,
        "Run": 2,
        "Attempt": 0,
        "RunId": "jr_2",
        "PreviousRunId": "jr_1",
        "JobBookmark": '{"a":3}',
    }


async def test_a_state_made_from_an_older_version_is_refused(etl):
    await save(etl, 1, 0, {"a": 1})
    with pytest.raises(ServiceError, match=r"version mismatch\. Expected version 0 but found version 1"):
        await save(etl, 2, 0, {"a": 2})
    assert len(kept(etl)) == 1


async def test_a_bookmark_is_rewound_to_the_end_of_a_run(etl):
    for number in (1, 2, 3):
        await save(etl, number, number - 1, {"a": number})
    entry = await etl.metadata.transact(lambda one: bookmarks.rewind_in(one, HERE, "j", "jr_1"))
    assert (entry["state"], entry["version"]) == ({"a": 1}, 4)
    assert [one["run_id"] for one in kept(etl)] == ["jr_1"]
    await save(etl, 4, 4, {"a": 4})
    assert kept(etl)[-1]["previous"] == "jr_1"
    with pytest.raises(ServiceError, match="Continuation for job j and run jr_9 not found"):
        await etl.metadata.transact(lambda one: bookmarks.rewind_in(one, HERE, "j", "jr_9"))


async def test_a_run_that_saved_nothing_found_what_earlier_ones_left(etl):
    await save(etl, 1, 0, {"a": 1})
    idle = run(2, etl.clock)
    etl.clock.advance(1)
    await save(etl, 3, 1, {"a": 3})
    assert bookmarks.as_of(kept(etl), idle) == {"a": 1}
    assert bookmarks.as_of(kept(etl), run(3, etl.clock)) == {"a": 3}


async def test_only_so_many_entries_are_kept(etl, monkeypatch):
    monkeypatch.setattr(bookmarks, "KEPT", 2)
    for number in (1, 2, 3):
        await save(etl, number, number - 1, {})
    assert [one["run_id"] for one in kept(etl)] == ["jr_2", "jr_3"]
    await etl.metadata.transact(lambda one: bookmarks.forget_in(one, HERE, "j"))
    assert kept(etl) == []
