"""Compiled loops beside plain ones."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.matching import candidates, kernels, tokens
from lakemill.matching.candidates import Effort, pairs, record_bags, unique
from lakemill.matching.columns import prepare
from tests.unit.matching.people import people


def compare(kernel, a, b):
    text = tokens.text_of(pa.array([a, b]))
    out = np.full(1, np.nan, np.float32)
    kernel(text.points, text.offsets, np.array([0], np.int32), np.array([1], np.int32), out)
    return float(out[0])


@pytest.mark.parametrize("a,b,expected", [
    ("martha", "marhta", 0.9611), ("dwayne", "duane", 0.84), ("dixon", "dicksonx", 0.8133),
    ("ab", "cd", 0.0), ("żółw", "żółw", 1.0), ("王小", "王大", 0.7), ("a", "ab", 0.85),
])  # fmt: skip
def test_jaro_winkler_of_published_examples(a, b, expected):
    assert compare(kernels.jaro_winkler, a, b) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("a,b,expected", [
    ("abcd", "abdc", 0.75), ("1234", "134", 0.75), ("kitten", "sitting", 1 - 3 / 7), ("a", "b", 0.0),
    ("ca", "abc", 0.0),
])  # fmt: skip
def test_edit_similarity_counts_swaps_once(a, b, expected):
    assert compare(kernels.edits, a, b) == pytest.approx(expected, abs=1e-6)


letters = st.text("abcé王", min_size=1, max_size=8)


@given(letters, letters)
def test_measures_are_symmetric_and_between_0_and_1(a, b):
    for kernel in (kernels.jaro_winkler, kernels.edits):
        one, other = compare(kernel, a, b), compare(kernel, b, a)
        assert one == pytest.approx(other, abs=1e-6)
        assert 0 <= one <= 1
        assert (one == 1) == (a == b)


def test_long_texts_are_compared_by_their_beginning():
    assert compare(kernels.edits, "x" * 100, "x" * 200) == 1
    assert compare(kernels.jaro_winkler, "ab" * 50, "ab" * 70) == pytest.approx(1)


def matrix(bag):
    made = np.zeros((len(bag), bag.vocabulary))
    for row in range(len(bag)):
        span = slice(bag.offsets[row], bag.offsets[row + 1])
        made[row, bag.tokens[span]] = bag.weights[span]
    return made


@pytest.fixture(scope="module")
def columns():
    table, _ = people(150, 60)
    return [prepare(name, table[name]) for name in table.column_names[1:]]


def test_bags_have_unit_length_and_begin_with_what_is_rare(columns):
    bag = record_bags(columns)
    assert np.allclose(np.linalg.norm(matrix(bag), axis=1), 1, atol=1e-5)
    frequency = np.bincount(bag.tokens, minlength=bag.vocabulary)
    assert (np.diff(frequency) >= 0).all()
    assert all((np.diff(bag.tokens[a:b]) > 0).all() for a, b in zip(bag.offsets[:-1], bag.offsets[1:], strict=True))


def test_bags_made_in_blocks_are_the_same(columns, monkeypatch):
    whole = record_bags(columns)
    monkeypatch.setattr(candidates, "BLOCK", 32)
    for one, other in zip(whole, record_bags(columns), strict=True):
        assert np.array_equal(one, other)


def test_cosines_are_scalar_products(columns):
    bag = record_bags(columns)
    left, right = (one.astype(np.int32) for one in np.triu_indices(len(bag), 1))
    out = np.zeros(len(left), np.float32)
    kernels.cosines(bag.offsets, bag.tokens, bag.weights, left, right, out)
    assert np.allclose(out, (matrix(bag) @ matrix(bag).T)[left, right], atol=1e-5)


def test_the_search_finds_what_comparing_all_pairs_finds(columns):
    bag = record_bags(columns)
    near = (np.triu(matrix(bag) @ matrix(bag).T, 1) > 0.2).nonzero()
    found = pairs([columns[0]], bag, Effort(10**9, 0.2, 0, 1000, 1, 0))
    assert set(zip(*(one.tolist() for one in found), strict=True)) == set(
        zip(*(one.tolist() for one in near), strict=True)
    )


def test_the_nearest_are_candidates_in_any_case(columns):
    bag = record_bags(columns)
    cosine = matrix(bag) @ matrix(bag).T
    np.fill_diagonal(cosine, -1)
    found = pairs([columns[0]], bag, Effort(10**9, 1.1, 1, 1000, 1, 0))
    best = unique(np.arange(len(bag)), cosine.argmax(axis=1), len(bag))
    assert [one.tolist() for one in found] == [one.tolist() for one in best]


def test_no_record_gets_more_candidates_than_asked_for(columns):
    bag = record_bags(columns)
    left, _ = pairs([columns[0]], bag, Effort(10**9, 0.0001, 0, 7, 1, 0), queries=np.array([3]))
    assert 0 < len(left) <= 7


def test_only_pairs_with_a_record_asked_about_are_found(columns):
    bag = record_bags(columns)
    whole = pairs(columns, bag, Effort.of(0.5))
    queries = np.arange(100, len(bag))
    left, right = pairs(columns, bag, Effort.of(0.5), queries)
    assert (right >= 100).all()
    assert set(zip(left.tolist(), right.tolist(), strict=True)) <= set(
        zip(whole[0].tolist(), whole[1].tolist(), strict=True)
    )
    assert len(left) > 0.5 * (whole[1] >= 100).sum()


def test_records_that_agree_in_a_column_are_candidates():
    column = prepare("code", pa.array(["a1", "b2", "a1", None, None, "c3", "c3", "c3", "a1"]))
    bag = record_bags([column])
    left, right = pairs([column], bag, Effort(0, 2.0, 0, 10, 3, 0))
    assert {(0, 2), (0, 8), (2, 8), (5, 6), (5, 7), (6, 7)} <= set(zip(left.tolist(), right.tolist(), strict=True))
    assert not {3, 4} & {*left.tolist(), *right.tolist()}
