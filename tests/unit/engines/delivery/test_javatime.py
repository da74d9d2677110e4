"""Patterns of Java's DateTimeFormatter; expected texts are java.time's, in English."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from lakemill.engines.delivery.javatime import JavaPattern, PatternInvalid

UTC = datetime.datetime(2026, 3, 9, 0, 5, 7, 123456, tzinfo=datetime.UTC)
NEW_YORK = datetime.datetime(2026, 12, 9, 14, 5, 7, 123456, tzinfo=ZoneInfo("America/New_York"))
KOLKATA = datetime.datetime(2026, 12, 9, 14, 5, 7, tzinfo=ZoneInfo("Asia/Kolkata"))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy/MM/dd/HH", "2026/03/09/00"),
        ("yy y uuuuu", "26 2026 02026"),
        ("M MM MMM MMMM MMMMM L LLL", "3 03 Mar March M 3 Mar"),
        ("d dd D DDD", "9 09 68 068"),
        ("Q QQ QQQ QQQQ", "1 01 Q1 1st quarter"),
        ("E EEE EEEE EEEEE", "Mon Mon Monday M"),
        ("a h hh K k kk", "AM 12 12 0 24 24"),
        ("H m mm s ss", "0 5 05 7 07"),
        ("S SSS SSSSSSSSS n A N", "1 123 123456000 123456000 307123 307123456000"),
        ("G GGGG", "AD Anno Domini"),
        ("VV O OOOO X XX XXX x xx Z ZZZZ ZZZZZ", "UTC GMT GMT Z Z Z +00 +0000 +0000 GMT Z"),
        ("'year='yyyy", "year=2026"),
        ("'it''s' ''yy''", "it's '26'"),
        ("'T'", "T"),
        ("", ""),
    ],
)
def test_a_moment_is_written_as_java_writes_it(pattern, text):
    assert JavaPattern(pattern).text(UTC) == text


def test_afternoons_and_offsets_of_a_zone():
    text = JavaPattern("a h K k|VV|O OOOO|X XX XXX|x|Z ZZZZ ZZZZZ").text(NEW_YORK)
    assert text == "PM 2 2 14|America/New_York|GMT-5 GMT-05:00|-05 -0500 -05:00|-05|-0500 GMT-05:00 -05:00"


def test_offsets_with_minutes():
    assert JavaPattern("O X XX XXX x").text(KOLKATA) == "GMT+5:30 +0530 +0530 +05:30 +0530"


@pytest.mark.parametrize(
    "pattern",
    ["Y", "w", "W", "e", "c", "z", "v", "B", "p", "b", "ddd", "HHH", "aa", "VV V", "[yyyy]", "{", "#", "'open"],
)
def test_what_is_wrong_or_depends_on_a_country_is_refused(pattern):
    with pytest.raises(PatternInvalid):
        JavaPattern(pattern)
