import numpy as np
import pytest
import scipy.sparse

from lakemill.formats.block import Block, concatenate
from lakemill.formats.errors import FormatError
from lakemill.formats.streams import rebatch


def block(start, stop, labels=True):
    rows = np.arange(start, stop, dtype=np.float32)
    return Block(np.stack([rows, -rows], axis=1), rows if labels else None, rows + 0.5, rows.astype(np.int64))


def test_dense_and_sparse_blocks_are_joined_sparse():
    joined = concatenate([block(0, 2), Block(scipy.sparse.csr_matrix(block(2, 3).features), *vars_of(block(2, 3)))])
    assert joined.sparse
    assert joined.dense().tolist() == block(0, 3).features.tolist()
    assert joined.groups.tolist() == [0, 1, 2] and joined.weights.tolist() == [0.5, 1.5, 2.5]


def vars_of(one):
    return one.labels, one.weights, one.groups


def test_blocks_that_differ_are_not_joined():
    with pytest.raises(FormatError, match="number of features: 2, 3"):
        concatenate([block(0, 2), Block(np.zeros((1, 3), np.float32))])
    with pytest.raises(FormatError, match="other labels than the rest, or none"):
        concatenate([block(0, 2), block(2, 4, labels=False)])


@pytest.mark.parametrize("rows", range(1, 13))
def test_any_blocks_become_blocks_of_exactly_the_rows_asked_for(rows):
    parts = [block(0, 3), block(3, 3), block(3, 11), block(11, 12)]
    found = list(rebatch(parts, rows))
    assert [len(one) for one in found] == [rows] * (12 // rows) + [12 % rows] * (12 % rows > 0)
    assert np.concatenate([one.labels for one in found]).tolist() == list(range(12))
    assert np.concatenate([one.groups for one in found]).tolist() == list(range(12))


def test_take_selects_everything_alike():
    taken = block(0, 5).take([4, 1])
    assert taken.labels.tolist() == [4, 1] and taken.groups.tolist() == [4, 1]
    assert taken.features[:, 0].tolist() == [4, 1] and taken.weights.tolist() == [4.5, 1.5]
