"""From documents to topics: what is found, and with what memory."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.lda.documents import Documents, counts, slices
from lakemill.algorithms.lda.learning import Learning, Quiet, Settings
from tests.unit.algorithms.lda.conftest import bars, distances, written


def learning(documents, topics, seed=0, watch=None, sample_bytes=1 << 30, **settings):
    random = np.random.default_rng(seed)
    kept = Documents(lambda: slices(documents), random, sample_bytes)
    return Learning(kept, Settings(topics, **{"restarts": 3, **settings}), random, watch or Quiet())


def test_planted_bars_are_recovered_though_their_topics_depend_on_each_other(grid):
    """The rows of the grid add up to what its columns add up to, so that moments alone cannot tell all ten."""
    documents, topics = grid
    model = learning(documents, 10).run()
    apart, order = distances(model.beta, topics)
    assert apart.max() < 0.05  # AWS's notebook comes to 0.17 in all.
    np.testing.assert_allclose(model.alpha[order], 0.1, atol=0.02)
    assert model.alpha.sum() == pytest.approx(1.0, rel=1e-5)


def test_planted_topics_of_a_larger_vocabulary_are_recovered():
    random = np.random.default_rng(5)
    topics = random.dirichlet(np.full(600, 0.05), 12)
    apart, _ = distances(learning(written(topics, np.full(12, 0.05), 2000, 80), 12).run().beta, topics)
    assert apart.max() < 0.2


def test_rare_topics_are_not_given_up_for_doubles_of_frequent_ones():
    """The rarest bar has one word in fifty, and a frequent one that is found twice has more in each half."""
    topics = bars()
    documents = written(topics, np.linspace(0.02, 0.2, 10), 1500, 80, seed=9)
    for seed in (0, 1):
        assert distances(learning(documents, 10, seed).run().beta, topics)[0].max() < 0.1


def test_a_prior_of_unequal_parts_is_found(simple):
    _, topics = simple
    documents = written(topics, [0.6, 0.3, 0.1], 2000, 50)
    model = learning(documents, 3).run()
    _, order = distances(model.beta, topics)
    np.testing.assert_allclose(model.alpha[order], [0.6, 0.3, 0.1], atol=0.04)
    assert (np.diff(model.alpha) <= 0).all()


def test_a_document_of_several_topics_is_no_harm_with_a_larger_alpha0():
    topics = bars()[:5]
    documents = written(topics, np.full(5, 1.0), 3000, 100)
    apart, _ = distances(learning(documents, 5, alpha0=5.0).run().beta, topics)
    assert apart.max() < 0.1


@pytest.mark.parametrize(
    "documents",
    [
        np.float32([[3, 0, 2]]),
        np.float32([[1, 0, 0], [0, 1, 0]]),
        np.full((20, 3), 4, np.float32),
        np.float32([[5, 0, 0]] * 10),
        np.float32([[0.2, 0.1, 0.4], [0.3, 0.3, 0.1]] * 5),
        np.float32([[1e6, 0, 3e5], [0, 2e6, 1]] * 5),
        np.float32([[0, 0, 0], [4, 1, 2]]),
    ],
    ids=["one", "too short", "equal", "one word", "fractions", "huge counts", "an empty one"],
)
@pytest.mark.parametrize("topics", [1, 2, 7])
def test_odd_documents_have_a_model(documents, topics):
    model = learning(sp.csr_matrix(documents), topics, sweeps=6).run()
    assert model.beta.shape == (topics, 3)
    assert (model.beta > 0).all() and (model.alpha > 0).all()
    np.testing.assert_allclose(model.beta.sum(axis=1), 1, rtol=1e-6)


def test_a_word_that_only_occurs_apart_gets_a_topic_of_its_own_with_large_counts_too():
    documents = sp.csr_matrix(np.float32([[900, 700, 0], [0, 0, 800], [800, 900, 0], [0, 0, 1000]] * 10))
    model = learning(documents, 2).run()
    assert sorted(model.beta.argmax(axis=1).tolist()) in ([0, 2], [1, 2])
    assert model.beta[:, 2].max() > 0.95


def test_a_sample_is_enough_and_all_documents_count(grid):
    documents, topics = grid
    whole = learning(documents, 10)
    model = whole.run()
    part = learning(documents, 10, sample_bytes=documents.data.nbytes // 2)
    bounded = part.run()
    assert part.documents.sample.shape[0] < 1000
    assert distances(bounded.beta, topics)[0].max() < 0.2
    assert part.counts.sum() == pytest.approx(documents.sum(), rel=1e-4)
    assert whole.counts.sum() == pytest.approx(documents.sum(), rel=1e-4)
    assert model.beta.shape == bounded.beta.shape


class Interrupted(Quiet):
    """Keeps the state of one sweep, as a file would."""

    def __init__(self, at):
        self.at = at

    def swept(self, learning):
        if learning.sweeps == self.at:
            arrays, facts = learning.state()
            self.kept = {name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(facts))


@pytest.mark.parametrize("at", [1, 20, 41, 70])
def test_going_on_from_any_sweep_gives_the_same_model_to_the_last_bit(simple, at):
    documents, _ = simple
    watch = Interrupted(at)
    first = learning(documents, 3, watch=watch).run()
    again = learning(documents, 3)
    again.restore(*watch.kept)
    second = again.run()
    assert first.beta.tobytes() == second.beta.tobytes()
    assert first.alpha.tobytes() == second.alpha.tobytes()


@pytest.mark.parametrize("stop_at", [0, 10, 60, 75])
def test_a_stop_leaves_a_model_of_the_topics_asked_for(simple, stop_at):
    class Stopping(Quiet):
        sweeps = 0

        def swept(self, learning):
            self.sweeps = learning.sweeps

        def stop(self):
            return self.sweeps >= stop_at

    watch = Stopping()
    model = learning(simple[0], 3, watch=watch).run()
    assert model.beta.shape == (3, 12)
    assert watch.sweeps <= stop_at + 2


def test_negative_counts_are_refused_and_zeros_are_not_stored():
    with pytest.raises(CustomerError, match=r"negative values \(-2\)"):
        counts(np.float32([[1, -2]]))
    stored = sp.csr_matrix((np.float32([0, 2, 1]), [0, 1, 1], [0, 3]), shape=(1, 2))
    assert counts(stored).toarray().tolist() == [[0, 3]]
    assert counts(stored).nnz == 1


def test_slices_are_all_rows_in_order(monkeypatch):
    documents = sp.random(50, 10, density=0.3, format="csr", random_state=0)
    monkeypatch.setattr("lakemill.algorithms.lda.documents.STEP_ENTRIES", 7)
    parts = list(slices(documents))
    assert len(parts) > 10
    np.testing.assert_array_equal(sp.vstack(parts).toarray(), documents.toarray())
