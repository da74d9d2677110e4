"""What is learned, with labels and without, is what the data were made with."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from lakemill.matching import evaluation, linking
from lakemill.matching.comparisons import Compared
from lakemill.matching.fellegi_sunter import FellegiSunter
from lakemill.matching.matcher import Matcher

M = np.array([[0.05, 0.05, 0.1, 0.8], [0.1, 0.1, 0.2, 0.6], [0.02, 0.08, 0.2, 0.7], [0.1, 0.2, 0.3, 0.4]])
U = np.array([[0.7, 0.2, 0.08, 0.02], [0.6, 0.2, 0.1, 0.1], [0.9, 0.05, 0.04, 0.01], [0.5, 0.3, 0.1, 0.1]])


def compared(match, random, missing=0.1):
    levels = np.empty((len(match), len(M)), np.int8)
    for column, (m, u) in enumerate(zip(M, U, strict=True)):
        levels[:, column] = np.where(match, random.choice(4, len(match), p=m), random.choice(4, len(match), p=u))
    levels[random.random(levels.shape) < missing] = -1
    nothing = np.full((len(match), 2 * len(M) + 1), np.nan, np.float32)
    return Compared(nothing, levels, np.full(levels.shape, np.nan, np.float32))


def test_expectation_maximisation_finds_the_probabilities_of_agreement():
    random = np.random.default_rng(0)
    match = random.random(30_000) < 0.2
    found = FellegiSunter.fit(compared(match, random), compared(np.zeros(5000, bool), random), 300_000)
    assert found.m == pytest.approx(M, abs=0.05)
    assert found.u == pytest.approx(U, abs=0.02)
    assert found.share * 300_000 == pytest.approx(match.sum(), rel=0.05)


def test_missing_values_say_nothing():
    random = np.random.default_rng(0)
    model = FellegiSunter.fit(
        compared(random.random(5000) < 0.2, random), compared(np.zeros(500, bool), random), 50_000
    )
    nothing = compared(np.zeros(3, bool), random, missing=1.0)
    assert model.log_odds(nothing) == pytest.approx(np.log(model.share / (1 - model.share)))


def test_agreement_on_a_rare_value_weighs_more():
    random = np.random.default_rng(0)
    model = FellegiSunter.fit(
        compared(random.random(5000) < 0.2, random), compared(np.zeros(500, bool), random), 50_000
    )
    model.chance[:] = -3
    same = compared(np.ones(2, bool), random, missing=1.0)
    same.levels[:, 0], same.rarity[:, 0] = 3, [-1, -6]
    common, rare = model.log_odds(same)
    assert rare > common


@pytest.mark.parametrize("size", [60, 600, 6000])
def test_probabilities_are_calibrated(size):
    random = np.random.default_rng(1)
    measures = random.normal(size=(size + 4000, 5)).astype(np.float32)
    odds = 2.0 * measures[:, 0] - 1
    truth = odds + 1.5 * np.sign(measures[:, 1])
    match = random.random(len(truth)) < 1 / (1 + np.exp(-truth))
    model = Matcher.fit(measures[:size], 3 * odds[:size], match[:size], np.arange(size), seed=0)
    said = model.probability(measures[size:], 3 * odds[size:])
    for low, high in ((0, 0.2), (0.2, 0.8), (0.8, 1.01)):
        part = (said >= low) & (said < high)
        assert said[part].mean() == pytest.approx(match[size:][part].mean(), abs=0.12)
    assert len(model.held_out) == size
    if size >= 600:  # More than the odds alone can tell was learned.
        assert model.rounds > 0
        assert average_precision_score(match[size:], said) > average_precision_score(match[size:], odds[size:]) + 0.02


@pytest.mark.parametrize("match", [[True], [False], [True, True, True], [False] * 5, [True, False]])
def test_a_handful_of_labels_leaves_the_odds_their_order(match):
    odds = np.linspace(-9, 9, len(match))
    model = Matcher.fit(np.zeros((len(match), 2), np.float32), odds, np.array(match), np.arange(len(match)), seed=0)
    said = model.probability(np.zeros((5, 2), np.float32), np.array([-20.0, -5, 0, 5, 20]))
    assert (np.diff(said) >= 0).all()
    assert said[0] < 0.3 and said[-1] > 0.7


def test_the_area_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    match, said = random.random(500) < 0.3, np.round(random.random(500), 1)
    assert evaluation.average_precision(match, said) == pytest.approx(average_precision_score(match, said))
    assert evaluation.average_precision(np.zeros(3, bool), np.ones(3)) == 0


def test_known_entities_never_join_and_new_records_may():
    left, right = np.array([0, 1, 3, 2]), np.array([3, 3, 4, 5])
    ids = linking.link(np.array([10, 20, 30]), 3, left, right, np.array([0.9, 0.8, 0.95, 0.1]), 0.5)
    assert ids.tolist() == [31, 31, 32]  # The two new ones are nearer to each other; one was not compared with 10.
    every = np.append(left, 0), np.append(right, 4), np.array([0.9, 0.8, 0.95, 0.1, 0.7])
    assert linking.link(np.array([10, 20, 30]), 3, *every, 0.5).tolist() == [10, 10, 31]


def test_a_new_record_joins_an_entity_by_the_mean_over_what_was_compared():
    known = np.array([5, 5, 7])
    ids = linking.link(known, 2, np.array([0, 1, 2, 0]), np.array([3, 3, 3, 4]), np.array([0.9, 0.7, 0.2, 0.4]), 0.5)
    assert ids.tolist() == [5, 8]


def test_a_forced_pair_decides_about_a_new_record_and_an_entity():
    known, left, right = np.array([5, 5, 7]), np.array([0, 1, 2]), np.array([3, 3, 3])
    chance = np.array([0.1, 0.1, 0.9])
    assert linking.link(known, 1, left, right, chance, 0.5, np.array([1, 0, 0], np.int8)).tolist() == [5]
    assert linking.link(known, 1, left, right, chance, 0.5, np.array([0, 0, -1], np.int8)).tolist() == [8]
