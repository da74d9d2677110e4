"""Slopes against finite differences, values against the definitions in AWS's guide, smoothing against its bound."""

import numpy as np
import pytest

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner import losses

SETTINGS = {"loss": "auto", "quantile": 0.3, "huber_delta": 0.7, "loss_insensitivity": 0.2, "margin": 1.5}
REGRESSION = [
    losses.SquaredLoss(),
    losses.AbsoluteLoss(),
    losses.QuantileLoss(0.3),
    losses.HuberLoss(0.7),
    losses.EpsInsensitiveSquaredLoss(0.2),
    losses.EpsInsensitiveAbsoluteLoss(0.2),
]
BINARY = [losses.LogisticLoss(), losses.HingeLoss(1.5)]
EVERY = [*REGRESSION, *BINARY]


def points(loss, models=3, n=40, seed=0):
    rng = np.random.default_rng(seed)
    f = 2 * rng.normal(size=(n, models))
    y = rng.normal(size=n) if loss in REGRESSION else rng.integers(0, 2, n).astype(float)
    return f, y


@pytest.mark.parametrize("loss", EVERY, ids=lambda one: one.objective)
@pytest.mark.parametrize("width", [0.0, 0.4])
def test_slope_is_the_derivative_of_the_value(loss, width):
    loss = loss.smoothed(width)
    f, y = points(loss if loss in REGRESSION else next(one for one in EVERY if type(one) is type(loss)))
    step = 1e-6
    numeric = (loss.value(f + step, y) - loss.value(f - step, y)) / (2 * step)
    slope = loss.value_and_slope(f.copy(), y)[1]
    # A point within `step` of a kink would differ; with this seed there is none.
    np.testing.assert_allclose(slope, numeric, atol=1e-5)


def test_softmax_slope_is_the_derivative_of_the_value():
    rng = np.random.default_rng(1)
    f, y, loss, step = rng.normal(size=(7, 2, 4)), np.array([0, 1, 2, 3, 3, 0, 1.0]), losses.SoftmaxLoss(), 1e-6
    slope = loss.value_and_slope(f.copy(), y)[1]
    for k in range(4):
        shift = step * (np.arange(4) == k)
        numeric = (loss.value(f + shift, y) - loss.value(f - shift, y)) / (2 * step)
        np.testing.assert_allclose(slope[:, :, k], numeric, atol=1e-8)


def test_values_are_those_of_the_guide():
    f, y = np.array([[0.5], [-1.0], [3.0]]), np.array([1.0, 1.0, 0.0])
    e = y - f[:, 0]

    def value(loss):
        return loss.value(f, y)[:, 0]

    np.testing.assert_allclose(value(losses.SquaredLoss()), e**2)
    np.testing.assert_allclose(value(losses.AbsoluteLoss()), np.abs(e))
    np.testing.assert_allclose(value(losses.QuantileLoss(0.3)), np.maximum(0.3 * e, -0.7 * e))
    huber = np.where(np.abs(e) <= 0.7, e**2 / 2, 0.7 * (np.abs(e) - 0.35))
    np.testing.assert_allclose(value(losses.HuberLoss(0.7)), huber)
    np.testing.assert_allclose(value(losses.EpsInsensitiveSquaredLoss(0.2)), np.maximum(0, e**2 - 0.04))
    np.testing.assert_allclose(value(losses.EpsInsensitiveAbsoluteLoss(0.2)), np.maximum(0, np.abs(e) - 0.2))
    np.testing.assert_allclose(value(losses.LogisticLoss()), np.log1p(np.exp(-(2 * y - 1) * f[:, 0])))
    m = 1.5
    hinge = y * np.maximum(0, (m + 1) / 2 - f[:, 0]) + (1 - y) * np.maximum(0, (m - 1) / 2 + f[:, 0])
    np.testing.assert_allclose(value(losses.HingeLoss(m)), hinge)


def test_logistic_does_not_overflow_in_single_precision():
    f = np.float32([[200.0], [-200.0]])
    value, slope = losses.LogisticLoss().value_and_slope(f, np.float32([0, 1]))
    np.testing.assert_allclose(value[:, 0], [200, 200])
    np.testing.assert_allclose(slope[:, 0], [1, -1])


@pytest.mark.parametrize("loss", [one for one in EVERY if one.kinked], ids=lambda one: one.objective)
def test_a_rounded_kink_lies_above_the_loss_by_at_most_half_its_width(loss):
    f, y = points(loss)
    gap = loss.smoothed(0.4).value(f, y) - loss.value(f, y)
    assert gap.min() >= -1e-12
    assert gap.max() <= 0.2 + 1e-12


def test_a_loss_of_another_predictor_is_refused():
    with pytest.raises(CustomerError, match="loss of a regressor must be auto or one of squared_loss"):
        losses.make_loss("regressor", {**SETTINGS, "loss": "logistic"})


@pytest.mark.parametrize(("kind", "objective"), [
    ("regressor", "mse"),
    ("binary_classifier", "binary_classification_cross_entropy"),
    ("multiclass_classifier", "multiclass_cross_entropy"),
])  # fmt: skip
def test_auto_is_the_first_loss_of_the_predictor(kind, objective):
    assert losses.make_loss(kind, SETTINGS).objective == objective
