"""Columns in an answer say what the same structures, one by one, would have said."""

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.gateway import models, protocols
from lakemill.gateway.protocols.columns import dict_columns, is_plain, json_columns, json_text
from lakemill.services.base import Columns

KINDS = {"Name": "string", "At": "timestamp", "Data": "blob", "Count": "integer", "Good": "boolean"}
ROW = st.tuples(
    st.one_of(st.just("plain"), st.text(max_size=8)),
    st.integers(0, 1 << 42).map(lambda millis: millis / 1000),
    st.one_of(st.binary(max_size=8), st.builds(bytes, st.integers(0, 2000))),
    st.integers(-(1 << 60), 1 << 60),
    st.booleans(),
)


def columns(rows, constants=None):
    return Columns({name: [row[n] for row in rows] for n, name in enumerate(KINDS)}, constants)


def dicts(rows, constants=None):
    return [dict(zip(KINDS, row, strict=True)) | (constants or {}) for row in rows]


def written(given):
    """What a client reads."""
    return json.loads(msgspec.json.encode(json_columns(KINDS)(given)))


@given(st.lists(ROW, max_size=5), st.sampled_from([None, {"Kind": 'a "b"'}]))
def test_json_says_what_msgspec_says_of_dicts(rows, constants):
    assert written(columns(rows, constants)) == json.loads(msgspec.json.encode(dicts(rows, constants)))


@given(st.lists(ROW.map(lambda row: ("plain", *row[1:])), min_size=1, max_size=5))
def test_text_put_together_is_the_one_that_msgspec_writes(rows):
    assert bytes(json_text(columns(rows), KINDS)) == msgspec.json.encode(dicts(rows))


@pytest.mark.parametrize(("size", "kind"), [(256, list), (257, msgspec.Raw)])
def test_text_is_put_together_where_data_is_long(size, kind):
    rows = [("a", 1.5, bytes(size), 1, True)] * 3
    assert type(json_columns(KINDS)(columns(rows))) is kind


@pytest.mark.parametrize("text", ['"', "\\", "\n", "\x00", "\x1f", "ä", "\u2028", "日本"])
def test_what_is_escaped_or_no_ascii_is_not_plain(text):
    assert is_plain([])
    assert is_plain(["", "a", "b/c", "\x7f"])
    assert not is_plain(["a", f"b{text}", "c"])


@given(st.lists(ROW, max_size=5))
def test_a_member_that_is_unset_is_left_out(rows):
    some = columns(rows)
    some.members["Name"] = [name or msgspec.UNSET for name in some.members["Name"]]
    some.gaps = True
    expected = [{name: value for name, value in row.items() if name != "Name" or value} for row in dicts(rows)]
    assert written(some) == json.loads(msgspec.json.encode(expected))
    assert dict_columns({})(some) == expected


def test_times_become_what_the_protocol_has_for_them():
    rows = [("a", 1.5, b"x", 1, True), ("b", 1.5, b"y", 2, False), ("c", 2.0, b"", 3, False)]
    made = dict_columns({"At": str, "Absent": str})(columns(rows, {"Kind": "k"}))
    assert [(one["At"], one["Data"], one["Kind"]) for one in made] == [
        ("1.5", b"x", "k"),
        ("1.5", b"y", "k"),
        ("2.0", b"", "k"),
    ]


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="unpack"):
        Columns({"Name": ["a"], "At": []})


@pytest.mark.parametrize("protocol", [protocols.JSON_1_1, protocols.JSON_1_0], ids=["1.1", "1.0"])
def test_an_answer_with_columns_has_its_other_members(protocol):
    members = {"Data": [b"x" * 300, b"y"], "ApproximateArrivalTimestamp": [1.5, 2]}
    operation = models.operation_model("kinesis", "GetRecords")
    body = protocol.encode(operation, {"Records": Columns(members), "NextShardIterator": "n"}, "id").body
    assert json.loads(body) == {
        "Records": [
            {"Data": base64.b64encode(b"x" * 300).decode(), "ApproximateArrivalTimestamp": 1.5},
            {"Data": "eQ==", "ApproximateArrivalTimestamp": 2},
        ],
        "NextShardIterator": "n",
    }
