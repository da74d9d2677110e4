"""Aggregates of the Kinesis Producer Library, made by AWS's own library for Python."""

import hashlib

import pytest
from aws_kinesis_agg.aggregator import RecordAggregator
from hypothesis import given
from hypothesis import strategies as st

from lakemill.formats.kpl import MAGIC, UserRecord, deaggregate


def aggregate(records):
    """(partition key, explicit hash key, data) each, as one record's bytes."""
    aggregator = RecordAggregator()
    for key, hash_key, data in records:
        assert aggregator.add_user_record(key, data, hash_key) is None
    return aggregator.clear_and_get().get_contents()[2]


def test_records_come_out_as_they_went_in():
    last = str(2**128 - 1)
    found = deaggregate(aggregate([("ann", None, b"one"), ("bob", "7", b"two" * 100), ("ann", last, b"")]))
    assert [one.data for one in found] == [b"one", b"two" * 100, b""]
    assert [one.partition_key for one in found] == ["ann", "bob", "ann"]
    assert [one.explicit_hash_key for one in found][1:] == ["7", last]


RECORDS = st.tuples(st.text(min_size=1, max_size=9), st.none(), st.binary(max_size=300))


@given(st.lists(RECORDS, min_size=1, max_size=40))
def test_any_records_come_out_as_they_went_in(records):
    found = deaggregate(aggregate(records))
    assert [(one.partition_key, one.data) for one in found] == [(key, data) for key, _, data in records]


@pytest.mark.parametrize("data", [b"", b"plain", MAGIC, MAGIC + b"x" * 16, MAGIC + b"x" * 40])
def test_what_is_no_aggregate_is_passed_on(data):
    assert deaggregate(data) is None


def test_a_changed_byte_is_noticed():
    data = bytearray(aggregate([("k", None, b"some data")]))
    data[10] ^= 1
    assert deaggregate(bytes(data)) is None


@given(st.binary(min_size=1, max_size=80))
def test_a_body_that_is_no_message_is_passed_on(body):
    found = deaggregate(MAGIC + body + hashlib.md5(body).digest())
    assert found is None or all(isinstance(one, UserRecord) for one in found)
