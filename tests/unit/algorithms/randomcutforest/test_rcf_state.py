"""A stream's state as arrays: kept and gone on from."""

import numpy as np
import pytest

from lakemill.algorithms.randomcutforest import RandomCutStream

LOAD = np.sin(np.arange(900) / 4) + np.random.default_rng(0).normal(0, 0.1, 900)


def stream(**options):
    return RandomCutStream(1, 20, 32, 500, **{"shingle_size": 3, **options})


@pytest.mark.parametrize("after", [0, 1, 2, 20, 500])
def test_a_restored_stream_goes_on_as_if_nothing_had_happened(after):
    one = stream()
    one.process(LOAD[:after])
    other = stream().restore(one.arrays())
    np.testing.assert_array_equal(other.process(LOAD[after:]), one.process(LOAD[after:]))
    np.testing.assert_array_equal(one.explain(LOAD[:50]).high, other.explain(LOAD[:50]).high)


def test_what_was_kept_does_not_change_when_the_stream_goes_on():
    one = stream()
    one.process(LOAD[:300])
    kept = one.arrays()
    one.process(LOAD[300:])
    np.testing.assert_array_equal(stream().restore(kept).process(LOAD[300:400]), stream_after(300)[:100])


def stream_after(count):
    one = stream()
    one.process(LOAD[:count])
    return one.process(LOAD[count:])


def test_arrays_of_another_forest_are_refused():
    with pytest.raises(ValueError, match="must have the shape"):
        stream(shingle_size=2).restore(stream().arrays())
