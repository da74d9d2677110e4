"""Streams: the same scores in whatever blocks, shingles, decay, explanations."""

import itertools
import pickle

import numpy as np
import pytest

from lakemill.algorithms.randomcutforest import RandomCutStream


@pytest.fixture
def load():
    """1,200 hours of a daily wave with a little noise; hours 1000 to 1011 are flat."""
    series = np.sin(np.arange(1200) * 2 * np.pi / 24) + np.random.default_rng(0).normal(0, 0.02, 1200)
    series[1000:1012] = series[1000]
    return series


def split(series, sizes):
    bounds = np.cumsum([0, *sizes])
    return [series[a:b] for a, b in itertools.pairwise(bounds)]


def test_scores_do_not_depend_on_blocks_or_threads(load):
    def scored(sizes, n_jobs):
        stream = RandomCutStream(1, 30, 64, shingle_size=8, n_jobs=n_jobs)
        return np.concatenate([stream.process(part) for part in split(load, sizes)])

    whole = scored([1200], 1)
    np.testing.assert_array_equal(whole, scored([1, 3, 5, 591, 600], 1))
    np.testing.assert_array_equal(whole, scored([1200], 2))


def test_an_unusual_day_stands_out_with_shingles(load):
    scores = RandomCutStream(1, shingle_size=24).process(load)
    assert 1000 <= scores.argmax() < 1036
    assert scores[1000:1036].max() > 1.2 * scores[300:1000].max()


def test_records_without_a_score_have_zero(load):
    scores = RandomCutStream(1, 20, 64, shingle_size=5).process(load)
    assert np.flatnonzero(scores)[0] == 4 + 64 // 4  # The first shingle, and a quarter of a sample.
    scores = RandomCutStream(1, 20, 64, output_after=100).process(load)
    assert np.flatnonzero(scores)[0] == 100


def test_shorter_blocks_than_a_shingle_are_joined(load):
    stream = RandomCutStream(1, 20, 32, shingle_size=10)
    assert stream.process(load[:4]).tolist() == [0] * 4
    assert stream.process(load[4:4]).tolist() == []
    assert stream.update(load[4:9]).forest.seen == 0
    assert stream.update(load[9:11]).forest.seen == 2


def test_score_learns_nothing_and_sees_the_records_before(load):
    stream = RandomCutStream(1, 20, 64, shingle_size=8)
    stream.process(load[:600])
    before = stream.forest.trees.rows.copy()
    first = stream.score(load[600:700])
    np.testing.assert_array_equal(first, stream.score(load[600:700]))
    np.testing.assert_array_equal(before, stream.forest.trees.rows)
    assert (first > 0).all()
    assert first[0] == stream.process(load[600:601])[0]


def test_update_and_process_learn_the_same_kind_of_forest(load):
    one, other = (RandomCutStream(1, 200, 64, shingle_size=8, seed=seed) for seed in (0, 1))
    one.process(load[:900])
    other.update(load[:900])
    np.testing.assert_allclose(one.score(load[900:]), other.score(load[900:]), rtol=0.12)
    assert one.score(load[900:]).mean() == pytest.approx(other.score(load[900:]).mean(), rel=0.015)


def test_a_new_level_becomes_usual_after_the_time_decay():
    random = np.random.default_rng(0)
    series = np.concatenate([random.normal(0, 1, 3000), random.normal(20, 1, 3000)])
    fading, lasting = RandomCutStream(1, time_decay=300), RandomCutStream(1, time_decay=None)
    for stream in (fading, lasting):
        stream.update(series[:3000])
        stream.update(series[3000:])
    assert fading.score([[0.0]])[0] > 2 * lasting.score([[0.0]])[0]


def test_explanations_add_up_and_point_at_the_column_and_side():
    random = np.random.default_rng(0)
    series = random.normal(size=(1000, 3))
    series[900, 1], series[950, 2] = 12, -12
    scores = RandomCutStream(3, shingle_size=2).process(series)
    told = RandomCutStream(3, shingle_size=2).explain(series)
    np.testing.assert_allclose(told.scores, scores, rtol=1e-6)
    np.testing.assert_allclose(told.by_column.sum(axis=1), told.scores, rtol=1e-9)
    assert told.by_column[900].argmax() == 1 and told.high[900, 1] > 0.7 * told.scores[900] > told.low[900, 1]
    assert told.by_column[950].argmax() == 2 and told.low[950, 2] > 0.7 * told.scores[950] > told.high[950, 2]


def test_attribution_of_what_does_not_come_yet():
    stream = RandomCutStream(2)
    assert stream.attribution(np.zeros((3, 2))).scores.tolist() == [0, 0, 0]
    stream.update(np.random.default_rng(0).normal(size=(300, 2)))
    told = stream.attribution([[0.0, 9.0]])
    np.testing.assert_allclose(told.scores, stream.score([[0.0, 9.0]]))
    assert told.high[0].argmax() == 1


def test_a_stream_goes_on_from_a_pickle(load):
    stream = RandomCutStream(1, 20, 64, shingle_size=8)
    stream.process(load[:600])
    again = pickle.loads(pickle.dumps(stream))
    np.testing.assert_array_equal(stream.process(load[600:]), again.process(load[600:]))


def test_equal_records_score_low_and_a_different_one_high():
    stream = RandomCutStream(1)
    assert (stream.process(np.ones(500))[300:] < 0.7).all()
    assert stream.process([2.0])[0] > 4  # Cut off at the root with certainty: about log2(257) / 1.


def test_extreme_numbers_are_scored():
    stream = RandomCutStream(1)
    stream.update(np.random.default_rng(0).normal(size=300))
    assert np.isfinite(stream.process([3e38, -3e38, 1e-45, 0.0])).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"columns": 0}, "columns must be at least 1; got 0"),
        ({"columns": 1, "n_trees": 0}, "n_trees must be at least 1"),
        ({"columns": 1, "time_decay": 0}, "time_decay must be a positive number of records or None; got 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        RandomCutStream(**settings)


def test_records_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r"shape \(n, 2\); got \(4, 3\)"):
        RandomCutStream(2).process(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        RandomCutStream(1).process([1.0, np.nan])
