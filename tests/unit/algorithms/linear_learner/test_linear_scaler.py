"""Scaling, and its way back into the weights."""

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.linear_learner.data import MemoryData, StreamData
from lakemill.algorithms.linear_learner.scaler import Scaler, moments


def test_moments_are_numpys():
    x = np.random.default_rng(0).normal(size=(5000, 3)) * [1, 100, 1e-3] + [0, 5, 1]
    mean, std = moments(x)
    np.testing.assert_allclose(mean, x.mean(axis=0))
    np.testing.assert_allclose(std, x.std(axis=0))
    sparse_mean, sparse_std = moments(sp.csr_matrix(x))
    np.testing.assert_allclose(sparse_mean, mean)
    np.testing.assert_allclose(sparse_std, std)


def test_weights_count_like_repetitions():
    x = np.random.default_rng(0).normal(size=(4, 2))
    times = np.array([1, 2, 3, 1])
    for form in (np.asarray, sp.csr_matrix):
        weighted, repeated = moments(form(x), times.astype(float)), moments(form(np.repeat(x, times, axis=0)))
        np.testing.assert_allclose(weighted, repeated)


@pytest.mark.parametrize("value", [0.0, 1.0, 2013.1, 1e7])
def test_a_constant_column_keeps_scale_one(value):
    x = np.full((3000, 1), value, np.float32)
    assert moments(x)[1].tolist() == [1.0]
    assert Scaler.fit(x, np.ones(3000)).features(x).max() == pytest.approx(0, abs=1e-6 * max(value, 1))


def test_a_small_spread_on_a_large_mean_survives_single_precision():
    x = (1e4 + np.random.default_rng(0).normal(size=(10_000, 1))).astype(np.float32)
    assert moments(x)[1][0] == pytest.approx(x.astype(np.float64).std(), rel=1e-4)


def test_sparse_features_are_scaled_but_not_shifted():
    x = sp.random(200, 6, density=0.3, format="csr", random_state=0, dtype=np.float32)
    scaler = Scaler.fit(x, np.zeros(200), unbias_data=False)
    scaled = scaler.features(x)
    assert sp.issparse(scaled) and scaled.nnz == x.nnz
    np.testing.assert_allclose(scaled.toarray(), x.toarray() / scaler.scale, rtol=1e-6)


def test_folded_weights_predict_from_raw_features_in_the_labels_unit():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 3)) * [1, 10, 100] + 5, rng.normal(size=100) * 7 + 3
    scaler = Scaler.fit(x, y, normalize_label=True, unbias_label=True)
    weights = rng.normal(size=(4, 2))
    raw, bias = scaler.fold(weights)
    wanted = (scaler.features(x) @ weights[:-1] + weights[-1]) * scaler.label_std + scaler.label_mean
    np.testing.assert_allclose(x @ raw + bias, wanted)
    np.testing.assert_allclose(scaler.unfold(raw, bias), weights)


def test_labels_are_shifted_and_divided():
    y = np.array([1.0, 2.0, 3.0])
    scaler = Scaler.fit(np.ones((3, 1)), y, normalize_label=True, unbias_label=True)
    np.testing.assert_allclose(scaler.targets(y), [-(1.5**0.5), 0, 1.5**0.5])


def test_chunks_and_batches_hold_every_record_once():
    data = MemoryData(np.arange(3000.0)[:, None], np.arange(3000.0))
    for pieces in (data.chunks(), data.batches(70), data.batches(70, np.random.default_rng(0))):
        targets = np.concatenate([piece.targets for piece in pieces])
        assert sorted(targets) == list(range(3000))


def test_a_split_keeps_every_record_on_one_side():
    kept, out = MemoryData(np.arange(50.0)[:, None], np.arange(50.0)).split(0.1, seed=3)
    assert len(out.targets) == 5
    assert sorted([*kept.targets, *out.targets]) == list(range(50))


def test_a_stream_gives_the_scaled_records_again_and_again():
    x, y = np.arange(10.0).reshape(5, 2), np.arange(5.0)
    scaler = Scaler.fit(x, y)
    parts = [(x[:3], y[:3]), (x[3:], y[3:])]
    stream = StreamData(lambda rows, skip: iter(parts[skip:]), scaler, MemoryData(scaler.features(x), y))
    for _ in range(2):
        found = np.concatenate([chunk.features for chunk in stream.chunks()])
        np.testing.assert_allclose(found, scaler.features(x))
    np.testing.assert_allclose(next(stream.chunks(1)).features, scaler.features(x)[3:])
