import io

import numpy as np
import pytest
import scipy.sparse
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from lakemill.formats import libsvm
from lakemill.formats.errors import FormatError
from tests.unit.formats.conftest import cases


@pytest.mark.parametrize("case", cases("libsvm"))
def test_text_is_read_or_refused_naming_the_place(case, either_code):
    options = {name: case[name] for name in ("labels", "dimension", "one_based") if name in case}
    if "error" in case:
        with pytest.raises(FormatError) as caught:
            libsvm.decode(case["text"].encode(), **options)
        assert str(caught.value) == case["error"]
        return
    block = libsvm.decode(case["text"].encode(), **options)
    assert block.features.dtype == np.float32 and block.features.has_sorted_indices
    assert len(block) == len(case["rows"])
    if case["rows"]:
        assert np.array_equal(block.dense(), np.float32(case["rows"]), equal_nan=True)
    for name, found in (("label", block.labels), ("weights", block.weights), ("groups", block.groups)):
        assert (found.tolist() if name in case else found) == case.get(name)


@pytest.fixture(scope="module")
def data():
    features = scipy.sparse.random(400, 60, 0.2, "csr", np.float64, random_state=1)
    return features, np.random.default_rng(1).integers(0, 2, 400)


@pytest.mark.parametrize("zero_based", [True, False])
def test_the_matrix_is_scikit_learns(data, zero_based, either_code):
    out = io.BytesIO()
    dump_svmlight_file(*data, out, zero_based=zero_based, comment="made by scikit-learn")
    features, labels = load_svmlight_file(io.BytesIO(out.getvalue()), dtype=np.float32, zero_based="auto")
    block = libsvm.decode(out.getvalue(), one_based=None)
    assert (block.features != features).nnz == 0
    assert np.array_equal(block.labels, labels)


def test_the_matrix_is_xgboosts(data, tmp_path, either_code):
    text = libsvm.encode(*data, weights=np.arange(1, 401))
    (tmp_path / "data").write_bytes(text)
    theirs = xgboost.DMatrix(f"{tmp_path / 'data'}?format=libsvm")
    block = libsvm.decode(text)
    features = theirs.get_data()
    assert block.features.shape == features.shape
    assert (block.features != features).nnz == 0
    assert np.array_equal(block.labels, theirs.get_label())
    assert np.array_equal(block.weights, theirs.get_weight())


@given(
    arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.floats(width=32, allow_nan=False))
)
@settings(max_examples=60)
def test_what_is_written_comes_back(features):
    block = libsvm.decode(libsvm.encode(features, features[:, 0]), dimension=features.shape[1])
    assert np.array_equal(block.dense(), features)
    assert np.array_equal(block.labels, features[:, 0])


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_blocks_have_one_width_and_exactly_the_rows_asked_for(tmp_path, rows, data, monkeypatch):
    monkeypatch.setattr("lakemill.formats.streams.Pieces.__init__.__defaults__", (900,))
    paths = []
    for number, part in enumerate([slice(0, 3), slice(3, 300), slice(300, 400)]):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(libsvm.encode(data[0][part], data[1][part]))
    found = list(libsvm.iter_blocks(paths, rows))
    assert [len(one) for one in found] == [rows] * (400 // rows) + [400 % rows] * (400 % rows > 0)
    assert {one.features.shape[1] for one in found} == {60}
    assert np.allclose(np.concatenate([one.dense() for one in found]), data[0].toarray().astype(np.float32))
    assert np.array_equal(np.concatenate([one.labels for one in found]), data[1])


def test_streams_are_read_twice_to_find_the_width():
    (block,) = libsvm.iter_blocks([io.BytesIO(b"1 0:1\n"), io.BytesIO(b"0 4:2\n")], 5)
    assert block.features.shape == (2, 5)


def test_an_error_names_the_file_and_the_line(tmp_path, monkeypatch, either_code):
    monkeypatch.setattr("lakemill.formats.streams.Pieces.__init__.__defaults__", (64,))
    (tmp_path / "x.libsvm").write_bytes(b"1 0:1\n" * 500 + b"1 0:y\n")
    with pytest.raises(FormatError, match=r"^x.libsvm: line 501: '0:y' does not"):
        list(libsvm.iter_blocks([tmp_path / "x.libsvm"], 10))


def test_labels_and_weights_must_fit_when_written():
    with pytest.raises(ValueError, match="got 2 for 1"):
        libsvm.encode(np.ones((1, 1)), np.ones(2))
    with pytest.raises(ValueError, match="there are no labels"):
        libsvm.encode(np.ones((1, 1)), weights=np.ones(1))


@pytest.mark.parametrize("token", ["qid:" + "5" * 60, "qid:" + "1" * 5000, "7" * 5000 + ":1", "qid:x"])
def test_numbers_too_long_to_hold_are_refused_with_their_place(token):
    with pytest.raises(FormatError, match="line 2: "):
        libsvm.decode(f"1 qid:1 0:1\n1 {token} 0:1\n".encode())
