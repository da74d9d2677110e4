"""Texts at paths: what is taken is what a reader of the whole document finds, and the rest is named."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakemill.formats.jsonpaths import PathReader

PATHS = [["a"], ["b", "c"], ["b", "d", "e"], ["\u00e9"]]
READER = PathReader(PATHS, compiled=True)


def arrow(*records):
    return pa.array(records, pa.binary())


def plainly(record):
    """The texts, or None if the record is unusual, by the standard library."""
    try:
        document = json.loads(record.decode())
    except ValueError:
        return None
    texts = []
    for path in PATHS:
        one = document
        for member in path:
            one = one.get(member) if isinstance(one, dict) else None
        if isinstance(one, bool):
            one = json.dumps(one)
        elif isinstance(one, int) and len(str(abs(one))) <= 15:
            one = str(one)
        if not isinstance(one, str) or not one:
            return None
        texts.append(one)
    return texts


values = st.sampled_from(
    ["x", "yz" * 9, "", "\u00e9", 'q"', "\n", 0, 7, -12, 10**14, 10**15, 1.5, True, None, [1], {"c": 1}]
)
members = st.dictionaries(st.sampled_from(["c", "d", "e", "a", "x"]), values, max_size=4)
inner = members | st.builds(lambda one, e: one | {"c": "u", "d": {"e": e}}, members, values)
documents = st.dictionaries(st.sampled_from(["a", "\u00e9", "x", "y", "z"]), values, max_size=5)
whole = st.builds(lambda one, b, last: {"a": "k", "\u00e9": 1} | one | {"b": b} | last, documents, inner, documents)
records = st.builds(
    lambda one, ascii, tail: (json.dumps(one, ensure_ascii=ascii) + tail).encode(),
    whole | documents,
    st.booleans(),
    st.sampled_from(["", "", "", " ", "\n", "x", "{}", ","]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(records | st.binary(max_size=9), min_size=1, max_size=30))
def test_what_is_taken_is_in_the_document(given):
    texts, unusual = READER.read(arrow(*given))
    for place, record in enumerate(given):
        found = plainly(record)
        escaped = b"\\" in record
        assert unusual[place] == (found is None) or escaped, record
        if not unusual[place]:
            assert [text[place].as_py() for text in texts] == found


@pytest.mark.parametrize(
    "record",
    [
        *(
            b"",
            b"[]",
            b'{"a":"x"',
            b'{"a":-0}',
            b'{"a":1.0}',
            b'{"a":1e3}',
            b'{"a":1234567890123456}',
            b'{"a":"\\u0061"}',
        ),
        *(b'{"a":"x"}{"a":"x"}', b'{"a":"x","a":null}', b'{"a":"x","b":"\xff"}', b'{"a":"x\x01"}', b'{"a":01}'),
    ],
)
def test_what_is_out_of_the_ordinary_is_named(record):
    texts, unusual = PathReader([["a"]], compiled=True).read(arrow(b'{"a":"y"}', record, b'{"a":"z","b":[1]}'))
    assert unusual.tolist() == [False, True, False]
    assert (texts[0][0].as_py(), texts[0][2].as_py()) == ("y", "z")


def test_of_a_member_that_comes_twice_the_last_counts():
    texts, unusual = PathReader([["a", "b"]], compiled=True).read(
        arrow(b'{"a":{"b":1},"a":{"b":2}}', b'{"a":{"b":1},"a":{}}')
    )
    assert (texts[0][0].as_py(), unusual.tolist()) == ("2", [False, True])


def test_nothing_is_read_until_it_is_worth_the_compiled_code(monkeypatch):
    monkeypatch.setattr("lakemill.formats.jit.COLD_BYTES", 1000)
    monkeypatch.setattr("lakemill.formats.jit.WARM_BYTES", 1000)
    reader, record = PathReader([["a"]]), b'{"a":"%s"}' % (b"x" * 480)
    assert reader.read(arrow(record))[1].all()
    assert reader.read(arrow(record))[0][0].null_count == 1
    assert not reader.read(arrow(record))[1].any()
