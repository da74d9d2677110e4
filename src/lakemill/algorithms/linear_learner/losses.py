"""The losses of a linear predictor: value, slope and curvature for every record and every model at once.

Predictions F are (b, m): b records, m models side by side; for softmax they are (b, m, k), k classes. Targets are (b,):
numbers for regression, 0/1 for binary, class ids for softmax.

Some losses have kinks. Mini-batch steps use their subgradient. Quasi-Newton needs a gradient that moves smoothly:
`width` replaces the kink by a parabola of that half-width (what convolving the loss with a box does), which moves the
optimum by O(width^2) only.
"""

import abc
import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner.spec import LOSSES


class Loss(abc.ABC):
    """A loss as a function of prediction and target."""

    objective: str
    """Its name in the log, without `_objective`."""
    degree = 0
    """How it scales with the unit of the label: loss(a*y, a*f) = a**degree * loss(y, f)."""
    kinked = False
    """Whether its slope jumps."""
    width = 0.0
    """Half-width of the parabola in place of a kink; 0 is the loss itself."""

    @abc.abstractmethod
    def value_and_slope(self, f: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loss (b, m) and its derivative by the prediction, shaped as f. May overwrite f."""

    @abc.abstractmethod
    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(b, m), a positive stand-in for the second derivative by the prediction."""

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Loss (b, m)."""
        return self.value_and_slope(f.copy(), y)[0]

    def smoothed(self, width: float) -> "Loss":
        """This loss with its kinks rounded over `width` on either side."""
        other = copy.copy(self)
        other.width = width if self.kinked else 0.0
        return other


class SquaredLoss(Loss):
    """(y - f)^2."""

    objective, degree = "mse", 2

    def value_and_slope(self, f, y):
        f -= y[:, None]
        return f * f, 2 * f

    def curvature(self, f, y):
        return np.full_like(f, 2.0)


class HuberLoss(Loss):
    """e^2 / 2 for |e| <= delta, delta * (|e| - delta / 2) beyond."""

    objective, degree = "huber_loss", 2

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def value_and_slope(self, f, y):
        f -= y[:, None]
        slope = np.clip(f, -self.delta, self.delta)
        return slope * (f - 0.5 * slope), slope

    def curvature(self, f, y):
        return self.delta / np.maximum(np.abs(f - y[:, None]), self.delta)


class QuantileLoss(Loss):
    """The pinball: q * e above, (1 - q) * -e below, with e = y - f."""

    objective, degree, kinked = "quantile_loss", 1, True

    def __init__(self, quantile: float = 0.5) -> None:
        self.quantile = quantile

    def value_and_slope(self, f, y):
        f -= y[:, None]
        rounded, sign = _rounded_abs(f, self.width)
        lean = 0.5 - self.quantile  # pinball(e) = |e| / 2 + (1/2 - q) * (f - y)
        return 0.5 * rounded + lean * f, 0.5 * sign + f.dtype.type(lean)

    def curvature(self, f, y):
        return 0.5 * _bend(f - y[:, None], self.width)


class AbsoluteLoss(QuantileLoss):
    """|y - f|: twice the pinball at one half."""

    objective = "absolute_loss"

    def __init__(self) -> None:
        super().__init__(0.5)

    def value_and_slope(self, f, y):
        value, slope = super().value_and_slope(f, y)
        return 2 * value, 2 * slope

    def curvature(self, f, y):
        return 2 * super().curvature(f, y)


class EpsInsensitiveSquaredLoss(Loss):
    """max(0, e^2 - eps^2)."""

    objective, degree = "eps_insensitive_squared_loss", 2

    def __init__(self, eps: float = 0.01) -> None:
        self.eps = eps

    def value_and_slope(self, f, y):
        f -= y[:, None]
        outside = np.abs(f) > self.eps
        return outside * (f * f - f.dtype.type(self.eps**2)), 2 * f * outside

    def curvature(self, f, y):
        return 2.0 * (np.abs(f - y[:, None]) > self.eps).astype(f.dtype)


class EpsInsensitiveAbsoluteLoss(Loss):
    """max(0, |e| - eps)."""

    objective, degree, kinked = "eps_insensitive_absolute_loss", 1, True

    def __init__(self, eps: float = 0.01) -> None:
        self.eps = eps

    def value_and_slope(self, f, y):
        f -= y[:, None]
        # Two hinges, one on either side, so that rounding them leaves no kink at e = 0.
        above, up = _rounded_hinge(f - f.dtype.type(self.eps), self.width)
        below, down = _rounded_hinge(-f - f.dtype.type(self.eps), self.width)
        return above + below, up - down

    def curvature(self, f, y):
        e = f - y[:, None]
        return 0.5 * (_bend(e - self.eps, self.width) + _bend(-e - self.eps, self.width))


class LogisticLoss(Loss):
    """log(1 + exp(-s f)), s = +1 for label 1 and -1 for label 0."""

    objective = "binary_classification_cross_entropy"

    def value_and_slope(self, f, y):
        tail = np.exp(-np.abs(f))  # One exponential serves both results and never overflows.
        # In single precision log(1 + x) is as good as log1p (6e-8 absolute) and vectorised.
        log = np.log1p(tail) if f.dtype == np.float64 else np.log(1 + tail)
        log += np.maximum(f, 0)
        log -= f * y[:, None]
        slope = np.where(f >= 0, 1, tail)
        tail += 1
        slope /= tail
        slope -= y[:, None]
        return log, slope

    def curvature(self, f, y):
        tail = np.exp(-np.abs(f))
        return tail / (1 + tail) ** 2


class HingeLoss(Loss):
    """y max(0, (m + 1)/2 - f) + (1 - y) max(0, (m - 1)/2 + f): the targets are 0 and 1, margin m."""

    objective, kinked = "hinge_loss", True

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = margin

    def value_and_slope(self, f, y):
        side = (2 * y - 1)[:, None]
        value, slope = _rounded_hinge(self._shortfall(f, side), self.width)
        return value, -side * slope

    def curvature(self, f, y):
        return 0.5 * _bend(self._shortfall(f, (2 * y - 1)[:, None]), self.width)

    def _shortfall(self, f, side):
        # Label 1: m/2 - (f - 1/2). Label 0: m/2 + (f - 1/2).
        return f.dtype.type(self.margin / 2) - side * (f - f.dtype.type(0.5))


class SoftmaxLoss(Loss):
    """-log softmax(f)[y]; f is (b, m, k)."""

    objective = "multiclass_cross_entropy"

    def value_and_slope(self, f, y):
        labels = y.astype(np.intp)[:, None, None]
        f -= f.max(axis=2, keepdims=True)
        at_label = np.take_along_axis(f, labels, axis=2)[:, :, 0]
        np.exp(f, out=f)
        total = f.sum(axis=2)
        value = np.log(total) - at_label
        f /= total[:, :, None]
        np.put_along_axis(f, labels, np.take_along_axis(f, labels, axis=2) - 1, axis=2)
        return value, f

    def curvature(self, f, y):
        """(b, m): the mean over the classes of p (1 - p), times two; a scalar stand-in for diag(p) - p p'."""
        p = np.exp(f - f.max(axis=2, keepdims=True))
        p /= p.sum(axis=2, keepdims=True)
        return 2 * (p * (1 - p)).mean(axis=2)


def _rounded_abs(e: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """|e| with a parabola on [-width, width] (touching at its ends), and its slope."""
    if not width:
        return np.abs(e), np.sign(e)
    slope = np.clip(e / e.dtype.type(width), -1, 1)
    return np.maximum(np.abs(e), 0.5 * width * (slope * slope + 1)), slope


def _rounded_hinge(z: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """max(0, z) with a parabola on [-width, width], and its slope."""
    if not width:
        return np.maximum(z, 0), (z > 0).astype(z.dtype)
    rounded, slope = _rounded_abs(z, width)
    return 0.5 * (rounded + z), 0.5 * (slope + 1)


def _bend(e: np.ndarray, width: float) -> np.ndarray:
    """The curvature of the parabola that touches |e| from above: iteratively reweighted least squares' weight.

    The second derivative itself is zero almost everywhere; on a sample it would leave whole directions without any.
    """
    return 1 / np.maximum(np.abs(e), e.dtype.type(width or 1.0))


def sigmoid(f: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-f)), without overflow."""
    tail = np.exp(-np.abs(f))
    return np.where(f >= 0, 1, tail) / (1 + tail)


def make_loss(predictor_type: str, settings: Mapping[str, Any]) -> Loss:
    """The loss that the hyperparameters describe (loss, quantile, huber_delta, loss_insensitivity, margin)."""
    name = settings["loss"]
    name = LOSSES[predictor_type][0] if name == "auto" else name
    if name not in LOSSES[predictor_type]:
        allowed = ", ".join(LOSSES[predictor_type])
        raise CustomerError(f"loss of a {predictor_type} must be auto or one of {allowed}; got {name}")
    makers = {
        "squared_loss": SquaredLoss,
        "absolute_loss": AbsoluteLoss,
        "eps_insensitive_squared_loss": lambda: EpsInsensitiveSquaredLoss(float(settings["loss_insensitivity"])),
        "eps_insensitive_absolute_loss": lambda: EpsInsensitiveAbsoluteLoss(float(settings["loss_insensitivity"])),
        "quantile_loss": lambda: QuantileLoss(float(settings["quantile"])),
        "huber_loss": lambda: HuberLoss(float(settings["huber_delta"])),
        "logistic": LogisticLoss,
        "hinge_loss": lambda: HingeLoss(float(settings["margin"])),
        "softmax_loss": SoftmaxLoss,
    }
    return makers[name]()
