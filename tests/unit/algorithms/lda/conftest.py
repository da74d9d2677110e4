"""Documents of known topics, and an LDA training on arrays."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

from lakemill.algorithms.lda.spec import SPEC
from lakemill.formats import mxnet
from tests.unit.algorithms import trainings


def bars(size=5):
    """(2 size, size^2): topics that are the rows and columns of a grid. Griffiths and Steyvers, PNAS 101, 2004."""
    places = np.arange(size**2).reshape(size, size)
    return np.array([np.isin(places, line).ravel() / size for line in [*places, *places.T]])


def written(topics, alpha, documents, words, seed=0):
    """Documents as LDA takes them to be made, a csr_matrix."""
    random = np.random.default_rng(seed)
    chances = random.dirichlet(alpha, documents) @ topics
    lengths = random.poisson(words, documents)
    return sp.csr_matrix(random.multinomial(lengths, chances / chances.sum(axis=1, keepdims=True)).astype(np.float32))


def distances(found, topics):
    """The L1 distance of each topic to the found one that goes with it, in 0..2, and the order of the found ones."""
    apart = np.abs(topics[:, None] - found[None]).sum(axis=2)
    rows, order = linear_sum_assignment(apart)
    return apart[rows, order], order


@pytest.fixture
def run_training(tmp_path):
    """run_training({"train": counts}, **hyperparameters) -> (.text, .model, .alpha, .beta, .folder)."""

    def run(channels, **options):
        given = {"feature_dim": trainings.width(channels["train"]), "mini_batch_size": 5000, **options}
        done = trainings.run(SPEC, tmp_path / "model", channels, **given)
        if done.model.exists():
            done.alpha, done.beta = mxnet.read(done.model)
        return done

    return run


@pytest.fixture(scope="session")
def grid():
    """2,000 documents of about 100 words of ten bars, and the bars."""
    return written(bars(), np.full(10, 0.1), 2000, 100), bars()


@pytest.fixture(scope="session")
def simple():
    """300 documents of about 50 words of three topics of four words each, and the topics."""
    topics = np.kron(np.eye(3), np.full(4, 0.25))
    return written(topics, np.full(3, 0.2), 300, 50, seed=1), topics
