"""The loop over records of the Kalman solver, compiled. See kalman.py for what it computes."""

# numba infers the types here.
# mypy: ignore-errors

import numpy as np

from lakemill.algorithms.factorization_machines.layout import (
    FACTORS,
    FACTORS_NOW,
    LANES,
    LINEAR,
    LINEAR_NOW,
    SEEN,
    SEEN_NOW,
)
from lakemill.formats.jit import compiled

REACH = np.float32(0.5)
"""A record may change the sums of its factors by at most this share of themselves: f is quadratic in them, and the
step is made for a linear one."""
TINY = np.float32(1e-30)


@compiled
def take(
    indptr,
    indices,
    values,
    labels,
    order,
    bias,
    linear,
    factors,
    statistics,
    precisions,
    count,
    step,
    logistic,
    margins,
):
    """Take in one record after the other, in the given order. Returns the sum of the variances of f.

    indptr, indices, values, labels : the records, csr
    order : (n,) rows of them
    bias : (3,) its value, and its curvature in the last pass and so far in this one
    linear (d,), factors (d, k padded), statistics (d, 6)
    precisions : (4,) of the priors of bias, linear and factors, infinite for what is not learned; of the noise
    count : factors without padding
    margins : (n,) out: f of each record before it was taken in, in that order
    """
    one, half, zero = np.float32(1), np.float32(0.5), np.float32(0)
    width, share_of_one = factors.shape[1], one / np.float32(count)
    sums = np.empty(width, np.float32)
    prior_bias, prior_linear, prior_factors, noise = precisions
    use_bias, use_linear = prior_bias < np.inf, prior_linear < np.inf
    total_variance = 0.0
    for place in range(len(order)):
        row = order[place]
        first, last = indptr[row], indptr[row + 1]

        # f = w0 + w x + (|sum v x|^2 - sum |v x|^2) / 2
        sums[:] = zero
        f, squares = bias[0], zero
        for at in range(first, last):
            i, x = indices[at], values[at]
            f += linear[i] * x
            for part in range(0, width, LANES):
                for lane in range(LANES):
                    moved = factors[i, part + lane] * x
                    sums[part + lane] += moved
                    squares += moved * moved
        for part in range(width):
            f += half * sums[part] * sums[part]
        f -= half * squares
        margins[place] = f

        # Its variance: of each parameter, gradient^2 / precision.
        variance, reach = zero, zero
        if use_bias:
            variance += one / (prior_bias + max(bias[1], bias[2]))
        for at in range(first, last):
            i, x = indices[at], values[at]
            if use_linear:
                variance += x * x / (prior_linear + max(statistics[i, LINEAR], statistics[i, LINEAR_NOW]))
            share = x * x / (prior_factors + max(statistics[i, FACTORS], statistics[i, FACTORS_NOW]))
            slopes = zero
            for part in range(0, width, LANES):
                for lane in range(LANES):
                    slope = sums[part + lane] - factors[i, part + lane] * x
                    slopes += slope * slope
            variance += share * slopes
            reach += share
        total_variance += variance

        # The loss's gradient and curvature in f, and the Kalman gain.
        if logistic:
            chance = one / (one + np.exp(-f))
            gradient, curvature = chance - labels[row], chance * (one - chance)
        else:
            gradient, curvature = noise * (f - labels[row]), noise
        gain = step * gradient / (one + step * curvature * variance)
        held = gain * min(one, REACH / (abs(gain) * reach + TINY))

        if use_bias:
            bias[0] -= gain / (prior_bias + max(bias[1], bias[2]))
            bias[2] += curvature
        for at in range(first, last):
            i, x = indices[at], values[at]
            # In the first pass the precision itself holds the prior; later every record pulls its share to 0.
            seen = statistics[i, SEEN]
            pull = step / seen if seen > zero else zero
            if use_linear:
                precision = prior_linear + max(statistics[i, LINEAR], statistics[i, LINEAR_NOW])
                linear[i] -= (gain * x + pull * prior_linear * linear[i]) / precision
                statistics[i, LINEAR_NOW] += curvature * x * x
            precision = prior_factors + max(statistics[i, FACTORS], statistics[i, FACTORS_NOW])
            move, shrink = held * x / precision, pull * prior_factors / precision
            slopes = zero
            for part in range(0, width, LANES):
                for lane in range(LANES):
                    v = factors[i, part + lane]
                    slope = sums[part + lane] - v * x
                    slopes += slope * slope
                    factors[i, part + lane] = v - (move * slope + shrink * v)
            statistics[i, FACTORS_NOW] += curvature * x * x * slopes * share_of_one
            statistics[i, SEEN_NOW] += one
    return total_variance
