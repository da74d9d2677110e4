"""Prefixes: the table of cases in the developer guide, and what it forbids."""

import datetime
import re

import pytest

from lakemill.engines.delivery.prefixes import Prefix, PrefixInvalid, delivery_prefix, error_prefix

MOMENT = datetime.datetime(2018, 8, 27, 10, 30, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "evaluated"),
    [
        (None, "2018/08/27/10/"),
        ("logs", "logs2018/08/27/10/"),
        ("logs/", "logs/2018/08/27/10/"),
        ("y=!{timestamp:yyyy}/m=!{timestamp:MM}/", "y=2018/m=08/"),
        ("a/!{timestamp:'day='dd}/", "a/day=27/"),
    ],
)
def test_a_prefix_is_evaluated_and_gets_a_time_if_it_has_none(text, evaluated):
    assert delivery_prefix(text).evaluate(MOMENT) == evaluated


def test_random_strings_differ_at_each_place():
    evaluated = Prefix("!{firehose:random-string}/!{firehose:random-string}").evaluate(MOMENT)
    first, second = evaluated.split("/")
    assert re.fullmatch("[A-Za-z0-9]{11}", first)
    assert first != second


@pytest.mark.parametrize(
    ("text", "delivered", "evaluated"),
    [
        (None, None, "processing-failed/2018/08/27/10/"),
        (None, "logs/", "logs/processing-failed/2018/08/27/10/"),
        ("errors/", "logs/", "errors/processing-failed/2018/08/27/10/"),
        ("e/!{firehose:error-output-type}/!{timestamp:yyyy}/", "x", "e/processing-failed/2018/"),
    ],
)
def test_the_prefix_of_errors_has_the_kind_of_error(text, delivered, evaluated):
    assert error_prefix(text, delivered).evaluate(MOMENT, "processing-failed") == evaluated


def test_partition_keys_are_put_in():
    prefix = delivery_prefix("c=!{partitionKeyFromQuery:c}/!{partitionKeyFromLambda:c}/", partitioned=True)
    keys = {"partitionKeyFromQuery:c": "7", "partitionKeyFromLambda:c": "x"}
    assert prefix.evaluate(MOMENT, keys=keys) == "c=7/x/"


@pytest.mark.parametrize(
    "text", ["!{timestamp:yyyy", "!{", "!{timestamp}", "!{a:b}", "!{firehose:name}", "a!{timestamp:ww}"]
)
def test_an_expression_that_is_none_is_refused(text):
    with pytest.raises(PrefixInvalid):
        Prefix(text)


def test_a_prefix_that_gets_too_long_is_refused():
    with pytest.raises(PrefixInvalid):
        Prefix("x" * 513).evaluate(MOMENT)


def test_each_prefix_has_only_its_own_expressions():
    with pytest.raises(PrefixInvalid):
        delivery_prefix("!{firehose:error-output-type}/")
    with pytest.raises(PrefixInvalid):
        error_prefix("!{partitionKeyFromQuery:a}/!{firehose:error-output-type}/", "x")
    with pytest.raises(PrefixInvalid, match="cannot be null or empty"):
        error_prefix(None, "!{timestamp:yyyy}/")
    with pytest.raises(PrefixInvalid, match="error-output-type"):
        error_prefix("!{timestamp:yyyy}/", "x")
