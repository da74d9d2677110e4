"""Queries on records: what is taken, and what is not."""

import asyncio

import pytest

from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.queries import QueryInvalid, check, is_stable, keys_of


@pytest.mark.parametrize("query", ["{a:", "{a:.b|nothing}", 'import "m" as m; {a:.b}', 'include "m"; {a:.b}'])
def test_a_query_that_is_none_or_reads_files_is_refused(query):
    with pytest.raises(QueryInvalid):
        check(query)


@pytest.mark.parametrize("query", ['{import:.import, a:"include"}', "{a:.include}", '{a:.a[0]?, b:(.b // "x")}'])
def test_a_query_may_use_such_names_for_fields(query):
    check(query)


def test_numbers_are_written_in_full_and_texts_as_they_are():
    found = keys_of("{a:.a,b:.b}", ["a", "b"], [b'{"a":12345678901,"b":1.5}', '{"a":-3,"b":"\u00e4 b"}'.encode()])
    assert found == [("12345678901", "1.5"), ("-3", "\u00e4 b")]


def test_a_query_that_asks_for_the_time_is_not_stable():
    assert not is_stable("{a:(now|todate)}")
    assert is_stable("{a:.now, b:.known}")


async def test_a_query_learns_nothing_of_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    pool = WorkerPool(1)
    (found,) = await pool.run(keys_of, '{a:(env|keys|join(","))}', ["a"], [b"{}"])
    assert "AWS" not in str(found)
    pool.close()


async def test_a_query_that_does_not_end_is_ended():
    pool = WorkerPool(1)
    with pytest.raises(TimeoutError):
        await pool.run(keys_of, "{a:(last(repeat(1)))}", ["a"], [b"{}"], timeout_s=3)
    assert await pool.run(keys_of, "{a:.a}", ["a"], [b'{"a":"1"}']) == [("1",)]
    pool.close()
    await asyncio.sleep(0)
