"""Factorization machines by a diagonal extended Kalman filter: every parameter has a value and a precision.

A record is taken in as an observation of f. Linearised at the present values, f has a gradient z in every parameter
(x for a weight, x (sum v x - v x) for a factor); with g the loss's gradient in f and h its curvature, a parameter of
precision p moves by -(z / p) g / (1 + h sum z^2 / p), and p grows by h z^2. Rare features so learn in large steps and
frequent ones in small ones, no learning rate is to be set, and one pass is already a good fit. In a further pass the
precisions are those of the pass before, and the prior pulls each value to 0 in shares. The last passes take smaller
steps, which averages the noise of single records out.

What is held fixed inside: features have a mean square of 1 where they are not 0, labels of a regression a mean of 0
and a variance of 1. The precisions of the priors begin where the model explains about all variance; after each pass
they are moved the way that lowers the loss of records held back.

Sources: Kalman, "A new approach to linear filtering and prediction problems", J. Basic Eng. 82, 1960; Stern, Herbrich
and Graepel, "Matchbox", WWW 2009 (filtering for bilinear models); Rendle, "Learning recommender systems with adaptive
regularization", WSDM 2012 (priors by records held back); Rendle, "Factorization Machines", ICDM 2010.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from lakemill.algorithms.contract import Collective, SingleHost
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines.layout import FACTORS, LANES, LINEAR, SEEN
from lakemill.algorithms.factorization_machines.model import FactorizationModel, chances
from lakemill.algorithms.factorization_machines.spec import BINARY
from lakemill.algorithms.factorization_machines.starts import Starts
from lakemill.algorithms.training import totals

LINEAR_SHARE, PAIRS_SHARE = 1.0, 0.5
"""The priors' variance of a mean record's linear part and of its pairs, in units of the noise."""
START_SHARE = 0.1
"""Factors begin with this share of the prior's standard deviation."""
BIAS_PRECISION = 1.0
CHANCE = 1.0
"""What the slope of the loss of the records held back must be, in standard errors, before a prior is moved."""
ADAPT, ADAPT_MAX = 0.7, 1e3
"""A prior's precision moves by exp(+-ADAPT) a pass at most, and by this factor from where it began."""
SLOW_SHARE, SLOWEST = 0.3, 0.15
"""Share of the passes with smaller steps, and the last one's step."""


class Records(NamedTuple):
    """n records as csr arrays, features scaled: indptr int64, indices int32, values float32."""

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray


def steps(passes: int) -> np.ndarray:
    """The step of each pass: 1, and at the end less.

    >>> steps(1).tolist(), steps(4).tolist()
    ([1.0], [1.0, 1.0, 1.0, 0.15])
    """
    slow = max(1, round(SLOW_SHARE * passes)) if passes > 1 else 0
    return np.concatenate([np.ones(passes - slow), np.linspace(1, SLOWEST, slow + 1)[1:]]) if slow else np.ones(passes)


