"""Regular expressions of users: as Python reads them, within their time."""

import time

import pytest

from lakemill.services import regexes
from lakemill.services.regexes import Regex, RegexInvalid


def test_it_finds_what_re_finds():
    assert Regex(r"(?i)err(or)?\s+\d{3}").search("An ERROR 503")
    assert not Regex("a+b").fullmatch("caab")
    assert Regex("A_B.*", ignore_case=True).fullmatch("a_bc")


@pytest.mark.parametrize("expression", ["(", "a{2,1}", "[", "*a", r"(?P<a"])
def test_what_is_none_is_told(expression):
    with pytest.raises(RegexInvalid):
        Regex(expression)


def test_all_texts_together_have_one_second(monkeypatch):
    monkeypatch.setattr(regexes, "SECONDS", 0.2)
    slow = Regex("(a|aa)+$")
    began = time.perf_counter()
    for _ in range(3):
        with pytest.raises(RegexInvalid, match="takes more than"):
            slow.search("a" * 60 + "b")
    assert time.perf_counter() - began < 5
