"""Mini-batch rules against their published recurrences, and what they reach against the closed form."""

import numpy as np
import pytest

from lakemill.algorithms.linear_learner.candidates import make_candidates
from lakemill.algorithms.linear_learner.data import Chunk, MemoryData
from lakemill.algorithms.linear_learner.losses import LogisticLoss, SquaredLoss
from lakemill.algorithms.linear_learner.objective import Penalty
from lakemill.algorithms.linear_learner.optimizer import Adam, LearningRate, MiniBatchPopulation, Momentum, RMSProp
from lakemill.algorithms.linear_learner.spec import SPEC


def settings(**given):
    given = {"predictor_type": "regressor", **{name: str(value) for name, value in given.items()}}
    return SPEC.validate(given)


def population(candidates, dim, *, batch_size=100, **more):
    m = len(candidates)
    ridge = np.tile([one.wd for one in candidates], (dim + 1, 1))
    ridge[-1] = 0
    penalty = Penalty(ridge, np.array([one.l1 for one in candidates]))
    loss = more.pop("loss", SquaredLoss())
    start = np.zeros((dim + 1, m, 1))
    return MiniBatchPopulation(loss, start, penalty, np.ones(m), candidates, batch_size=batch_size, seed=0, **more)


def problem(n=2000, dim=5, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dim)).astype(np.float32)
    y = (x @ np.arange(1, dim + 1) + 2 + 0.1 * rng.normal(size=n)).astype(np.float32)
    return MemoryData(x, y)


GRADIENTS = np.random.default_rng(3).normal(size=(6, 2, 1, 1))


def test_adam_follows_its_recurrence():
    rule = Adam(np.array([0.9]), np.array([0.99]), np.zeros((2, 1, 1)))
    mean = square = np.zeros((2, 1, 1))
    for t, g in enumerate(GRADIENTS, start=1):
        mean, square = 0.9 * mean + 0.1 * g, 0.99 * square + 0.01 * g * g
        wanted = (mean / (1 - 0.9**t)) / (np.sqrt(square / (1 - 0.99**t)) + 1e-8)
        np.testing.assert_allclose(rule.move(g, t)[0], wanted, rtol=1e-9)


def test_momentum_follows_its_recurrence():
    rule, velocity = Momentum(np.array([0.7]), np.zeros((2, 1, 1))), 0
    for t, g in enumerate(GRADIENTS, start=1):
        velocity = 0.7 * velocity + g
        np.testing.assert_allclose(rule.move(g, t)[0], velocity)


def test_rmsprop_follows_its_recurrence():
    rule, square = RMSProp(np.zeros((2, 1, 1))), 0
    for t, g in enumerate(GRADIENTS, start=1):
        square = 0.9 * square + 0.1 * g * g
        np.testing.assert_allclose(rule.move(g, t)[0], g / (np.sqrt(square) + 1e-8))


def test_the_learning_rate_falls_in_steps_down_to_its_minimum():
    one = make_candidates(settings(optimizer="sgd", learning_rate=0.5, lr_scheduler_step=2, lr_scheduler_factor=0.1,
                                   lr_scheduler_minimum_lr=0.01), 1, [1.0])  # fmt: skip
    rate = LearningRate(one, use_scheduler=True)
    np.testing.assert_allclose([rate.after(t)[0] for t in range(6)], [0.5, 0.5, 0.05, 0.05, 0.01, 0.01])
    assert LearningRate(one, use_scheduler=False).after(100)[0] == 0.5


@pytest.mark.parametrize(("name", "rate"), [("sgd", 0.05), ("adam", 0.05), ("rmsprop", 0.02)])
def test_every_rule_comes_to_the_least_squares_solution(name, rate):
    data = problem()
    given = settings(optimizer=name, learning_rate=rate, lr_scheduler_step=10, bias_lr_mult=1)
    models = population(make_candidates(given, 1, [1.0]), 5)
    for _ in range(30):
        models.epoch(data)
    exact = np.linalg.lstsq(np.c_[data.features, np.ones(2000)], data.targets, rcond=None)[0]
    # Steps of fixed size leave noise of the order of the last learning rate, 0.01 to 0.03.
    np.testing.assert_allclose(models.weights[:, 0, 0], exact, atol=0.03)


def test_models_side_by_side_are_the_models_alone():
    data = problem()
    candidates = make_candidates(settings(optimizer="adam"), 4, [1.0])
    together = population(candidates, 5)
    together.epoch(data)
    for place, one in enumerate(candidates):
        alone = population([one], 5)
        alone.epoch(data)
        np.testing.assert_allclose(together.weights[:, place], alone.weights[:, 0], rtol=1e-4, atol=1e-6)


def test_l1_makes_useless_weights_exactly_zero():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 6)).astype(np.float32)
    data = MemoryData(x, (3 * x[:, 0]).astype(np.float32))
    for name in ("sgd", "adam", "rmsprop"):
        candidates = make_candidates(settings(optimizer=name, learning_rate=0.02, l1=0.3), 1, [1.0])
        models = population(candidates, 6)
        for _ in range(20):
            models.epoch(data)
        weights = models.weights[:-1, 0, 0]
        assert abs(weights[0]) > 2, name
        assert np.count_nonzero(weights[1:]) == 0, name


def test_without_bias_the_bias_stays_zero():
    candidates = make_candidates(settings(optimizer="sgd", learning_rate=0.05), 1, [1.0])
    models = population(candidates, 5, use_bias=False)
    models.epoch(problem())
    assert models.weights[-1, 0, 0] == 0


def test_a_positive_weight_counts_like_repeating_the_positives():
    x = np.float32([[1.0], [2.0], [-1.0]])
    y = np.float32([1, 1, 0])
    one = make_candidates(settings(predictor_type="binary_classifier", optimizer="sgd", learning_rate=0.1), 1, [1.0])
    weighted = population(one, 1, loss=LogisticLoss())
    weighted._positive = np.array([3.0])
    repeated = population(one, 1, loss=LogisticLoss())
    rows = [0, 0, 0, 1, 1, 1, 2]
    gradients = [weighted._gradient(Chunk(x, y))[1], repeated._gradient(Chunk(x[rows], y[rows]))[1]]
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-6)
