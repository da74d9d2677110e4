"""XGBoost: hyperparameters, channels and metrics as AWS's container declares them.

A default of None means: not passed on, the library decides (for some names its default depends on the booster or the
objective; the sentence says so). Names that the library has dropped are checked and stay without effect; where they
would have changed the model, a value other than the default is refused.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

from lakemill.algorithms.spec import AlgorithmSpec, Channel, Hyperparameter, Metric, Range
from lakemill.algorithms.xgboost import metrics

OBJECTIVES = (
    "reg:squarederror",
    "reg:linear",
    "reg:logistic",
    "reg:gamma",
    "reg:pseudohubererror",
    "reg:squaredlogerror",
    "reg:absoluteerror",
    "reg:tweedie",
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
    "survival:aft",
    "survival:cox",
)
_TREE_UPDATERS = ("grow_colmaker", "grow_histmaker", "grow_quantile_histmaker", "sync", "refresh", "prune")
_LINEAR_UPDATERS = ("shotgun", "coord_descent")
_DROPPED_UPDATERS = ("distcol", "grow_skmaker")
_GPU = "needs a GPU and an xgboost built for CUDA; this installation trains on the CPU: use hist"


def _tree_method(value: str) -> str | None:
    return f"gpu_hist {_GPU}" if value == "gpu_hist" else None


def _predictor(value: str) -> str | None:
    return f"gpu_predictor {_GPU}" if value == "gpu_predictor" else None


def _updaters(text: str) -> str | None:
    names = [name.strip() for name in text.split(",")]
    dropped = [name for name in names if name in _DROPPED_UPDATERS]
    if dropped:
        return f"the xgboost library has no updater {dropped[0]} any more"
    if len(names) == 1 and names[0] in _LINEAR_UPDATERS:
        return None
    unknown = [name for name in names if name not in _TREE_UPDATERS]
    if unknown:
        return f"{unknown[0]!r} is not an updater; a list must be of {', '.join(_TREE_UPDATERS)}"
    if set(names) == {"sync"}:
        return "sync alone grows no trees; name a grow_ updater before it"
    if sum(name.startswith("grow_") for name in names) > 1:
        return f"at most one of the updaters may be a grow_ one; got {text!r}"
    return None


def _monotone(text: str) -> str | None:
    members = text.strip().removeprefix("(").removesuffix(")").split(",")
    if all(member.strip() in ("-1", "0", "1") for member in members if member.strip()):
        return None
    return f"must be a tuple of -1, 0 and 1 such as (1,-1); got {text!r}"


def _interactions(text: str) -> str | None:
    wrong = f"must be lists of column numbers such as [[1,2],[3,4]]; got {text!r}"
    try:
        groups = json.loads(text)
    except ValueError:
        return wrong
    whole = isinstance(groups, list) and all(isinstance(group, list) for group in groups)
    return None if whole and all(type(one) is int and one >= 0 for group in groups for one in group) else wrong


def _objective_metric(text: str) -> str | None:
    if not text:
        return None
    split, _, name = text.partition(":")
    if split not in ("train", "validation") or not name:
        return f"must be a metric such as validation:rmse; got {text!r}"
    return metrics.wrong_name(name)


def _integer(name: str, doc: str, default: int | None = None, low: float | None = 0, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, "integer", doc, default=default, low=low, **more)


def _number(name: str, doc: str, default: float | None = None, low: float | None = 0, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, "continuous", doc, default=default, low=low, **more)


def _word(name: str, doc: str, default: str | None, *choices: str, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, "categorical", doc, default=default, choices=choices, **more)


def _flag(name: str, doc: str, default: bool, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, "boolean", doc, default=default, **more)


def _text(name: str, doc: str, check: Callable[[Any], str | None] | None = None) -> Hyperparameter:
    return Hyperparameter(name, "text", doc, check=check)


def _fraction(name: str, doc: str, tunable: Range | None = None) -> Hyperparameter:
    return _number(name, doc, 1.0, high=1, low_open=True, tunable=tunable)


HYPERPARAMETERS = (
    _integer("num_round", "Boosting rounds.", low=1, required=True, tunable=Range(1, 4000)),
    _integer("num_class", "Classes; needed by the multi: objectives.", low=2),
    _word("objective", "What is minimised.", "reg:squarederror", *OBJECTIVES),
    _text("eval_metric", "Comma list of metrics; if absent the library chooses by objective.", metrics.wrong_name),
    _word("booster", "Trees, a linear model, or trees with dropout.", "gbtree", "gbtree", "gblinear", "dart"),
    _number("alpha", "L1 penalty on weights.", 0.0, aliases=("reg_alpha",), tunable=Range(0, 1000)),
    _number("lambda", "L2 penalty on weights; 1, or 0 with gblinear.", aliases=("reg_lambda",), tunable=Range(0, 1000)),
    _number(
        "eta",
        "Step shrinkage; 0.3, or 0.5 with gblinear.",
        high=1,
        aliases=("learning_rate",),
        tunable=Range(0.1, 0.5),
    ),
    _number("gamma", "Least loss reduction for a split.", 0.0, aliases=("min_split_loss",), tunable=Range(0, 5)),
    _integer("max_depth", "Greatest depth of a tree; 0 for no limit.", 6, tunable=Range(0, 10)),
    _integer("max_leaves", "Most leaves of a tree; 0 for no limit.", 0),
    _integer("max_bin", "Most bins of a feature for histograms.", 256, low=2),
    _number("min_child_weight", "Least sum of instance weight in a child.", 1.0, tunable=Range(0, 120)),
    _number("max_delta_step", "Largest step of a leaf; 0 (none), or 0.7 with count:poisson.", tunable=Range(0, 10)),
    _fraction("subsample", "Share of the records each tree sees.", Range(0.5, 1)),
    _word("sampling_method", "How records are drawn.", "uniform", "uniform", "gradient_based"),
    _fraction("colsample_bytree", "Share of the columns of a tree.", Range(0.5, 1)),
    _fraction("colsample_bylevel", "Share of the columns of a level.", Range(0.1, 1)),
    _fraction("colsample_bynode", "Share of the columns of a split.", Range(0.1, 1)),
    _word("tree_method", "Split finding.", "auto", "auto", "exact", "approx", "hist", "gpu_hist", check=_tree_method),
    _word("grow_policy", "Where the tree grows next.", "depthwise", "depthwise", "lossguide"),
    _integer("num_parallel_tree", "Trees of one round (a boosted random forest).", 1, low=1),
    _number("base_score", "Prediction before the first tree; estimated from the labels if absent."),
    _number("scale_pos_weight", "Weight of the positive class.", 1.0, low_open=True),
    _text("monotone_constraints", "Tuple of -1, 0, 1: the direction of each feature.", _monotone),
    _text("interaction_constraints", "Lists of columns that may meet in a tree.", _interactions),
    _text("updater", "Comma list of tree updaters, or one linear updater.", _updaters),
    _word("process_type", "Grow trees, or update given ones.", "default", "default", "update"),
    _flag("refresh_leaf", "Whether the refresh updater also updates leaves.", True),
    _number("tweedie_variance_power", "From Poisson to gamma.", 1.5, 1, high=2, low_open=True, high_open=True),
    _word("aft_loss_distribution", "Noise of survival:aft.", "normal", "normal", "logistic", "extreme"),
    _number("aft_loss_distribution_scale", "Scale of that noise.", 1.0),
    _word("sample_type", "Dart: how dropped trees are drawn.", "uniform", "uniform", "weighted"),
    _word("normalize_type", "Dart: weight of new trees.", "tree", "tree", "forest"),
    _number("rate_drop", "Dart: share of trees dropped.", 0.0, high=1),
    _flag("one_drop", "Dart: drop at least one tree.", False),
    _number("skip_drop", "Dart: chance of dropping none.", 0.0, high=1),
    _integer("early_stopping_rounds", "Stop when validation has not improved for so many rounds.", low=1),
    _integer("seed", "Of all random choices.", 0, low=None),
    _integer("nthread", "Threads; all processors if absent.", low=1),
    _integer("verbosity", "0 silent, 1 warnings, 2 info, 3 debug.", 1, high=3),
    _flag("csv_weights", "Whether column 2 of CSV training data is the record's weight.", False),
    _flag("save_model_on_termination", "Whether a stopped job leaves a model.", False),
    _integer("_kfold", "Folds of a cross validation in place of one training.", low=2),
    _integer("_num_cv_round", "Repetitions of the cross validation.", low=1),
    _text("_tuning_objective_metric", "Sent by a tuning job: its metric, e.g. validation:auc.", _objective_metric),
    _flag("deterministic_histogram", "Without effect: on the CPU it always is.", True),
    _word("dsplit", "Split of data over hosts; col is refused on several.", "row", "row", "col"),
    _number("lambda_bias", "Dropped by the library; refused with gblinear.", 0.0, high=1),
    _word("predictor", "Where predictions run; gpu_predictor is refused.", "auto", "auto", "cpu_predictor",
          "gpu_predictor", check=_predictor),
    _number("prob_buffer_row", "Without effect: of a buffer that the library had.", 1.0, low=1),
    _flag("single_precision_histogram", "Without effect: histograms are in double precision.", False),
    _number("sketch_eps", "Dropped by the library; with approx say max_bin.", 0.03, low_open=True, high=1,
            high_open=True),
    _flag("use_dask_gpu_training", "Several GPUs.", False, check=lambda on: f"Dask training {_GPU}" if on else None),
)  # fmt: skip


def _check(values: Mapping[str, Any]) -> str | None:
    """Dependencies between hyperparameters."""
    checks = (_check_classes, _check_metrics, _check_constraints, _check_updater, _check_dropped, _check_folds)
    return next((wrong for check in checks if (wrong := check(values))), None)


def _check_classes(values: Mapping[str, Any]) -> str | None:
    multi = values["objective"].startswith("multi:")
    if multi and values["num_class"] is None:
        return f"num_class is required for objective {values['objective']}"
    if not multi and values["num_class"] is not None:
        return f"num_class belongs to the multi: objectives; the objective is {values['objective']}"
    return None


def _check_metrics(values: Mapping[str, Any]) -> str | None:
    names = metrics.split(values["eval_metric"] or "")
    tuned = (values["_tuning_objective_metric"] or "").partition(":")[2]
    objective = values["objective"]
    for name in [*names, *([tuned] if tuned else [])]:
        if metrics.base(name) == "auc" and not objective.startswith(("binary:", "rank:")):
            return f"Metric 'auc' can only be applied to binary and ranking objectives; the objective is {objective}"
        if name == "aft-nloglik" and objective != "survival:aft":
            return f"Metric 'aft-nloglik' can only be applied to objective survival:aft; the objective is {objective}"
    return None


def _check_constraints(values: Mapping[str, Any]) -> str | None:
    # auto is hist in the library of today, so it is taken too.
    allowed = {"monotone_constraints": ("auto", "exact", "hist"),
               "interaction_constraints": ("auto", "exact", "hist", "approx")}  # fmt: skip
    for name, methods in allowed.items():
        if values[name] is not None and values["tree_method"] not in methods:
            return f"{name} needs tree_method {', '.join(methods[1:])}; got {values['tree_method']}"
    return None


def _check_updater(values: Mapping[str, Any]) -> str | None:
    updater = values["updater"]
    linear = values["booster"] == "gblinear"
    if updater and (updater.strip() in _LINEAR_UPDATERS) != linear:
        return f"updater {updater} does not belong to booster {values['booster']}"
    if values["process_type"] == "update":
        return "process_type update needs trees of an earlier training, which the train channel cannot bring"
    return None


def _check_dropped(values: Mapping[str, Any]) -> str | None:
    """What the library has dropped and would have changed the model."""
    approximate = values["tree_method"] == "approx" or "grow_histmaker" in (values["updater"] or "")
    if values["sketch_eps"] != 0.03 and approximate:
        bins = math.ceil(1 / values["sketch_eps"])
        return f"the xgboost library has no sketch_eps any more; use max_bin {max(bins, 2)} in place of it"
    if values["lambda_bias"] and values["booster"] == "gblinear":
        return f"the xgboost library has no lambda_bias any more; it must be 0; got {values['lambda_bias']:g}"
    return None


def _check_folds(values: Mapping[str, Any]) -> str | None:
    if values["_num_cv_round"] is not None and values["_kfold"] is None:
        return "_num_cv_round needs _kfold"
    if values["_kfold"] is not None and values["objective"].startswith("rank:"):
        return f"_kfold splits single records, and would tear the queries of {values['objective']} apart"
    return None


_TYPES = (
    "text/libsvm",
    "text/csv;label_size=1",
    "application/x-parquet",
    "application/x-recordio-protobuf",
    "text/x-libsvm",
    "libsvm",
    "csv;label_size=1",
    "parquet",
    "recordio-protobuf",
)


def _metrics() -> tuple[Metric, ...]:
    found = []
    for name in sorted(metrics.LIBRARY + metrics.CONTAINER):
        goal: Literal["Maximize", "Minimize"] = "Maximize" if metrics.maximised(name) else "Minimize"
        # The container prints a tab; the log that the service searches has the five characters `#011` in its place.
        # AWS's own regex ends in (\S+), which runs into the next metric of the line and then is no number, and it
        # knows no argument such as @5.
        pattern = rf".*\[[0-9]+\].*#011SPLIT-{name}(?:@[^:#\s]+)?:([^#\s]+)"
        found.append(Metric(f"validation:{name}", pattern.replace("SPLIT", "validation"), goal))
        found.append(Metric(f"train:{name}", pattern.replace("SPLIT", "train")))
    return tuple(found)


SPEC = AlgorithmSpec(
    name="xgboost",
    title="XGBoost",
    summary="Gradient boosted trees for regression, classification and ranking on tabular data.",
    repositories=("sagemaker-xgboost", "xgboost"),
    hyperparameters=HYPERPARAMETERS,
    channels=(
        Channel("train", True, _TYPES, "Training records, label first.", ("File", "Pipe")),
        Channel("validation", False, _TYPES, "Records the watch list and early stopping look at.", ("File", "Pipe")),
    ),
    request_types=("text/csv", "text/libsvm", "text/x-libsvm", "application/x-recordio-protobuf"),
    response_types=("text/csv", "application/json", "application/jsonlines", "application/x-recordio-protobuf"),
    metrics=_metrics(),
    train="lakemill.algorithms.xgboost.train:train",
    serve="lakemill.algorithms.xgboost.serve:load",
    check=_check,
    multi_instance=True,
)
