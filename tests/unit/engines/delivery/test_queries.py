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


DOCUMENTS = [
    b'{"a": "x", "b": {"c": "y"}}',
    b'{"a": 7, "b": {"c": -0}}',
    b'{"a": 9007199254740993, "b": {"c": 12345678901234567890}}',
    b'{"a": 1.0, "b": {"c": 1e3}}',
    b'{"a": true, "b": {"c": false}}',
    b'{"a": null, "b": null}',
    b'{"a": "", "b": {"c": []}}',
    b'{"a": "x", "b": "y"}',
    b'{"a": "x", "b": [1]}',
    b'{"a": "x", "a": "z", "b": {"c": 1}, "b": {"c": 2}}',
    b'{"a": "\\u00e4\\ud83d\\ude00\\n", "b": {"c": "\\u0000"}}',
    '{"a": "\u00e4", "b": {"c": "\U0001f600"}}'.encode(),
    b'{"a": "\\ud800", "b": {"c": 1}}',
    b'{"a": "x", "b": {"c": 1}, "d": "\xff"}',
    b'{"a": "x", "b": {"c": 1}} {"a": "x", "b": {"c": 1}}',
    b' {"a": "x", "b": {"c": 1}}\n',
    b'{"a": "x", "b": {"c": 1}, "d": NaN}',
    b'{"a": "x", "b": {"c": 1}, "d": 01}',
    b'{"a": "x", "b": {"c": 1}, "d": "\\q"}',
    b'{"a": "x", "b": {"c": 1}, "d": 1e999}',
    b'{"a": "x", "b": {"c": 1}',
    b"[]",
    b"7",
    b"",
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_plain_paths_give_what_jq_gives(document):
    plain, asked = "{ a : .a, c: .b.c}", "{a: (.a), c: (.b.c)}"
    assert keys_of(plain, ["c", "a"], [document]) == keys_of(asked, ["c", "a"], [document])


def test_every_path_of_a_query_is_followed():
    (found,) = keys_of("{a: .a, b: .b.c}", ["a"], [b'{"a": "x", "b": "y"}'])
    assert found.startswith("The query failed on the record")
    assert keys_of("{a: .a, a: .b}", ["a"], [b'{"a": "x", "b": "y"}']) == [("y",)]
    assert keys_of("{a: .a, b: .b}", ["a"], [b'{"a": "x"}']) == [("x",)]


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
