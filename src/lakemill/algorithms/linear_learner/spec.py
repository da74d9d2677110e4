"""Linear Learner: hyperparameters, channels and metrics as AWS documents them."""

from collections.abc import Mapping
from typing import Any, Literal

from lakemill.algorithms.spec import AlgorithmSpec, Channel, Hyperparameter, Metric, Range

Goal = Literal["Minimize", "Maximize"] | None
TYPES = ("application/x-recordio-protobuf", "text/csv")
PREDICTOR_TYPES = ("binary_classifier", "multiclass_classifier", "regressor")
CRITERIA = ("accuracy", "f_beta", "f1", "precision_at_target_recall", "recall_at_target_precision", "loss_function",
            "cross_entropy_loss")  # fmt: skip
LOSSES = {
    "regressor": ("squared_loss", "absolute_loss", "eps_insensitive_squared_loss", "eps_insensitive_absolute_loss",
                  "quantile_loss", "huber_loss"),
    "binary_classifier": ("logistic", "hinge_loss"),
    "multiclass_classifier": ("softmax_loss",),
}  # fmt: skip
"""What each predictor_type may minimise; `auto` is the first."""


def _number(name: str, doc: str, default: Any, low: float | None = 0.0, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, "continuous", doc, default=default, low=low, **more)


def _positive(name: str, doc: str, default: Any, **more: Any) -> Hyperparameter:
    return _number(name, doc, default, low_open=True, **more)


def _count(name: str, doc: str, default: Any, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, "integer", doc, default=default, low=1, **more)


def _flag(name: str, doc: str, default: Any, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, "boolean", doc, default=default, **more)


def _word(name: str, doc: str, default: str | None, choices: tuple[str, ...], **more: Any) -> Hyperparameter:
    return Hyperparameter(name, "categorical", doc, default=default, choices=choices, **more)


def _weight_mult(text: str) -> str | None:
    if text in ("balanced", "auto"):
        return None
    try:
        good = 0 < float(text) < float("inf")
    except ValueError:
        good = False
    return None if good else f"must be balanced, auto or a number > 0; got {text!r}"


def _check(values: Mapping[str, Any]) -> str | None:
    kind, classes = values["predictor_type"], values["num_classes"]
    if kind == "multiclass_classifier" and (classes is None or classes < 3):
        got = "" if classes is None else f"; got {classes}"
        return f"num_classes is required for a multiclass_classifier and must be an integer >= 3{got}"
    if values["loss"] != "auto" and values["loss"] not in LOSSES[kind]:
        return f"loss of a {kind} must be auto or one of {', '.join(LOSSES[kind])}; got {values['loss']}"
    if kind == "multiclass_classifier" and values["accuracy_top_k"] > classes:
        # The default of 3 fits every legal num_classes, so this was the user's own value.
        return f"accuracy_top_k must not exceed num_classes ({classes}); got {values['accuracy_top_k']}"
    return None


_EVERY_LOSS = tuple(name for names in LOSSES.values() for name in names)
_REGULAR = Range(1e-7, 1.0, scaling="Logarithmic")

