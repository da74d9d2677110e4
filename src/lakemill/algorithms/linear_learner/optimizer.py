"""SGD with momentum, Adam and RMSProp for many models at once, each with its own rates and penalties.

One step on a mini batch is two matrix products, X W and X'G, for all models together. Weights are (p, m, k): p - 1
features and the bias, m models, k outputs. l1 is applied as a proximal step, so weights become exactly zero. Several
hosts step together: each brings a mini batch of its own shard, and the gradients are summed.

Sources: Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015; Tieleman & Hinton, RMSProp, 2012; Duchi &
Singer, "Efficient online and batch learning using forward backward splitting", JMLR 10, 2009.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lakemill.algorithms.linear_learner.candidates import Candidate
from lakemill.algorithms.linear_learner.curvature import predictions
from lakemill.algorithms.linear_learner.data import Chunk
from lakemill.algorithms.linear_learner.hosts import summed
from lakemill.algorithms.linear_learner.losses import Loss
from lakemill.algorithms.linear_learner.objective import After, Penalty, go_on

RMSPROP_DECAY = 0.9
EPSILON = 1e-8


class LearningRate:
    """lr of every model after t updates: multiplied by `factor` every `step` updates, never below `minimum`."""

    def __init__(self, candidates: Sequence[Candidate], use_scheduler: bool) -> None:
        def column(name: str) -> np.ndarray:
            return np.array([getattr(one, name) for one in candidates], np.float64)

        self._initial, self._step = column("learning_rate"), column("lr_scheduler_step")
        self._factor, self._minimum = column("lr_scheduler_factor"), column("lr_scheduler_minimum_lr")
        self._scheduled = use_scheduler

    def after(self, updates: int) -> np.ndarray:
        """(m,)"""
        if not self._scheduled:
            return self._initial
        lowered = self._initial * self._factor ** (updates // self._step)
        return np.maximum(lowered, np.minimum(self._minimum, self._initial))


class MiniBatchPopulation:
    """All models by mini-batch steps. seed None: the records of an epoch are taken in their order."""

    finished = False
    descends = False

    def __init__(
        self,
        loss: Loss,
        weights: np.ndarray,
        penalty: Penalty,
        positive_weights: np.ndarray,
        candidates: Sequence[Candidate],
        *,
        batch_size: int,
        use_bias: bool = True,
        use_scheduler: bool = True,
        dtype: Any = np.float32,
        seed: int | None = None,
    ) -> None:
        self._loss, self._positive, self._batch_size, self._seed = loss, positive_weights, batch_size, seed
        self._use_bias = use_bias
        self.weights = weights.astype(dtype)
        self.updates = self._epochs = 0
        self._batches = 0
        """Of the current epoch, taken in."""
        self._total, self._mass = np.zeros(weights.shape[1]), 0.0
        """The current epoch's losses and what its records count."""
        self._rate = LearningRate(candidates, use_scheduler)
        self._ridge = penalty.ridge[:, :, None].astype(dtype)
        self._l1 = penalty.l1[None, :, None].astype(dtype)
        self._bias_multiplier = np.array([one.bias_lr_mult for one in candidates])
        self._rule = make_rule(candidates, self.weights)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, for a checkpoint; also within an epoch."""
        counts = np.array([self.updates, self._epochs, self._batches])
        moments = {f"moment-{place}": one for place, one in enumerate(self._rule.moments)}
        return {
            "weights": self.weights,
            "counts": counts,
            "total": self._total,
            "mass": np.array(self._mass),
            **moments,
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Stand where a state was taken."""
        self.weights, self._total, self._mass = arrays["weights"], arrays["total"], float(arrays["mass"])
        self.updates, self._epochs, self._batches = (int(count) for count in arrays["counts"])
        for place, one in enumerate(self._rule.moments):
            one[:] = arrays[f"moment-{place}"]

    def epoch(self, data: Any, after: After = go_on) -> np.ndarray:
        """One pass in mini batches; returns the mean loss (m,) over it, each batch judged before its own step."""
        order = None
        if data.in_memory and self._seed is not None:
            order = np.random.default_rng([self._seed, self._epochs])
        batches, ended, alone = data.batches(self._batch_size, order, self._batches), False, data.hosts.size == 1
        with np.errstate(over="ignore", invalid="ignore"):  # A model may diverge; the others go on.
            while True:
                batch = None if ended else next(batches, None)
                # A host that has come to its end goes on stepping with the others.
                if (batch is None and alone) or not self.step(batch, data):
                    break
                ended = ended or after()
        mean = self._total / max(self._mass, 1e-300)
        self._total, self._mass = np.zeros_like(self._total), 0.0
        self._epochs, self._batches = self._epochs + 1, 0
        return mean

    def step(self, batch: Chunk | None, data: Any) -> bool:
        """One update, by the batches of all hosts. False where none of them has one. A collective call."""
        losses, gradient, mass, records = self._gradient(batch)
        if data.hosts.size > 1:
            losses, total, mass, records = summed(data.hosts, losses, gradient, mass, records)
            gradient = total.astype(gradient.dtype)
        if not records:
            return False
        self._total += losses
        self._mass += float(mass)
        self._batches += 1
        self._move(gradient / gradient.dtype.type(float(mass) or 1e-30))
        return True

    def _move(self, gradient: np.ndarray) -> None:
        """One update by the gradient (p, m, k) of the mean loss."""
        gradient += self._ridge * self.weights
        rate = np.broadcast_to(self._rate.after(self.updates), gradient.shape[:2]).copy()
        rate[-1] *= self._bias_multiplier if self._use_bias else 0.0
        self.updates += 1
        rate = rate.astype(gradient.dtype)[:, :, None]
        move, reach = self._rule.move(gradient, self.updates)
        self.weights -= rate * move
        if self._l1.any():
            inner = self.weights[:-1]
            shrink = np.broadcast_to(rate * self._l1 * reach, self.weights.shape)[:-1]
            self.weights[:-1] = np.sign(inner) * np.maximum(np.abs(inner) - shrink, 0)

    def _gradient(self, batch: Chunk | None) -> tuple[np.ndarray, np.ndarray, Any, Any]:
        """Summed over a batch: losses (m,), gradient (p, m, k), what the records count, and their number."""
        p, m, k = self.weights.shape
        if batch is None:
            return np.zeros(m), np.zeros_like(self.weights), 0.0, 0
        f = predictions(batch.features, self.weights)
        losses, slopes = self._loss.value_and_slope(f if k > 1 else f[:, :, 0], batch.targets)
        slopes = slopes.reshape(len(batch), m, k)
        if (self._positive != 1).any():
            times = np.where(batch.targets[:, None] > 0, self._positive, 1.0).astype(losses.dtype)
            losses, slopes = losses * times, slopes * times[:, :, None]
        if batch.weights is not None:
            losses, slopes = losses * batch.weights[:, None], slopes * batch.weights[:, None, None]
        columns = slopes.reshape(len(batch), m * k)
        gradient = np.empty((p, m * k), self.weights.dtype)
        gradient[:-1] = batch.features.T @ columns
        gradient[-1] = columns.sum(axis=0)
        return losses.sum(axis=0, dtype=np.float64), gradient.reshape(p, m, k), batch.mass, len(batch)


