"""The estimator's quality beside scikit-learn's, and the states' algebra."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.decomposition import PCA as ReferencePCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from lakemill.algorithms.pca import PCA
from lakemill.algorithms.pca.sketch import drawn
from lakemill.algorithms.pca.states import Moments, project


def residual(model, held):
    centred = held - model.mean_
    return 1 - np.square(centred @ model.components_.T).sum() / np.square(centred).sum()


@pytest.fixture(scope="module")
def reference(fashion):
    return ReferencePCA(50, svd_solver="covariance_eigh").fit(fashion[0].astype(float))


def test_the_regular_mode_leaves_what_the_covariances_eigenvectors_leave(fashion, reference):
    ours = PCA(50).fit(fashion[0])
    assert residual(ours, fashion[1]) == pytest.approx(residual(reference, fashion[1]), rel=1e-4)
    np.testing.assert_allclose(ours.singular_values_, reference.singular_values_, rtol=1e-4)
    np.testing.assert_allclose(ours.explained_variance_, reference.explained_variance_, rtol=1e-4)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_randomized_mode_leaves_little_more(fashion, reference, seed):
    ours = PCA(50, mode="randomized", random_state=seed).fit(fashion[0])
    assert residual(ours, fashion[1]) <= 1.002 * residual(reference, fashion[1])
    np.testing.assert_allclose(ours.singular_values_, reference.singular_values_, rtol=0.01)


def test_one_pass_in_randomized_mode_leaves_a_little_more(fashion, reference):
    ours = PCA(50, mode="randomized", random_state=0)
    for start in range(0, 8000, 2000):
        ours.partial_fit(fashion[0][start : start + 2000])
    assert residual(ours, fashion[1]) <= 1.015 * residual(reference, fashion[1])


def test_components_are_found_below_a_heavy_tail_of_sparse_noise():
    random = np.random.default_rng(0)
    records, features, topics = 1500, 8000, 3
    words = [random.permutation(features)[:100] for _ in range(topics)]
    topic = random.choice(topics, records, p=[0.5, 0.3, 0.2])
    columns = np.column_stack([[random.choice(words[one], 20) for one in topic],
                               random.integers(0, features, (records, 40))])  # fmt: skip
    x = sp.csr_matrix((np.ones(columns.size), (np.repeat(np.arange(records), 60), columns.ravel())), dtype=np.float32)
    centred = x.toarray() - np.asarray(x.mean(axis=0))
    exact = np.sqrt(np.linalg.eigvalsh(centred @ centred.T)[:-topics:-1])
    found = PCA(topics - 1, mode="randomized", random_state=0).fit(x)
    np.testing.assert_allclose(found.singular_values_, exact, rtol=0.01)


@pytest.mark.parametrize("mode", ["regular", "randomized"])
def test_partial_fit_in_parts_is_partial_fit_at_once(fashion, mode):
    x = fashion[0][:2000, 200:300]
    stream, whole = (PCA(3, mode=mode, random_state=0) for _ in range(2))
    whole.partial_fit(x)
    for start in range(0, 2000, 300):
        stream.partial_fit(x[start : start + 300])
    np.testing.assert_allclose(stream.components_, whole.components_, atol=1e-4)
    np.testing.assert_allclose(stream.singular_values_, whole.singular_values_, rtol=1e-5)
    assert stream.n_samples_seen_ == 2000


def state(kind, features):
    return Moments(features) if kind == "moments" else drawn(features, 3, -1, seed=4, once=True)


@pytest.mark.parametrize("kind", ["moments", "sketch"])
@pytest.mark.parametrize("offset", [0, 1000])
@pytest.mark.parametrize("forms", [(np.asarray, np.asarray), (np.asarray, sp.csr_matrix), (sp.csr_matrix, np.asarray)])
def test_merged_states_are_one_pass(table, kind, offset, forms):
    points = table + np.float32(offset)
    whole, left, right = (state(kind, 8) for _ in range(3))
    whole.update(points)
    left.update(forms[0](points[:200]))
    right.update(forms[1](points[200:]))
    left.merge(right)
    assert left.count == 500
    far = 1 if offset and sp.csr_matrix in forms else 0  # Sparse sums have no shift and lose digits far from 0.
    for subtract_mean in (True, False):
        merged, once = (one.finalise(3, subtract_mean) for one in (left, whole))
        np.testing.assert_allclose(merged.mean, once.mean, rtol=1e-5)
        np.testing.assert_allclose(merged.values, once.values, rtol=0.05 if far else 1e-4)


def test_merging_an_empty_state_changes_nothing(table):
    for kind in ("moments", "sketch"):
        one, empty = state(kind, 8), state(kind, 8)
        one.update(table)
        before = one.finalise(2, True).values
        one.merge(empty)
        np.testing.assert_allclose(one.finalise(2, True).values, before, rtol=1e-6)
        empty.merge(one)
        np.testing.assert_allclose(empty.finalise(2, True).values, before, rtol=1e-6)


def test_states_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match="8 features cannot take in one of 9"):
        Moments(8).merge(Moments(9))
    with pytest.raises(ValueError, match="through the same directions"):
        drawn(8, 2, -1, 0, once=True).merge(drawn(8, 2, -1, 1, once=True))


@pytest.mark.parametrize("mode", ["regular", "randomized"])
def test_data_far_from_zero_keep_their_components(mode):
    random = np.random.default_rng(0)
    points = random.normal(size=(3000, 20)) * np.arange(1, 21) + 1e5
    exact = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)[:5]
    np.testing.assert_allclose(PCA(5, mode=mode, random_state=0).fit(points).singular_values_, exact, rtol=1e-4)


def test_projecting_back_returns_to_the_points(table):
    model = PCA(8).fit(table)
    np.testing.assert_allclose(model.inverse_transform(model.transform(table)), table, atol=1e-3)


def test_project_is_the_same_in_blocks_and_at_once(monkeypatch, table):
    mean, vectors = np.full(8, 3, np.float32), np.eye(8, 2, dtype=np.float32)
    monkeypatch.setattr("lakemill.algorithms.pca.states.STEP_BYTES", 4 * 8 * 7)
    np.testing.assert_array_equal(project(table, mean, vectors), table[:, :2] - 3)


def test_it_works_in_a_pipeline_on_sparse_data_and_clones(fashion):
    x = sp.csr_matrix(fashion[0][:300])
    pipeline = clone(make_pipeline(PCA(10), LogisticRegression(max_iter=500)))
    labels = np.arange(300) % 2
    assert pipeline.fit(x, labels).predict(x).shape == (300,)
    assert list(PCA(2).fit(x).get_feature_names_out()) == ["pca0", "pca1"]