HYPERPARAMETERS = (
    _word("predictor_type", "What is predicted.", None, PREDICTOR_TYPES, required=True),
    _count("num_classes", "Number of classes; needed for multiclass_classifier, where it must be at least 3.", None,
           high=1_000_000),
    _count("accuracy_top_k", "k of the multiclass metric top-k accuracy.", 3),
    _flag("balance_multiclass_weights", "Weigh every class by its inverse frequency.", False),
    _number("beta_1", "Adam's decay of the mean gradient.", "auto", high=1.0, auto=True),
    _number("beta_2", "Adam's decay of the mean squared gradient.", "auto", high=1.0, auto=True),
    _positive("bias_lr_mult", "Learning rate of the bias relative to the weights'.", "auto", auto=True),
    _number("bias_wd_mult", "L2 penalty of the bias relative to the weights'.", "auto", auto=True),
    _word("binary_classifier_model_selection_criteria", "What the best binary model and its threshold maximise.",
          "accuracy", CRITERIA),
    _count("early_stopping_patience", "Epochs without improvement before training ends.", 3),
    _positive("early_stopping_tolerance", "Relative improvement that counts.", 0.001),
    _count("epochs", "Most passes over the training data.", 15),
    _positive("f_beta", "Weight of recall in the F score.", 1.0),
    _count("feature_dim", "Number of features; auto takes it from the data.", "auto", auto=True),
    _positive("huber_delta", "Where the Huber loss turns linear, in units of the training label.", 1.0),
    _number("init_bias", "The bias at the start.", 0.0, low=None),
    _word("init_method", "Distribution of the weights at the start.", "uniform", ("uniform", "normal")),
    _positive("init_scale", "Uniform start in [-init_scale, init_scale].", 0.07),
    _positive("init_sigma", "Standard deviation of a normal start.", 0.01),
    _number("l1", "L1 penalty per mean loss.", "auto", auto=True, tunable=_REGULAR),
    _positive("learning_rate", "Step size of the mini-batch optimisers.", "auto", auto=True,
              tunable=Range(1e-5, 1.0, scaling="Logarithmic")),
    _word("loss", "The loss; auto is squared_loss, logistic or softmax_loss by predictor_type.", "auto",
          ("auto", *_EVERY_LOSS)),
    _positive("loss_insensitivity", "eps of the eps-insensitive losses, in units of the training label.", 0.01),
    _number("lr_scheduler_factor", "What the learning rate is multiplied by.", "auto", high=1.0, auto=True),
    _positive("lr_scheduler_minimum_lr", "The learning rate never goes below.", "auto", auto=True),
    _count("lr_scheduler_step", "Updates between two reductions of the learning rate.", "auto", auto=True),
    _positive("margin", "Margin of the hinge loss.", 1.0),
    _count("mini_batch_size", "Records per update of the mini-batch optimisers.", 1000,
           tunable=Range(100, 5000)),
    _number("momentum", "Momentum of sgd.", "auto", high=1.0, auto=True),
    _flag("normalize_data", "Divide features by their standard deviation.", True, auto=True),
    _flag("normalize_label", "Divide the label by its standard deviation; auto: for regression.", "auto", auto=True),
    _count("num_calibration_samples", "Most records that the final choice of the threshold uses.", "auto", auto=True),
    _count("num_models", "Models trained side by side; auto lets the algorithm decide.", "auto", auto=True),
    _count("num_point_for_scaler", "Records that means and deviations are estimated on.", 10_000),
    _word("optimizer", "auto: quasi-Newton while everything about the learning rate is auto too, else adam.", "auto",
          ("auto", "sgd", "adam", "rmsprop")),
    Hyperparameter("positive_example_weight_mult", "text", "Weight of label 1: a number, balanced, or auto.",
                   default="1.0", check=_weight_mult,
                   tunable=Range(1e-5, 1e5, scaling="Logarithmic")),
    _number("quantile", "The quantile of quantile_loss.", 0.5, high=1.0, low_open=True, high_open=True),
    _number("target_precision", "For recall_at_target_precision.", 0.8, high=1.0),
    _number("target_recall", "For precision_at_target_recall.", 0.8, high=1.0),
    _flag("unbias_data", "Subtract the mean of each feature; auto: for dense data with a bias.", "auto", auto=True),
    _flag("unbias_label", "Subtract the mean of the label; auto: for regression with a bias.", "auto", auto=True),
    _flag("use_bias", "Whether the model has a bias.", True, tunable=Range(choices=("True", "False"))),
    _flag("use_lr_scheduler", "Whether the learning rate falls during training.", True),
    Hyperparameter("_tuning_objective_metric", "text", "Sent by a tuning job; then one model is trained."),
    _number("wd", "L2 penalty per mean loss: wd/2 times the squared weights.", "auto", auto=True, tunable=_REGULAR),
)  # fmt: skip

_QUALITY = r"#quality_metric: host=\S+, "
_BINARY = ("binary_classification_accuracy", "binary_f_beta", "precision", "recall", "roc_auc_score")
_MULTICLASS = ("multiclass_accuracy", "multiclass_top_k_accuracy", "macro_precision", "macro_recall", "macro_f_beta",
               "dcg")  # fmt: skip
_PRINTED = {"binary_f_beta": r"binary_f_\S+", "macro_f_beta": r"macro_f_\S+",
            "multiclass_top_k_accuracy": r"multiclass_top_k_accuracy_\S+"}  # fmt: skip


def _metrics() -> tuple[Metric, ...]:
    found = [
        Metric("train:objective_loss", _QUALITY + r"epoch=\S+, train \S+_objective <loss>=(\S+)"),
        Metric("train:objective_loss:final", _QUALITY + r"train \S+_objective <loss>=(\S+)"),
        Metric("validation:objective_loss", _QUALITY + r"epoch=\S+, validation \S+_objective <loss>=(\S+)", "Minimize"),
        Metric("validation:objective_loss:final", _QUALITY + r"validation \S+_objective <loss>=(\S+)"),
        Metric("test:objective_loss", _QUALITY + r"test \S+_objective <loss>=(\S+)", "Minimize"),
    ]
    for split in ("train", "validation", "test"):
        down: Goal = None if split == "train" else "Minimize"
        up: Goal = None if split == "train" else "Maximize"
        losses = ("mse", "absolute_loss", "rmse") if split == "validation" else ("mse", "absolute_loss")
        found += [Metric(f"{split}:{name}", rf"{_QUALITY}{split} {name} <loss>=(\S+)", down) for name in losses]
        found += [
            Metric(f"{split}:{name}", rf"{_QUALITY}{split} {_PRINTED.get(name, name)} <score>=(\S+)", up)
            for name in _BINARY + _MULTICLASS
        ]
    found += [
        Metric("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
        Metric("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
    ]
    return tuple(found)


SPEC = AlgorithmSpec(
    name="linear-learner",
    title="Linear Learner",
    summary="Linear regression and classification: many models trained side by side, the best one kept.",
    repositories=("linear-learner",),
    hyperparameters=HYPERPARAMETERS,
    channels=(
        Channel("train", True, TYPES, "What is learned; label first in CSV.", ("File", "Pipe")),
        Channel("validation", False, TYPES, "Early stopping, threshold and choice of the model.", ("File", "Pipe")),
        Channel("test", False, TYPES, "Final scores.", ("File", "Pipe")),
    ),
    request_types=("application/json", "application/jsonlines", *TYPES),
    response_types=("application/json", "application/jsonlines", "application/x-recordio-protobuf", "text/csv"),
    metrics=_metrics(),
    train="lakemill.algorithms.linear_learner.train:train",
    serve="lakemill.algorithms.linear_learner.serve:serve",
    check=_check,
    multi_instance=True,
)
