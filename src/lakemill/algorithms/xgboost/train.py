"""Channels -> DMatrix -> boosting rounds -> `xgboost-model`, or a cross validation with `_kfold`."""

import warnings
from collections.abc import Mapping

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError, InternalError
from lakemill.algorithms.xgboost import data, folds, hosts, labels, matrices
from lakemill.algorithms.xgboost.fitting import fit
from lakemill.algorithms.xgboost.library import XGBoostError, plain_message

MODEL_NAME = "xgboost-model"
"""The artifact's one file, in the library's UBJSON form; with folds the number of the fold follows."""

_NOT_THE_USERS = ("bad_alloc", "allreduce.cc", "allgather.cc", "broadcast.cc", "comm.cc", "socket.h")
"""What the library says when memory is short or another host is lost."""


def train(context: TrainingContext) -> None:
    """The algorithm's entry point; see `lakemill.algorithms.contract`."""
    hosts.check(context.hyperparameters, context.collective.size)
    tables = _tables(context)
    for name, table in tables.items():
        context.log.info(f"{name.capitalize()} matrix has {len(table)} rows and {table.width} columns")
    try:
        # The library warns about what we know: names of old, labels that look odd. It must not drown the log.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with hosts.joined(context):
                if context.hyperparameters["_kfold"]:
                    folds.cross_validate(context, tables, MODEL_NAME)
                else:
                    _train_one(context, tables)
    except XGBoostError as wrong:
        text = plain_message(wrong)
        ours = any(mark in text for mark in _NOT_THE_USERS)
        raise (InternalError if ours else CustomerError)(text) from wrong


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
    data.agree(tables, kinds["train"] == data.LIBSVM, context.collective)
    for name, table in tables.items():
        labels.check(name, table.labels, context.hyperparameters["objective"], context.hyperparameters["num_class"])
    return tables


def _train_one(context: TrainingContext, tables: Mapping[str, data.Table]) -> None:
    values = context.hyperparameters
    libsvm_base = tables["train"].libsvm_base
    trained = fit(context, matrices.watched(tables, values, context.collective), checkpointed=True)
    if trained.interrupted and not values["save_model_on_termination"]:
        context.log.warning("The job was stopped; save_model_on_termination is false, so it leaves no model")
        return
    if libsvm_base is not None:
        trained.booster.set_attr(lakemill_libsvm_base=str(libsvm_base))
    if context.collective.rank == 0:
        (context.model_dir / MODEL_NAME).write_bytes(trained.booster.save_raw())
