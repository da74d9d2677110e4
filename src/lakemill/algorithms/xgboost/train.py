"""Channels -> DMatrix -> boosting rounds -> `xgboost-model`, or a cross validation with `_kfold`."""

import warnings
from collections.abc import Mapping

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError, InternalError
from lakemill.algorithms.xgboost import data, folds, labels
from lakemill.algorithms.xgboost.fitting import fit
from lakemill.algorithms.xgboost.library import XGBoostError, plain_message

MODEL_NAME = "xgboost-model"
"""The artifact's one file, in the library's UBJSON form; with folds the number of the fold follows."""


def train(context: TrainingContext) -> None:
    """The algorithm's entry point; see `lakemill.algorithms.contract`."""
    values = context.hyperparameters
    tables = _tables(context)
    for name, table in tables.items():
        rows, columns = table.features.shape
        context.log.info(f"{name.capitalize()} matrix has {rows} rows and {columns} columns")
    try:
        # The library warns about what we know: names of old, labels that look odd. It must not drown the log.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if values["_kfold"]:
                folds.cross_validate(context, tables, MODEL_NAME)
            else:
                _train_one(context, tables)
    except XGBoostError as wrong:
        text = plain_message(wrong)
        raise (InternalError if "bad_alloc" in text else CustomerError)(text) from wrong


def _tables(context: TrainingContext) -> dict[str, data.Table]:
    kinds = {name: data.long_type(one.content_type) for name, one in context.channels.items()}
    if len(set(kinds.values())) > 1:
        raise CustomerError(f"Train and validation must have the same content type; got {kinds}")
    weighted = context.hyperparameters["csv_weights"]
    tables = {
        name: data.read(name, context.channels[name], weighted)
        for name in ("train", "validation")
        if name in context.channels
    }
    data.same_width(tables)
    if data.long_type(context.channels["train"].content_type) == "text/libsvm":
        data.count_from_zero(tables)
    for name, table in tables.items():
        labels.check(name, table.labels, context.hyperparameters["objective"], context.hyperparameters["num_class"])
    return tables


def _train_one(context: TrainingContext, tables: Mapping[str, data.Table]) -> None:
    values = context.hyperparameters
    watched = [(table.matrix(values["nthread"], values["objective"]), name) for name, table in tables.items()]
    trained = fit(context, watched, checkpointed=True)
    if trained.interrupted and not values["save_model_on_termination"]:
        context.log.warning("The job was stopped; save_model_on_termination is false, so it leaves no model")
        return
    if tables["train"].libsvm_base is not None:
        trained.booster.set_attr(lakemill_libsvm_base=str(tables["train"].libsvm_base))
    (context.model_dir / MODEL_NAME).write_bytes(trained.booster.save_raw())
