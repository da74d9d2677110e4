"""Factorization Machines: hyperparameters, channels, formats and metrics."""

from collections.abc import Mapping
from typing import Any

from lakemill.algorithms.spec import TOLERATED, AlgorithmSpec, Channel, Hyperparameter, Metric, Range

RECORDIO, JSON, JSONLINES = "application/x-recordio-protobuf", "application/json", "application/jsonlines"
BINARY, REGRESSOR = "binary_classifier", "regressor"
INITS = ("uniform", "normal", "constant")
GROUPS = ("bias", "linear", "factors")
OPTIMIZER = (*(f"{group}_{what}" for group in GROUPS for what in ("lr", "wd")), "clip_gradient", "rescale_grad", "eps")
"""Hyperparameters of Adam: a training that is given one of them is done by Adam."""

_LR, _WD = {"bias": 0.1, "linear": 0.001, "factors": 0.0001}, {"bias": 0.01, "linear": 0.001, "factors": 0.00001}
_SIGMA = {"bias": 0.01, "linear": 0.01, "factors": 0.001}
_WORDS = {"bias": "the bias", "linear": "the linear weights", "factors": "the factors"}
_TUNED = Range(1e-8, 512, scaling="Logarithmic")


def _of_group(group: str) -> tuple[Hyperparameter, ...]:
    words = _WORDS[group]
    return (
        Hyperparameter(
            f"{group}_lr", "continuous", f"Adam's learning rate of {words}.", _LR[group], low=0, tunable=_TUNED
        ),
        Hyperparameter(
            f"{group}_wd", "continuous", f"Adam's weight decay of {words}.", _WD[group], low=0, tunable=_TUNED
        ),
        Hyperparameter(f"{group}_init_method", "categorical", f"How {words} start.", "normal", choices=INITS),
        Hyperparameter(
            f"{group}_init_sigma",
            "continuous",
            f"Standard deviation with which {words} start (normal).",
            _SIGMA[group],
            low=0,
            tunable=_TUNED,
        ),
        Hyperparameter(
            f"{group}_init_scale",
            "continuous",
            f"{words[0].upper()}{words[1:]} start within plus and minus this (uniform).",
            low=0,
            tunable=_TUNED,
        ),
        Hyperparameter(
            f"{group}_init_value",
            "continuous",
            f"The value with which {words} start (constant).",
            tunable=_TUNED,
        ),
    )


def _check(values: Mapping[str, Any]) -> str | None:
    for group in GROUPS:
        for method, what in (("uniform", "scale"), ("constant", "value")):
            if values[f"{group}_init_method"] == method and values[f"{group}_init_{what}"] is None:
                return f"{group}_init_method={method} needs {group}_init_{what}, a number"
    return None


SPEC = AlgorithmSpec(
    name="factorization-machines",
    title="Factorization Machines",
    summary="A linear model with pairwise interactions of features in factored form, for sparse data.",
    repositories=("factorization-machines",),
    hyperparameters=(
        Hyperparameter("feature_dim", "integer", "Number of features.", required=True, low=1),
        Hyperparameter("num_factors", "integer", "Factors of each feature.", required=True, low=1),
        Hyperparameter(
            "predictor_type",
            "categorical",
            "What is predicted: a number, or the chance of label 1.",
            required=True,
            choices=(BINARY, REGRESSOR),
        ),
        Hyperparameter(
            "epochs", "integer", "Passes over the training data.", 1, low=1, tunable=Range(1, 1000, scaling="Linear")
        ),
        Hyperparameter(
            "mini_batch_size",
            "integer",
            "Records of one step of Adam; records of one batch in the log.",
            1000,
            low=1,
            tunable=Range(100, 10000, scaling="Linear"),
        ),
        *(one for group in GROUPS for one in _of_group(group)),
        Hyperparameter(
            "clip_gradient", "continuous", "Adam clips each gradient to plus and minus this; not if negative."
        ),
        Hyperparameter(
            "rescale_grad",
            "continuous",
            "Adam multiplies the gradient of a batch, a sum over its records, by this; "
            "1 / number of records when not given.",
        ),
        Hyperparameter("eps", "continuous", "Adam's epsilon; 1e-8 when not given.", low=0),
        Hyperparameter("use_bias", "boolean", "Whether the model has a bias.", True),
        Hyperparameter("use_linear", "boolean", "Whether the model has linear weights.", True),
        Hyperparameter(
            "batch_metrics_publish_interval",
            "integer",
            "Batches from one line with a batch's metrics to the next.",
            500,
            low=1,
        ),
    ),
    channels=(
        Channel("train", True, (RECORDIO,), "Records with labels, sparse or dense.", ("File", "Pipe")),
        Channel("test", False, (RECORDIO,), "Records with labels, scored at the end.", ("File", "Pipe")),
    ),
    request_types=(JSON, JSONLINES, RECORDIO),
    response_types=(JSON, JSONLINES, RECORDIO),
    metrics=(
        Metric("test:rmse", r"#quality_metric: host=\S+, test rmse <loss>=(\S+)", "Minimize"),
        Metric(
            "test:binary_classification_accuracy",
            r"#quality_metric: host=\S+, test binary_classification_accuracy <score>=(\S+)",
            "Maximize",
        ),
        Metric(
            "test:binary_classification_cross_entropy",
            r"#quality_metric: host=\S+, test binary_classification_cross_entropy <loss>=(\S+)",
            "Minimize",
        ),
        Metric("test:binary_f_beta", r"#quality_metric: host=\S+, test binary_f_\S+ <score>=(\S+)", "Maximize"),
        Metric("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
        Metric("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
    ),
    tolerated=TOLERATED,
    train="lakemill.algorithms.factorization_machines.train:train",
    serve="lakemill.algorithms.factorization_machines.serve:serve",
    check=_check,
    multi_instance=True,
)
