"""One boosting run with a job's hyperparameters: which go to the library, which metrics, when to stop early."""

from collections.abc import Mapping
from typing import Any

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.xgboost import metrics
from lakemill.algorithms.xgboost.checkpoints import Checkpoints
from lakemill.algorithms.xgboost.model import Booster, EarlyStopping, boost
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
    """One training on the first of the watched matrices, with the job's hyperparameters; the first host reports it."""
    values = context.hyperparameters
    report = context.log.raw if context.collective.rank == 0 else lambda line: None
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
        report,
        context.log.info,
        context.collective,
    )
    if trained.stopped_early:
        report(f"Stopping. Best iteration: {trained.best_iteration}")
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
    if values["booster"] == "gblinear" and values["updater"] != "coord_descent":
        # Its threads step on each other's weights, and no two runs would be alike.
        parameters["nthread"] = 1
    if values["updater"]:
        parameters["updater"] = _with_effect(values["updater"])
    if library_metrics:
        # The library wants the power in the metric's name, AWS's metric has none.
        power = f"tweedie-nloglik@{values['tweedie_variance_power']:g}"
        parameters["eval_metric"] = [power if name == "tweedie-nloglik" else name for name in library_metrics]
    return parameters


def _with_effect(updaters: str) -> str:
    """Without `sync`, which gives hosts the trees they have, and `prune` where no split is made that it would undo.

    On several hosts the library's own fail.
    """
    names = [name.strip() for name in updaters.split(",")]
    by_histogram = "grow_histmaker" in names or "grow_quantile_histmaker" in names
    idle = ("sync", "prune") if by_histogram else ("sync",)
    return ",".join(name for name in names if name not in idle)


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
