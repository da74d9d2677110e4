"""Points in time from text."""

import datetime

import pytest

from lakemill.formats import moments


def at(*parts, nanos=0):
    seconds = int(datetime.datetime(*parts, tzinfo=datetime.UTC).timestamp())
    return seconds * 1_000_000_000 + nanos


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-02-07T15:13:01.39256Z", at(2017, 2, 7, 15, 13, 1, nanos=392_560_000)),
        ("2017-2-7 15:13:01.123456789", at(2017, 2, 7, 15, 13, 1, nanos=123_456_789)),
        ("2017-02-07T15:13:01+02:30", at(2017, 2, 7, 12, 43, 1)),
        ("2017-02-07T15:13:01-0100", at(2017, 2, 7, 16, 13, 1)),
        ("1969-12-31 23:59:59.5", -500_000_000),
        ("2017-02-29 00:00:00", None),
        ("2017-02-07", None),
        ("2017-02-07 24:00:00", None),
        ("2017-02-07 00:00:00.1234567890", None),
        ("2017-02-07 00:00:00 ", None),
        ("２017-02-07 00:00:00", None),
    ],
)
def test_iso_8601_is_read(text, expected):
    assert moments.iso(text) == expected


def test_sql_takes_neither_t_nor_zone():
    assert moments.sql("2017-2-7 15:13:01.5") == at(2017, 2, 7, 15, 13, 1, nanos=500_000_000)
    assert moments.sql("2017-02-07T15:13:01") is None
    assert moments.sql("2017-02-07 15:13:01Z") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1518033528", 1518033528 * 10**9),
        ("1518033528123", 1518033528123 * 10**6),
        ("1518033528.123", 1518033528123 * 10**6),
        ("-1.5", -1_500_000_000),
        ("1e3", 1000 * 10**9),
        ("abc", None),
        ("NaN", None),
        ("1_0.5", None),
    ],
)
def test_seconds_and_milliseconds_are_told_apart_by_their_length(text, expected):
    assert moments.epoch(text) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSZ", "2020-01-02T03:04:05.678+0100", at(2020, 1, 2, 2, 4, 5, nanos=678_000_000)),
        ("yyyyMMddHHmmss", "20200102030405", at(2020, 1, 2, 3, 4, 5)),
        ("dd/MMM/yyyy:HH:mm:ss", "02/Jan/2020:03:04:05", at(2020, 1, 2, 3, 4, 5)),
        ("EEE, d MMMM yyyy h:mm a", "Thu, 2 january 2020 12:05 AM", at(2020, 1, 2, 0, 5)),
        ("M/d/yy K a", "1/2/20 3 PM", at(2020, 1, 2, 15)),
        ("yyyy DDD", "2020 366", at(2020, 12, 31)),
        ("k 'o''clock'", "24 o'clock", 0),
        ("MM-dd", "03-04", at(2000, 3, 4)),
        ("yyyy-MM-dd", "2020-13-01", None),
        ("yyyy-MM-dd", "2020-01-01 ", None),
        ("HH", "24", None),
    ],
)
def test_joda_patterns_are_read(pattern, text, expected):
    assert moments.joda(pattern)(text) == expected


@pytest.mark.parametrize("pattern", ["yyyy w", "G", "ZZZ", "zzzz", "yyyy 'open"])
def test_patterns_with_other_letters_are_refused(pattern):
    with pytest.raises(moments.PatternRefused):
        moments.joda(pattern)


def test_millis_drop_what_stands_behind_the_point():
    assert moments.millis("1420509274123.9") == 1420509274123 * 10**6
    assert moments.millis("x") is None
