"""Adam against a plain statement of the same update, and what its hyperparameters do."""

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.factorization_machines.adam import AdamState, Rates
from lakemill.algorithms.factorization_machines.starts import Start

STARTS = {"bias": Start("normal", 0.1), "linear": Start("uniform", 0.3), "factors": Start("normal", 0.2)}
RATES = {"bias": 0.1, "linear": 0.02, "factors": 0.03}
DECAYS = {"bias": 0.01, "linear": 0.05, "factors": 0.02}


class Plain:
    """The same by finite differences of the batch's loss, in double precision, parameter by parameter."""

    def __init__(self, state, rates, kind):
        self.values = [float(state.bias[0, 0, 0]), state.linear[0, :, 0].astype(float), state.factors[0].astype(float)]
        self.rates, self.kind, self.time = rates, kind, 0
        self.first, self.second = ([np.zeros_like(np.asarray(one)) for one in self.values] for _ in range(2))

    def loss(self, values, rows, labels):
        bias, linear, factors = values
        sums = rows @ factors
        f = bias + rows @ linear + 0.5 * ((sums**2).sum(axis=1) - (rows**2) @ (factors**2).sum(axis=1))
        return (
            (np.logaddexp(0, f) - f * labels).sum()
            if self.kind == "binary_classifier"
            else ((f - labels) ** 2).sum() / 2
        )

    def gradient(self, place, rows, labels):
        value = np.asarray(self.values[place])
        found = np.zeros(value.shape)
        for at in np.ndindex(value.shape):
            sides = []
            for sign in (1, -1):
                moved = value.copy()
                moved[at] += sign * 1e-5
                sides.append(self.loss([*self.values[:place], moved, *self.values[place + 1 :]], rows, labels))
            found[at] = (sides[0] - sides[1]) / 2e-5
        return found

    def update(self, rows, labels):
        self.time += 1
        gradients = [self.gradient(place, rows, labels) for place in range(3)]
        touched = (rows != 0).any(axis=0)
        scale = 1 / len(rows) if self.rates.rescale is None else self.rates.rescale
        for place, group in enumerate(("bias", "linear", "factors")):
            gradient = scale * gradients[place] + self.rates.decays[group] * self.values[place]
            if self.rates.clip is not None:
                gradient = np.clip(gradient, -self.rates.clip, self.rates.clip)
            first = 0.9 * self.first[place] + 0.1 * gradient
            second = 0.999 * self.second[place] + 0.001 * gradient**2
            step = self.rates.rates[group] * np.sqrt(1 - 0.999**self.time) / (1 - 0.9**self.time)
            value = self.values[place] - step * first / (np.sqrt(second) + self.rates.eps)
            if place:  # Lazy: features that do not occur stay as they are.
                mask = touched if place == 1 else touched[:, None]
                first, second = np.where(mask, first, self.first[place]), np.where(mask, second, self.second[place])
                value = np.where(mask, value, self.values[place])
            self.first[place], self.second[place], self.values[place] = first, second, value


@pytest.mark.parametrize("kind", ["regressor", "binary_classifier"])
@pytest.mark.parametrize(
    "more", [{}, {"clip": 0.05}, {"rescale": 0.3}, {"eps": 0.01}], ids=["plain", "clip", "rescale", "eps"]
)
def test_updates_are_those_of_a_plain_statement(kind, more):
    random = np.random.default_rng(3)
    rates = Rates(RATES, DECAYS, **more)
    state = AdamState(6, 3, kind, rates, STARTS, seed=1)
    plain = Plain(state, rates, kind)
    for _ in range(5):
        rows = random.normal(size=(8, 6)) * (random.random((8, 6)) < 0.3)
        labels = (random.random(8) < 0.5).astype(np.float32)
        state.update(sp.csr_matrix(rows, dtype=np.float32), labels)
        plain.update(rows, labels)
    model = state.model()
    np.testing.assert_allclose(model.bias, plain.values[0], rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(model.linear, plain.values[1], rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(model.factors, plain.values[2], rtol=2e-3, atol=2e-4)


def test_dense_batches_move_every_feature_and_sparse_ones_those_that_occur():
    rows, labels = np.float32([[1, 0, 2]]), np.float32([1])
    moved = []
    for form in (rows, sp.csr_matrix(rows)):
        state = AdamState(3, 2, "regressor", Rates(RATES, DECAYS), STARTS)
        before = state.linear[0, :, 0].copy()
        state.update(form, labels)
        moved.append((state.linear[0, :, 0] != before).tolist())
    assert moved == [[True, True, True], [True, False, True]]


def test_a_rate_of_zero_keeps_a_group_where_it_started():
    state = AdamState(3, 2, "regressor", Rates({**RATES, "factors": 0.0}, DECAYS), STARTS)
    before = state.factors[0].copy()
    for _ in range(4):
        state.update(np.ones((5, 3), np.float32), np.ones(5, np.float32))
    np.testing.assert_array_equal(state.factors[0], before)
    assert not np.array_equal(
        state.linear[0, :, 0], AdamState(3, 2, "regressor", Rates(RATES, DECAYS), STARTS).linear[0, :, 0]
    )