class KalmanState:
    """Values and precisions of a machine with `count` factors of each of `dim` features.

    For each block of records: learn_scales, scaled, begin, take; after the last end_pass. All but scaled and take are
    collective calls where there are several hosts (between takes: hosts.exchange).
    starts: groups whose starting values are given, in the data's units.
    """

    def __init__(
        self,
        dim: int,
        count: int,
        predictor_type: str,
        *,
        use_bias: bool = True,
        use_linear: bool = True,
        starts: Starts | None = None,
        seed: int = 0,
        collective: Collective | None = None,
    ) -> None:
        self._shape = dim, count
        self._type, self._logistic = predictor_type, predictor_type == BINARY
        self._starts, self._seed = dict(starts or {}), seed
        self._collective = collective or SingleHost()
        width = -(-count // LANES) * LANES
        self.bias = np.zeros(3, np.float32)
        self.linear = np.zeros(dim, np.float32)
        self.factors = np.zeros((dim, width), np.float32)
        self.statistics = np.zeros((dim, 6), np.float32)
        self.scale = np.zeros(dim, np.float32)
        own = [BIAS_PRECISION if use_bias else np.inf, 1 if use_linear else np.inf, 1, 1]
        self.precisions = np.array(own, np.float32)
        """Of the priors of bias, linear weights and factors; and of the noise."""
        self.began = np.zeros(4, np.float32)
        """The precisions as they began; 0 before `begin`."""
        self.units = np.array([0.0, 1.0])
        """Mean and standard deviation of the labels, for a regression."""
        self.energy = np.ones(1)
        """Mean sum of squares of a record: how many features it has."""
        self.sums = np.zeros(3)
        """Of this pass: records, squared errors, variances."""

    ARRAYS = ("bias", "linear", "factors", "statistics", "scale", "precisions", "began", "units", "energy", "sums")

    def learn_scales(self, features: Any) -> None:
        """Fix the scales of features that are seen for the first time, in (n, d) csr."""
        dim, _ = self._shape
        squares = np.bincount(features.indices, np.square(features.data, dtype=np.float64), dim)
        counts = np.bincount(features.indices, minlength=dim)
        if self._collective.size > 1:
            squares, counts = self._collective.sum(squares), self._collective.sum(counts)
        new = (counts > 0) & (self.scale == 0)
        mean = squares[new] / counts[new]
        self.scale[new] = np.where(mean > 0, np.sqrt(mean), 1)
        if self.began.any():
            self.linear[new] *= self.scale[new] if "linear" in self._starts else 1
            self.factors[new] *= self.scale[new, None] if "factors" in self._starts else 1

    def scaled(self, features: Any) -> Records:
        """Records whose features all have a scale."""
        indices = features.indices.astype(np.int32, copy=False)
        return Records(features.indptr.astype(np.int64), indices, features.data / self.scale[indices])

    def begin(self, records: Records, labels: np.ndarray) -> None:
        """Priors, units and starting values from first records; a call after the first one does nothing."""
        if self.began.any():
            return
        squares = _row_sums(records, np.square(records.values))
        fourths = np.square(np.square(records.values)).sum(dtype=np.float64)
        found = [len(labels), labels.sum(dtype=np.float64), labels @ labels.astype(np.float64)]
        found += [squares.sum(), squares @ squares - fourths]
        count, total, total_squares, energy, pairs = self._collective.sum(np.array(found))
        rank = self._shape[1]
        self.energy[0] = energy / count
        linear = max(self.energy[0] / LINEAR_SHARE, 1e-3)
        factors = max(np.sqrt(rank * max(pairs, 0) / count / 2 / PAIRS_SHARE), 1e-3 * linear)
        self.precisions[1:3] = self.precisions[1] * linear, factors
        self.began = self.precisions.copy()
        mean = total / count if np.isfinite(self.precisions[0]) else 0.0
        if not self._logistic:
            deviation = np.sqrt(max(total_squares / count - mean**2, 0))
            self.units = np.array([mean, deviation if deviation > 1e-9 * (1 + abs(mean)) else 1.0])
        self._start((total + 1) / (count + 2))

    def _start(self, chance: float) -> None:
        random, (mean, deviation) = np.random.default_rng([self._seed, 0]), self.units
        dim, count = self._shape
        scale = np.where(self.scale > 0, self.scale, 1).astype(np.float32)
        use_bias, use_linear = np.isfinite(self.precisions[:2])
        if "bias" in self._starts:
            self.bias[0] = (self._starts["bias"].draw((1,), random)[0] - mean) / deviation
        elif self._logistic:
            self.bias[0] = np.log(chance / (1 - chance))
        self.bias[0] *= use_bias
        if "linear" in self._starts and use_linear:
            self.linear[:] = self._starts["linear"].draw((dim,), random) * scale / np.float32(deviation)
        if "factors" in self._starts:
            drawn = self._starts["factors"].draw((dim, count), random)
            self.factors[:, :count] = drawn * scale[:, None] / np.float32(np.sqrt(deviation))
        else:
            amount = np.float32(START_SHARE / np.sqrt(self.precisions[2]))
            self.factors[:, :count] = random.standard_normal((dim, count), np.float32) * amount

    def take(self, records: Records, labels: np.ndarray, order: np.ndarray, step: float) -> np.ndarray:
        """Take the rows of `order` in, one after the other; f of each before that, (n,) in the labels' units."""
        from lakemill.algorithms.factorization_machines import kernel  # Brings numba, which takes its time.

        margins = np.empty(len(order), np.float32)
        mean, deviation = self.units
        wanted = labels if self._logistic else ((labels - mean) / deviation).astype(np.float32)
        variances = kernel.take(
            *records, wanted, order, self.bias, self.linear, self.factors, self.statistics, self.precisions,
            self._shape[1], np.float32(step), self._logistic, margins,
        )  # fmt: skip
        errors = margins - wanted[order]
        self.sums += [len(order), errors @ errors.astype(np.float64), variances]
        return margins if self._logistic else margins * np.float32(deviation) + np.float32(mean)

    def end_pass(self, held: tuple[Records, np.ndarray] | None = None) -> None:
        """After the last record: the noise and, from records held back and their labels, the priors."""
        count, squares, variances = totals(self._collective, self.sums.tolist())
        self.sums[:] = 0
        ratio = np.float32(1)
        if not self._logistic:
            noise = max((squares + variances) / max(count, 1), 1e-6)
            ratio, self.precisions[3] = np.float32(1 / noise / self.precisions[3]), 1 / noise
        for before in (SEEN, LINEAR, FACTORS):
            now = self.statistics[:, before + 1]
            self.statistics[:, before] = now if before == SEEN else now * ratio
            now[:] = 0
        self.bias[1:] = self.bias[2] * ratio, 0
        if held is not None:
            self._move_priors(*held)

    def _move_priors(self, records: Records, labels: np.ndarray) -> None:
        mean, deviation = self.units
        shape = (len(labels), self._shape[0])
        features = scipy.sparse.csr_matrix((records.values, records.indices, records.indptr), shape)
        margins, slopes = slopes_of_priors(features, self.bias[0], self.linear, self.factors, self._pulls())
        errors = chances(margins) - labels if self._logistic else margins - (labels - mean) / deviation
        changes = [errors * slope for slope in slopes]
        found = totals(self._collective, [float(value) for one in changes for value in (one.sum(), one @ one)])
        for place, (total, square) in enumerate(found.reshape(2, 2), start=1):
            certainty = total / np.sqrt(square) if square > 0 else 0.0
            beyond = np.sign(certainty) * max(abs(certainty) - CHANCE, 0)
            moved = self.precisions[place] * np.exp(ADAPT * np.clip(beyond / 2, -1, 1))
            if np.isfinite(moved):
                began = self.began[place]
                self.precisions[place] = np.clip(moved, began / ADAPT_MAX, began * ADAPT_MAX)

    def _pulls(self) -> tuple[np.ndarray, np.ndarray]:
        """What the priors pull weights and factors by, for a unit of their precision."""
        _, prior_linear, prior_factors, _ = self.precisions
        linear = self.linear / (prior_linear + self.statistics[:, LINEAR])
        return linear, self.factors / (prior_factors + self.statistics[:, FACTORS, None])

    def model(self) -> FactorizationModel:
        """The machine in the data's units. Features that were never seen keep a given start, else they are 0."""
        _, count = self._shape
        mean, deviation = self.units
        seen = self.scale > 0
        scale = np.where(seen, self.scale, 1).astype(np.float64)
        linear = self.linear * (deviation / scale)  # In double precision up to here.
        factors = self.factors[:, :count] * (np.sqrt(deviation) / scale)[:, None]
        if "factors" not in self._starts:
            factors[~seen] = 0
        bias = float(self.bias[0] * deviation + mean)
        with np.errstate(over="ignore"):
            found = FactorizationModel(bias, linear.astype(np.float32), factors.astype(np.float32), self._type)
        if not found.finite():
            raise CustomerError(
                "The values of the features or labels are too large or too small for 32-bit numbers; scale them"
            )
        return found


def slopes_of_priors(
    features: Any, bias: float, linear: np.ndarray, factors: np.ndarray, pulls: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Of (n, d) csr records: f, and how fast it falls as weights and as factors move by -pulls; each (n,) float64."""
    pulled, shrunk = pulls
    sums, squares = features @ factors, features.multiply(features)
    pairs = np.einsum("nk,nk->n", sums, sums) - squares @ np.einsum("dk,dk->d", factors, factors)
    margins = np.asarray(bias + features @ linear + 0.5 * pairs, np.float64)
    by_factors = np.einsum("nk,nk->n", sums, features @ shrunk) - squares @ np.einsum("dk,dk->d", factors, shrunk)
    return margins, (np.asarray(features @ pulled, np.float64), np.asarray(by_factors, np.float64))


def _row_sums(records: Records, values: np.ndarray) -> np.ndarray:
    """(n,) float64 sums of values within each record."""
    before = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return before[records.indptr[1:]] - before[records.indptr[:-1]]
