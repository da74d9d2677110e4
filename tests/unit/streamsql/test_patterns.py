"""LIKE and SIMILAR TO, Java's regular expressions and Java's date patterns."""

import datetime
import re

import pytest

from lakemill.streamsql.datepatterns import formatter, parser
from lakemill.streamsql.patterns import java_regex, java_replacement, like_regex, similar_regex

# The first column is matched as a whole.
LIKES = [
    ("a", "a", None, True),
    ("a", "A", None, False),
    ("ab", "a_", None, True),
    ("ab", "a%", None, True),
    ("ab", r"a\_", "\\", False),
    ("a_", r"a\_", "\\", True),
    ("a%", r"a\%", "\\", True),
    ("a", "a_", None, False),
    ("a", "a%", None, True),
    ("", "", None, True),
    ("1a", "_a", None, True),
    ("123aXYZ", "%a%", None, True),
    ("123aXYZ", "_%_a%_", None, True),
    ("a.c", "a.c", None, True),
    ("abc", "a.c", None, False),
    ("two\nlines", "two%", None, True),
]
SIMILAR = [
    ("a", "a|b", True),
    ("b", "(a|b)", True),
    ("abab", "(ab)*", True),
    ("aaa", "a{2,3}", True),
    ("a", "a{2,3}", False),
    ("x1", "[a-z][0-9]+", True),
    ("a.b", "a.b", True),
    ("axb", "a.b", False),
    ("axb", "a_b", True),
    ("TECHNOLOGY", "%TECH%", True),
    ("a$", "a$", True),
]


@pytest.mark.parametrize(("value", "pattern", "escape", "matches"), LIKES)
def test_like(value, pattern, escape, matches):
    assert (re.fullmatch(like_regex(pattern, escape), value, re.S) is not None) == matches


@pytest.mark.parametrize(("value", "pattern", "matches"), SIMILAR)
def test_similar_to(value, pattern, matches):
    assert (re.fullmatch(similar_regex(pattern, None), value, re.S) is not None) == matches


def test_regular_expressions_are_those_of_java():
    assert java_regex(r"(?<word>\p{Alpha}+)\k<word>").fullmatch("abab")
    assert java_regex(r"[\p{Digit}.]+\z").fullmatch("1.2")
    assert java_regex(r"\Qa.b\E+").fullmatch("a.bb")
    assert java_replacement(r"<$1\$\\>") == r"<\g<1>$\\>"
    with pytest.raises(ValueError, match="is no regular expression"):
        java_regex("(")


TIMES = [
    ("yyyy-MM-dd HH:mm:ss", "2007-02-19 21:23:45", datetime.datetime(2007, 2, 19, 21, 23, 45)),
    ("yyyy-MM-dd hh:mm:ss", "2009-09-16 03:15:24", datetime.datetime(2009, 9, 16, 3, 15, 24)),
    ("yyyy-MM-dd hh:mm:ss", "2009-09-16 13:15:24", datetime.datetime(2009, 9, 16, 13, 15, 24)),
    ("hh:mm a", "12:05 am", datetime.datetime(1970, 1, 1, 0, 5)),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSSSS", "2018-05-09T12:50:41.337510", datetime.datetime(2018, 5, 9, 12, 50, 41, 337_000)),
    ("yyyyMMddHHmmss", "20240131123456", datetime.datetime(2024, 1, 31, 12, 34, 56)),
    ("EEE, d MMMM yy", "Wed, 9 February 22", datetime.datetime(2022, 2, 9)),
    ("yyyy DDD", "2024 060", datetime.datetime(2024, 2, 29)),
    ("HH:mm X", "12:00 +02:00", datetime.datetime(1970, 1, 1, 10)),
]


@pytest.mark.parametrize(("pattern", "text", "moment"), TIMES)
def test_times_are_read_by_their_pattern(pattern, text, moment):
    assert parser(pattern)(text) == moment


def test_times_are_written_by_their_pattern():
    moment = datetime.datetime(2024, 1, 31, 0, 4, 5, 6000)
    assert formatter("EEEE d.M.yy hh 'o''clock' a, DDD, mm:s.SSS Z")(moment) == (
        "Wednesday 31.1.24 12 o'clock AM, 031, 04:5.006 +0000"
    )
    assert formatter("HH:mm")(datetime.time(7, 5)) == "07:05"
    assert formatter("MMM yyyy")(datetime.date(2024, 3, 1)) == "Mar 2024"


@pytest.mark.parametrize("pattern", ["yyyy-QQ", "yyyy 'open"])
def test_a_pattern_that_is_none_is_refused(pattern):
    with pytest.raises(ValueError, match=r"unknown letter|open quote"):
        parser(pattern)


def test_a_text_of_another_form_is_told():
    with pytest.raises(ValueError, match="'soon' is not like 'HH:mm'"):
        parser("HH:mm")("soon")
