"""A model folder -> answers to /invocations, with the request and response forms of AWS's XGBoost container."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lakemill.algorithms import serving
from lakemill.algorithms.contract import InferenceError, InferenceRequest, InferenceResponse
from lakemill.algorithms.xgboost import answers, payload, quirks, selectable
from lakemill.algorithms.xgboost.artifact import Loaded, load_folder
from lakemill.algorithms.xgboost.library import XGBoostError, plain_message, xgboost
from lakemill.algorithms.xgboost.quick import OneRow
from lakemill.algorithms.xgboost.spec import SPEC

_VOTING = ("multi:softmax", "binary:hinge")


def load(model_dir: Path, environment: Mapping[str, str]) -> "XGBoostPredictor":
    """The predictor of a model folder; several files are one ensemble. Raises CustomerError."""
    models = load_folder(model_dir)
    if environment.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true").lower() in ("false", "0"):
        models = models[:1]
    return XGBoostPredictor(models, environment)


class XGBoostPredictor:
    """Implements `lakemill.algorithms.contract.Predictor`.

    environment: read are LAKEMILL_IMAGE_TAG, SAGEMAKER_BATCH, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT and
    SAGEMAKER_INFERENCE_OUTPUT.
    """

    def __init__(self, models: list[Loaded], environment: Mapping[str, str]) -> None:
        self._models = models
        self._quirks = quirks.for_tag(environment.get("LAKEMILL_IMAGE_TAG", ""))
        self._batch = serving.is_batch(environment)
        self._default_accept = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or serving.CSV
        self._quick = [OneRow(one.booster, one.feature_dim, one.rounds) for one in models if not one.linear]
        if not self._batch:
            # A request has few rows; a second thread costs more to wake than it saves, and much more on a busy machine.
            for one in models:
                one.booster.set_param({"nthread": 1})
        self._selected = environment.get("SAGEMAKER_INFERENCE_OUTPUT", "")

    def invoke(self, request: InferenceRequest) -> InferenceResponse:
        if not request.body:
            return InferenceResponse(b"", serving.CSV, 204)
        first = self._models[0]
        features = payload.features(request, first.feature_dim, self._libsvm_base(first))
        accept = serving.CSV
        if not self._quirks.accept_ignored or self._batch:
            accept, _ = serving.negotiate(request.accept, SPEC.response_types, self._default_accept)
        try:
            predictions = self._predict(features)
        except XGBoostError as wrong:
            raise InferenceError(400, f"Unable to evaluate payload provided: {plain_message(wrong)}") from None
        return self._answer(predictions, accept)

    def execution_parameters(self) -> dict[str, Any]:
        return serving.execution_parameters()

    def _libsvm_base(self, model: Loaded) -> int | None:
        if model.libsvm_base is not None:
            return model.libsvm_base
        return None if self._quirks.libsvm_shifted else 0

    def _predict(self, features: Any) -> np.ndarray:
        if len(self._quick) == len(self._models) and isinstance(features, np.ndarray) and len(features) == 1:
            each = [quick(features) for quick in self._quick]
        else:
            each = [predict(model, features) for model in self._models]
        if len(each) == 1:
            return each[0]
        together = np.stack(each)
        if self._models[0].objective in _VOTING:
            return _majority(together)
        return together.mean(axis=0)

    def _answer(self, predictions: np.ndarray, accept: str) -> InferenceResponse:
        if self._selected:
            return self._answer_selected(predictions, accept)
        if self._batch:
            return InferenceResponse(answers.lines(predictions), serving.CSV)
        if self._quirks.accept_ignored:
            return InferenceResponse(answers.one_line(predictions), serving.CSV)
        return InferenceResponse(answers.encode(predictions, accept), accept)

    def _answer_selected(self, predictions: np.ndarray, accept: str) -> InferenceResponse:
        first = self._models[0]
        try:
            names = selectable.names_in(self._selected)
            chosen = selectable.select(predictions, first.objective, first.class_count, names)
        except ValueError as wrong:
            raise InferenceError(500, str(wrong)) from None
        return InferenceResponse(selectable.encode(chosen, accept), accept)


def predict(model: Loaded, features: Any) -> np.ndarray:
    """(n,) or (n, k) float32, with the best rounds where training stopped early."""
    rounds = (0, model.rounds)
    if model.linear:  # Linear models have no in-place prediction.
        matrix = xgboost.DMatrix(features)
        return model.booster.predict(matrix, validate_features=False)
    return model.booster.inplace_predict(features, iteration_range=rounds, validate_features=False)


def _majority(votes: np.ndarray) -> np.ndarray:
    """(m, n) class votes -> (n,) float32; of equally frequent classes the lowest."""
    columns = votes.astype(np.int64).T
    return np.array([np.bincount(column).argmax() for column in columns], np.float32)
