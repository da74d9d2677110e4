"""Matching with labels: boosted trees that begin where unsupervised matching ends.

The log-odds of the model of Fellegi and Sunter, scaled and shifted to the labels, are the margin from which boosting
starts. With few labels it adds little, with many it decides. How many rounds are worth it, cross-validation over
labeling sets says; the scores it makes of pairs that were not learned calibrate the probabilities (Platt's sigmoid).

Source: Chen and Guestrin, "XGBoost: a scalable tree boosting system", KDD 2016; Platt, "Probabilistic outputs for
support vector machines", Advances in Large Margin Classifiers, 1999.
"""

import dataclasses
from typing import Any

import numpy as np

FOLDS = 3
ROUNDS_MAX = 120
BELIEF = np.diag([20.0, 0.4])
"""How firmly slope and shift of log-odds are believed to be 1 and 0, as information."""


@dataclasses.dataclass
class Matcher:
    """Probabilities of pairs from their measures and unsupervised log-odds; `fit` makes one of labelled pairs."""

    slope: float
    shift: float
    """Of unsupervised log-odds, to make the margin."""
    rounds: int
    tree: bytes
    """The booster in XGBoost's UBJSON; empty: none."""
    calibration: tuple[float, float] = (1.0, 0.0)
    """Slope and shift of the final margin."""
    held_out: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0))
    """(P,): the probability of each labelled pair from a fit without it."""

    @classmethod
    def fit(cls, measures: np.ndarray, odds: np.ndarray, match: np.ndarray, groups: np.ndarray, seed: int) -> "Matcher":
        """measures: (P, F); odds: (P,) unsupervised; match: (P,) bool; groups: (P,) labeling sets."""
        folds = _folds(match, groups, seed)
        margins = np.empty((len(match), 0))
        bases = np.empty(len(match))
        for fold in range(FOLDS):
            out = folds == fold
            slope, shift = _platt(odds[~out], match[~out])
            bases[out] = slope * _bounded(odds[out]) + shift
        rounds = 0
        if _learnable(match):
            stages = _stages(len(match))
            margins = np.empty((len(match), len(stages)))
            for fold in range(FOLDS):
                out = folds == fold
                slope, shift = _platt(odds[~out], match[~out])
                base = slope * _bounded(odds) + shift
                booster = _boost(measures[~out], base[~out], match[~out], stages[-1], seed)
                for place, stage in enumerate(stages):
                    margins[out, place] = _margin(booster, measures[out], base[out], stage)
            losses = [_loss(bases, match), *(_loss(margins[:, place], match) for place in range(len(stages)))]
            best = int(np.argmin(losses))
            rounds = stages[best - 1] if best else 0
            bases = margins[:, best - 1] if best else bases
        slope, shift = _platt(odds, match)
        booster = _boost(measures, slope * _bounded(odds) + shift, match, rounds, seed) if rounds else None
        tree = bytes(booster.save_raw("ubj")) if booster is not None else b""
        calibration = _platt(bases, match)
        held_out = sigmoid(calibration[0] * bases + calibration[1])
        return cls(slope, shift, rounds, tree, calibration, held_out)

    def probability(self, measures: np.ndarray, odds: np.ndarray) -> np.ndarray:
        """(P,) float64."""
        margin = self.slope * _bounded(odds) + self.shift
        if self.rounds:
            margin = _margin(self._booster(), measures, margin, self.rounds)
        return sigmoid(self.calibration[0] * margin + self.calibration[1])

    def check(self) -> None:
        """Raises ValueError if the trees cannot be read."""
        if self.rounds and self._booster().num_boosted_rounds() < self.rounds:
            raise ValueError("it lacks trees")

    def _booster(self) -> Any:
        from lakemill.algorithms.xgboost.library import XGBoostError, plain_message, xgboost

        booster = xgboost.Booster({"nthread": 1})
        try:
            booster.load_model(bytearray(self.tree))
        except XGBoostError as error:
            raise ValueError(plain_message(error)) from None
        return booster


def _learnable(match: np.ndarray) -> bool:
    return min(match.sum(), (~match).sum()) >= 10


def _stages(size: int) -> list[int]:
    return [10, 20, 40, 80, ROUNDS_MAX] if size < 5000 else [40, 100]


def _boost(measures: np.ndarray, base: np.ndarray, match: np.ndarray, rounds: int, seed: int) -> Any:
    from lakemill.algorithms.xgboost.library import xgboost

    size = len(match)
    parameters = {
        "objective": "binary:logistic", "tree_method": "hist", "max_bin": 64, "base_score": 0.5, "nthread": 1,
        "eta": 0.1 if size < 1000 else 0.2, "max_depth": 2 if size < 300 else 4 if size < 3000 else 6,
        "min_child_weight": 1.0, "lambda": 2.0, "seed": seed, "colsample_bynode": 0.5,
    }  # fmt: skip
    data = xgboost.DMatrix(measures, label=match.astype(np.float32), base_margin=base.astype(np.float32), nthread=1)
    return xgboost.train(parameters, data, rounds)


def _margin(booster: Any, measures: np.ndarray, base: np.ndarray, rounds: int) -> np.ndarray:
    from lakemill.algorithms.xgboost.library import xgboost

    if not len(measures):
        return base
    data = xgboost.DMatrix(measures, base_margin=base.astype(np.float32), nthread=1)
    return booster.predict(data, output_margin=True, iteration_range=(0, rounds)).astype(np.float64)


def _folds(match: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """(P,): the fold of each pair; a group is in one fold."""
    different, which = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(different))
    return (order % FOLDS)[which]


def _bounded(odds: np.ndarray) -> np.ndarray:
    return np.clip(odds, -30, 30)


def sigmoid(margin: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(margin, -50, 50)))


def _loss(margin: np.ndarray, match: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0, np.where(match, -margin, margin))))


def _platt(score: np.ndarray, match: np.ndarray) -> tuple[float, float]:
    """Slope and shift of the logistic curve through labels, drawn towards 1 and 0. Newton's method."""
    x = np.stack([_bounded(score), np.ones(len(score))], axis=1)
    beta = np.array([1.0, 0.0])
    for _ in range(50):
        p = sigmoid(x @ beta)
        gradient = x.T @ (p - match) + BELIEF @ (beta - (1.0, 0.0))
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + BELIEF, gradient)
        largest = np.abs(step).max()
        beta = beta - step / max(1.0, largest)
        if largest < 1e-8:
            break
    return float(max(beta[0], 0.01)), float(beta[1])
