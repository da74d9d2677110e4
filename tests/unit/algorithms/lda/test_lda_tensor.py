"""Alternating least squares on tensors whose terms are known."""

import numpy as np
import pytest

from lakemill.algorithms.lda.learning import Quiet
from lakemill.algorithms.lda.tensor import decompose


class Listening(Quiet):
    def __init__(self, stop_after=None):
        self.lines = []
        self.stop_after = stop_after

    def info(self, text):
        self.lines.append(text)

    def stop(self):
        return self.stop_after is not None and self.count("Starting CPDecomp") >= self.stop_after

    def count(self, words):
        return sum(words in line for line in self.lines)


def made(size=6, noise=0.0, seed=0):
    """A tensor of orthonormal terms with weights 2, 3, ..., and the terms."""
    random = np.random.default_rng(seed)
    vectors = np.linalg.qr(random.standard_normal((size, size)))[0]
    weights = np.arange(2.0, size + 2)
    tensor = np.einsum("r,ir,jr,kr->ijk", weights, vectors, vectors, vectors)
    drawn = random.standard_normal(tensor.shape) * noise
    return tensor + sum(drawn.transpose(order) for order in [(0, 1, 2), (1, 0, 2), (2, 1, 0)]) / 3, vectors, weights


def run(tensor, watch=None, **more):
    given = {"restarts": 4, "max_iterations": 500, "tol": 1e-10, "random": np.random.default_rng(1), **more}
    return decompose(tensor, watch=watch or Quiet(), **given)


def test_orthogonal_terms_are_found_exactly():
    tensor, vectors, weights = made()
    found = run(tensor)
    order = np.argsort(found.weights)
    np.testing.assert_allclose(found.weights[order], weights, atol=1e-6)
    np.testing.assert_allclose((vectors * found.vectors[:, order]).sum(axis=0), 1, atol=1e-6)
    assert found.error < 1e-6


def test_noise_moves_the_terms_a_little():
    tensor, vectors, _ = made(noise=0.02)
    found = run((tensor + tensor.transpose(0, 2, 1)) / 2)
    assert (vectors.T @ found.vectors).max(axis=1).min() > 0.99
    assert 0 < found.error < 0.1


def test_more_restarts_are_never_worse():
    random = np.random.default_rng(11)
    hard = random.standard_normal((7, 7, 7))
    hard = sum(hard.transpose(order) for order in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
    errors = [run(hard, restarts=count, random=np.random.default_rng(0)).error for count in (1, 3, 8)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0]


def test_iterations_and_tolerance_end_a_start():
    tensor, _, _ = made(noise=0.1)
    few, loose, tight = Listening(), Listening(), Listening()
    run(tensor, few, restarts=1, max_iterations=2)
    run(tensor, loose, restarts=1, tol=0.1)
    run(tensor, tight, restarts=1, tol=1e-12)
    assert "Stopped after 2 iterations." in few.lines
    reached = [int(line.split()[-2]) for watch in (loose, tight) for line in watch.lines if "Converged" in line]
    assert reached[0] < reached[1]


def test_the_log_names_every_start():
    watch = Listening()
    run(made()[0], watch, restarts=3)
    assert [watch.count(words) for words in ("Restart", "svd init", "random init", "Best rec")] == [3, 1, 2, 1]


def test_a_stop_ends_after_the_running_start():
    watch = Listening(stop_after=2)
    assert run(made()[0], watch, restarts=9).error < 1e-6
    assert watch.count("Restart") == 2


@pytest.mark.parametrize("tensor", [np.zeros((3, 3, 3)), np.full((1, 1, 1), -2.0)], ids=["zero", "one negative"])
def test_degenerate_tensors_have_an_answer(tensor):
    found = run(tensor)
    assert np.isfinite(found.vectors).all()
    assert (found.weights >= 0).all()