class Momentum:
    """v = momentum v + g; the step is v."""

    def __init__(self, momentum: np.ndarray, like: np.ndarray) -> None:
        self._momentum, self._velocity = momentum[None, :, None], np.zeros_like(like)
        self.moments = [self._velocity]

    def move(self, gradient: np.ndarray, updates: int) -> tuple[np.ndarray, np.ndarray | float]:
        """The step per unit of learning rate, and how far one unit of l1 reaches along each weight."""
        self._velocity *= self._momentum
        self._velocity += gradient
        return self._velocity, 1.0


class Adam:
    """Steps of unit size per weight: mean gradient over root mean square gradient, both without bias."""

    def __init__(self, beta_1: np.ndarray, beta_2: np.ndarray, like: np.ndarray) -> None:
        self._beta_1, self._beta_2 = beta_1[None, :, None], beta_2[None, :, None]
        self._mean, self._square = np.zeros_like(like), np.zeros_like(like)
        self.moments = [self._mean, self._square]

    def move(self, gradient: np.ndarray, updates: int) -> tuple[np.ndarray, np.ndarray | float]:
        self._mean += (1 - self._beta_1) * (gradient - self._mean)
        self._square += (1 - self._beta_2) * (gradient * gradient - self._square)
        # A beta of 1 keeps the moment at zero for ever; its correction must not divide by zero.
        reach = 1 / (np.sqrt(self._square / np.maximum(1 - self._beta_2**updates, 1e-30)) + EPSILON)
        return self._mean / np.maximum(1 - self._beta_1**updates, 1e-30) * reach, reach


class RMSProp:
    """The gradient over its running root mean square."""

    def __init__(self, like: np.ndarray) -> None:
        self._square = np.zeros_like(like)
        self.moments = [self._square]

    def move(self, gradient: np.ndarray, updates: int) -> tuple[np.ndarray, np.ndarray | float]:
        self._square += (1 - RMSPROP_DECAY) * (gradient * gradient - self._square)
        reach = 1 / (np.sqrt(self._square) + EPSILON)
        return gradient * reach, reach


def make_rule(candidates: Sequence[Candidate], like: np.ndarray) -> Momentum | Adam | RMSProp:
    """The update rule the candidates share."""

    def column(name: str) -> np.ndarray:
        return np.array([getattr(one, name) for one in candidates], like.dtype)

    name = candidates[0].optimizer
    if name == "sgd":
        return Momentum(column("momentum"), like)
    if name == "adam":
        return Adam(column("beta_1"), column("beta_2"), like)
    return RMSProp(like)
