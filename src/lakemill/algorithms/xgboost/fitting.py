"""One boosting run with a job's hyperparameters: which go to the library, which metrics, when to stop early."""

from collections.abc import Mapping
from typing import Any

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.xgboost import metrics
from lakemill.algorithms.xgboost.model import Booster, Checkpoints, EarlyStopping, boost
from lakemill.algorithms.xgboost.spec import SPEC

_NOT_THE_LIBRARYS = frozenset(
    {
        "num_round", "early_stopping_rounds", "csv_weights", "save_model_on_termination", "eval_metric",
        "_kfold", "_num_cv_round", "_tuning_objective_metric",
        "deterministic_histogram", "dsplit", "lambda_bias", "predictor", "prob_buffer_row",
        "single_precision_histogram", "sketch_eps", "use_dask_gpu_training",
    }
)  # fmt: skip
_DEFAULTS = {one.name: one.default for one in SPEC.hyperparameters}


def fit(context: TrainingContext, watched: list[tuple[Any, str]], checkpointed: bool = False) -> Booster:
    """One training on the first of the watched matrices, with the job's hyperparameters."""
    values = context.hyperparameters
    library, own = wanted_metrics(values)
    checkpoints = Checkpoints(context.checkpoint_dir) if checkpointed and context.checkpoint_dir else None
    trained = boost(
        library_parameters(values, library),
        values["num_round"],
        watched,
        own,
        _early_stopping(context, [name for _, name in watched]),
        checkpoints,
        context.stop_requested,
        context.log.raw,
    )
    if trained.stopped_early:
        context.log.raw(f"Stopping. Best iteration: {trained.best_iteration}")
    return trained


def wanted_metrics(values: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The metrics of the library and the container's own, the tuning job's among them, in the given order."""
    names = metrics.split(values["eval_metric"] or "")
    tuned = (values["_tuning_objective_metric"] or "").partition(":")[2]
    if tuned and tuned not in names:
        names.append(tuned)
    own = [name for name in names if name in metrics.CONTAINER]
    return [name for name in names if name not in own], own


def library_parameters(values: Mapping[str, Any], library_metrics: list[str]) -> dict[str, Any]:
    """What is handed to the xgboost library: everything of its own that differs from the spec's default."""
    parameters = {
        name: int(value) if isinstance(value, bool) else value
        for name, value in values.items()
        if name not in _NOT_THE_LIBRARYS and value is not None and value != _DEFAULTS[name]
    }
    if library_metrics:
        # The library wants the power in the metric's name, AWS's metric has none.
        power = f"tweedie-nloglik@{values['tweedie_variance_power']:g}"
        parameters["eval_metric"] = [power if name == "tweedie-nloglik" else name for name in library_metrics]
    return parameters


def _early_stopping(context: TrainingContext, watched: list[str]) -> EarlyStopping | None:
    values = context.hyperparameters
    rounds = values["early_stopping_rounds"]
    if not rounds:
        return None
    tuned = (values["_tuning_objective_metric"] or "").partition(":")[2]
    names = metrics.split(values["eval_metric"] or "")
    metric = tuned or (names[-1] if names else "")
    if "validation" not in watched or not metric:
        context.log.warning("Early stopping is off: it needs a validation channel and an eval_metric")
        return None
    return EarlyStopping(rounds, metric)
