"""Wild cards: right, and quick even where somebody means harm."""

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.engines.identity.patterns import ArnPattern, Text, glob, regex


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_globs_match_what_globs_match(pattern, text):
    assert bool(regex(glob(pattern)).fullmatch(text)) is bool(re.fullmatch(fnmatch.translate(pattern), text, re.DOTALL))


@given(st.text("a.[(\\^$|+{-]\n", max_size=10))
def test_everything_else_is_literal(text):
    assert regex(glob(text)).fullmatch(text)


@pytest.mark.parametrize("pattern", ["*a" * 30 + "b", "a*" * 30 + "b", "*?" * 30 + "b", "*" * 40 + "b"])
def test_many_stars_do_not_take_for_ever(pattern):
    began = time.perf_counter()
    assert not regex(glob(pattern)).fullmatch("a" * 2000)
    assert not ArnPattern(f"arn:aws:s3:::{pattern}", variables=True).matches("arn:aws:s3:::" + "a" * 2000, {})
    assert time.perf_counter() - began < 10


def test_many_stars_around_variables_do_not_take_for_ever():
    text = Text("*${x}" * 30 + "b", variables=True)
    began = time.perf_counter()
    assert not regex(text.expression({"x": ("a",)})).fullmatch("a" * 2000)
    assert time.perf_counter() - began < 10
