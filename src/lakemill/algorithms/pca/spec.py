"""PCA: hyperparameters, channels, formats and log lines."""

from collections.abc import Mapping
from typing import Any

from lakemill.algorithms.spec import TOLERATED, AlgorithmSpec, Channel, Hyperparameter, Metric

RECORDIO, CSV = "application/x-recordio-protobuf", "text/csv"
MODES = ("File", "FastFile", "Pipe")
JSON, JSONLINES = "application/json", "application/jsonlines"


def _components_fit(values: Mapping[str, Any]) -> str | None:
    if values["num_components"] > values["feature_dim"]:
        return (
            f"num_components ({values['num_components']}) must be at most feature_dim ({values['feature_dim']}): "
            "there are no more components than features"
        )
    return None


SPEC = AlgorithmSpec(
    name="pca",
    title="Principal Component Analysis",
    summary="Projects records onto the directions in which they vary most.",
    repositories=("pca",),
    hyperparameters=(
        Hyperparameter("feature_dim", "integer", "Number of features.", required=True, low=1),
        Hyperparameter("mini_batch_size", "integer", "Records read at a time.", required=True, low=1),
        Hyperparameter("num_components", "integer", "Components to keep.", required=True, low=1),
        Hyperparameter(
            "algorithm_mode",
            "categorical",
            "regular keeps the d x d covariance; randomized keeps a sketch, for very many features.",
            "regular",
            choices=("regular", "randomized"),
        ),
        Hyperparameter(
            "extra_components",
            "integer",
            "Directions of the sketch beyond num_components; -1 is max(10, num_components).",
            -1,
            low=-1,
        ),
        Hyperparameter("subtract_mean", "boolean", "Centre the data before projecting.", True),
        Hyperparameter(
            "epochs", "integer", "Passes; one is all it takes, so no other number is valid.", 1, low=1, high=1
        ),
    ),
    channels=(
        Channel("train", True, (RECORDIO, CSV), "Records to analyse; labels are ignored.", MODES),
        Channel("test", False, (RECORDIO, CSV), "Records whose reconstruction error is reported.", MODES),
    ),
    request_types=(CSV, JSON, JSONLINES, RECORDIO),
    supervised=False,
    response_types=(JSON, JSONLINES, RECORDIO),
    metrics=(
        Metric("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
        Metric("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
    ),
    # force_dense chooses a storage form on AWS; the components are the same in both.
    tolerated=(*TOLERATED, "force_dense"),
    check=_components_fit,
    train="lakemill.algorithms.pca.train:train",
    serve="lakemill.algorithms.pca.serve:serve",
    multi_instance=True,
)
