"""AWS's cron expressions."""

import datetime

import pytest

from lakemill.engines.crawling import Cron, CronInvalid

START = datetime.datetime(2024, 1, 31, 10, 17, 30, tzinfo=datetime.UTC)  # A Wednesday.


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("cron(* * * * ? *)", ["01-31 10:18", "01-31 10:19"]),
        ("cron(0/15 * * * ? *)", ["01-31 10:30", "01-31 10:45", "01-31 11:00"]),
        ("cron(15 12 * * ? *)", ["01-31 12:15", "02-01 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["01-31 18:00", "02-01 18:00", "02-02 18:00", "02-05 18:00"]),
        ("cron(0 8 1 * ? *)", ["02-01 08:00", "03-01 08:00"]),
        ("cron(0 0 L * ? *)", ["02-29 00:00", "03-31 00:00"]),
        ("cron(0 0 ? * 6L *)", ["02-23 00:00", "03-29 00:00"]),
        ("cron(0 0 ? * 2#1 *)", ["02-05 00:00", "03-04 00:00"]),
        ("cron(0 0 3W * ? *)", ["02-02 00:00", "03-04 00:00"]),
        ("cron(0 0 LW * ? *)", ["02-29 00:00", "03-29 00:00"]),
        ("cron(5,10 1-3/2 1 JAN,MAR ? 2024-2025)", ["03-01 01:05", "03-01 01:10", "03-01 03:05"]),
        ("cron(0 0 ? * 1 *)", ["02-04 00:00"]),
        ("cron(0 0 31 * ? *)", ["03-31 00:00"]),
    ],
)
def test_the_times_that_follow(text, following):
    cron, moment = Cron(text), START
    for expected in following:
        moment = cron.after(moment)
        assert f"{moment:%m-%d %H:%M}" == expected


def test_what_never_comes_again():
    assert Cron("cron(0 0 1 1 ? 2023)").after(START) is None
    assert Cron("cron(0 0 30 2 ? *)").after(START) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rate(5 minutes)",
        "cron(0 0 * * *)",
        "cron(0 0 * * * *)",
        "cron(0 0 ? * ? *)",
        "cron(60 0 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 0 * ? *)",
        "cron(0 0 * 13 ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 * * ? 1969)",
        "cron(5-1 0 * * ? *)",
        "cron(0/0 0 * * ? *)",
        "cron(a 0 * * ? *)",
        "cron(0 0 ? * MON#6 *)",
    ],
)
def test_what_is_no_expression(text):
    with pytest.raises(CronInvalid):
        Cron(text)
