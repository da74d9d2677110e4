"""Factorization machines by Adam over mini-batches, with a learning rate and a weight decay for each group.

The update is MXNet's, which AWS's container is known to use:

    gradient = clip(rescale_grad * sum over the batch + wd * value)
    m = b1 m + (1 - b1) gradient;  v = b2 v + (1 - b2) gradient^2
    value -= lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps)

Of a sparse batch only the features that occur in it are updated (lazy), of a dense one all. Source: Kingma and Ba,
"Adam: a method for stochastic optimization", ICLR 2015; MXNet's adam_update.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.contract import Collective, SingleHost
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines.model import FactorizationModel, chances
from lakemill.algorithms.factorization_machines.spec import BINARY, GROUPS
from lakemill.algorithms.factorization_machines.starts import Starts

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


@dataclasses.dataclass(frozen=True)
class Rates:
    """rates and decays: by group, bias, linear, factors. rescale None: 1 / records of the batch. clip None: no."""

    rates: Mapping[str, float]
    decays: Mapping[str, float]
    clip: float | None = None
    rescale: float | None = None
    eps: float = EPS

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Rates":
        """From hyperparameters."""
        clip, eps = settings["clip_gradient"], settings["eps"]
        return cls(
            {group: settings[f"{group}_lr"] for group in GROUPS},
            {group: settings[f"{group}_wd"] for group in GROUPS},
            clip if clip is not None and clip >= 0 else None,
            settings["rescale_grad"],
            EPS if eps is None else eps,
        )


class AdamState:
    """Values of a machine and Adam's two moments of each. `update` is a collective call where there are hosts."""

    ARRAYS = ("bias", "linear", "factors", "steps")

    def __init__(
        self,
        dim: int,
        count: int,
        predictor_type: str,
        rates: Rates,
        starts: Starts,
        *,
        use_bias: bool = True,
        use_linear: bool = True,
        seed: int = 0,
        collective: Collective | None = None,
    ) -> None:
        self._type, self._rates = predictor_type, rates
        self._collective = collective or SingleHost()
        self._learned = {"bias": use_bias, "linear": use_linear, "factors": True}
        random = np.random.default_rng([seed, 0])
        shapes = {"bias": (1, 1), "linear": (dim, 1), "factors": (dim, count)}
        # Values, first and second moments, one behind the other: (3, rows, columns).
        made = {group: np.zeros((3, *shape), np.float32) for group, shape in shapes.items()}
        for group, shape in shapes.items():
            if self._learned[group]:
                made[group][0] = starts[group].draw(shape, random)
        self.bias, self.linear, self.factors = (made[group] for group in GROUPS)
        self.steps = np.zeros(1, np.int64)

    def update(self, features: Any, labels: np.ndarray) -> np.ndarray:
        """One step by a batch, (n, d) csr or dense; on one of several hosts by this host's part of it, which may be
        empty. f of each record before it, (n,)."""
        with np.errstate(over="ignore", invalid="ignore"):  # Rates that are too large; `model` says so.
            return self._update(features, labels)

    def _update(self, features: Any, labels: np.ndarray) -> np.ndarray:
        sparse = not isinstance(features, np.ndarray)
        rows: Any = np.unique(features.indices) if sparse else slice(None)
        part = features[:, rows] if sparse else features
        linear, factors = self.linear[0, rows, 0], self.factors[0, rows]
        sums, squares = part @ factors, part.multiply(part) if sparse else part * part
        pairs = np.einsum("nk,nk->n", sums, sums) - squares @ np.einsum("dk,dk->d", factors, factors)
        margins = np.asarray(self.bias[0, 0, 0] + part @ linear + 0.5 * pairs, np.float32)
        errors = (chances(margins) if self._type == BINARY else margins) - labels
        gradients = {
            "bias": errors.sum(keepdims=True)[:, None],
            "linear": (part.T @ errors)[:, None],
            "factors": part.T @ (errors[:, None] * sums) - factors * (squares.T @ errors)[:, None],
        }
        self._step(rows, gradients, len(labels))
        return margins

    def _step(self, rows: Any, gradients: Mapping[str, np.ndarray], records: int) -> None:
        if self._collective.size > 1:
            rows, gradients, records = self._gathered(rows, gradients, records)
        if not records:
            return
        self.steps += 1
        time = int(self.steps[0])
        correction = np.sqrt(1 - BETA2**time) / (1 - BETA1**time)
        rescale = 1 / records if self._rates.rescale is None else self._rates.rescale
        for group, table in zip(GROUPS, (self.bias, self.linear, self.factors), strict=True):
            if self._learned[group]:
                self._move(
                    table, slice(None) if group == "bias" else rows, group, gradients[group] * rescale, correction
                )

    def _move(self, table: np.ndarray, rows: Any, group: str, gradient: np.ndarray, correction: float) -> None:
        value, first, second = table[0, rows], table[1, rows], table[2, rows]
        gradient = gradient + self._rates.decays[group] * value
        if self._rates.clip is not None:
            gradient = np.clip(gradient, -self._rates.clip, self._rates.clip)
        first = BETA1 * first + (1 - BETA1) * gradient
        second = BETA2 * second + (1 - BETA2) * np.square(gradient)
        with np.errstate(divide="ignore", invalid="ignore"):  # eps=0, and nothing to learn from: stay.
            move = np.nan_to_num(first / (np.sqrt(second) + self._rates.eps), nan=0.0)
        table[0, rows] = value - self._rates.rates[group] * correction * move
        table[1, rows], table[2, rows] = first, second

    def _gathered(
        self, rows: Any, gradients: Mapping[str, np.ndarray], records: int
    ) -> tuple[Any, Mapping[str, np.ndarray], int]:
        """The hosts' gradients as one: sums over all features that occur on any host."""
        dim = self.linear.shape[1]
        own = np.arange(dim) if isinstance(rows, slice) else rows
        found = self._collective.gather([own, [gradients[group] for group in GROUPS], records])
        every = np.unique(np.concatenate([one for one, _, _ in found]))
        summed = {"bias": sum(parts[0] for _, parts, _ in found)}
        for place, group in enumerate(GROUPS[1:], start=1):
            total = np.zeros((len(every), gradients[group].shape[1]), np.float32)
            for one, parts, _ in found:
                total[np.searchsorted(every, one)] += parts[place]
            summed[group] = total
        return every, summed, sum(count for _, _, count in found)

    def model(self) -> FactorizationModel:
        """The machine. Raises CustomerError if the training diverged."""
        found = FactorizationModel(
            float(self.bias[0, 0, 0]), self.linear[0, :, 0].copy(), self.factors[0].copy(), self._type
        )
        if not found.finite():
            raise CustomerError("The training diverged to numbers without end; give smaller learning rates")
        return found
