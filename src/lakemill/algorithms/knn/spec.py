"""k-NN: hyperparameters, channels, formats and metrics."""

from collections.abc import Mapping
from typing import Any

from lakemill.algorithms.spec import AlgorithmSpec, Channel, Hyperparameter, Metric, Range

RECORDIO, CSV = "application/x-recordio-protobuf", "text/csv"
JSON, JSONLINES = "application/json", "application/jsonlines"
PQ_M = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96)


def _pq_m(value: int) -> str | None:
    return None if value in PQ_M else f"must be one of {', '.join(map(str, PQ_M))}; got {value}"


def _together(values: Mapping[str, Any]) -> str | None:
    kind, target = values["dimension_reduction_type"], values["dimension_reduction_target"]
    if kind and target is None:
        return "'dimension_reduction_target' is a required property when dimension_reduction_type is set"
    if target is not None and not kind:
        return "dimension_reduction_target needs dimension_reduction_type, sign or fjlt"
    if target is not None and target >= values["feature_dim"]:
        return f"dimension_reduction_target must be less than feature_dim={values['feature_dim']}; got {target}"
    if values["k"] > values["sample_size"]:
        return f"k must be at most sample_size={values['sample_size']}; got {values['k']}"
    if values["index_type"] == "faiss.IVFPQ":
        if values["faiss_index_pq_m"] is None:
            return "'faiss_index_pq_m' is a required property when index_type is faiss.IVFPQ"
        if values["index_metric"] != "L2":
            return f"index_metric must be L2 when index_type is faiss.IVFPQ; got {values['index_metric']}"
    return None


SPEC = AlgorithmSpec(
    name="knn",
    title="k-NN",
    summary="Answers with the most frequent label, or the mean label, of the k nearest sampled records.",
    repositories=("knn",),
    hyperparameters=(
        Hyperparameter("feature_dim", "integer", "Number of features.", required=True, low=1),
        Hyperparameter(
            "k",
            "integer",
            "Number of neighbours that are asked.",
            required=True,
            low=1,
            tunable=Range(1, 1024, scaling="Logarithmic"),
        ),
        Hyperparameter(
            "predictor_type",
            "categorical",
            "The most frequent label (classifier) or the mean label (regressor) of the neighbours.",
            required=True,
            choices=("classifier", "regressor"),
        ),
        Hyperparameter(
            "sample_size",
            "integer",
            "Records kept as possible neighbours, over all hosts.",
            required=True,
            low=1,
            tunable=Range(256, 20_000_000, scaling="Logarithmic"),
        ),
        Hyperparameter(
            "dimension_reduction_type",
            "categorical",
            "How the number of features is reduced: random signs, or the fast Johnson-Lindenstrauss transform.",
            choices=("sign", "fjlt"),
        ),
        Hyperparameter("dimension_reduction_target", "integer", "The number to reduce to, below feature_dim.", low=1),
        Hyperparameter(
            "index_type",
            "categorical",
            "Exact, by cells, or by cells of compressed vectors.",
            "faiss.Flat",
            choices=("faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"),
        ),
        Hyperparameter(
            "index_metric",
            "categorical",
            "What near means.",
            "L2",
            choices=("L2", "INNER_PRODUCT", "COSINE"),
        ),
        Hyperparameter(
            "faiss_index_ivf_nlists",
            "integer",
            "Cells of the IVF indexes; auto is the square root of the number of sampled records.",
            "auto",
            low=1,
            auto=True,
        ),
        Hyperparameter(
            "faiss_index_pq_m",
            "integer",
            f"Parts that faiss.IVFPQ cuts a vector into, one byte each: one of {', '.join(map(str, PQ_M))}.",
            low=1,
            high=96,
            check=_pq_m,
        ),
        Hyperparameter("mini_batch_size", "integer", "Records read at a time.", 5000, low=1),
        Hyperparameter(
            "epochs", "integer", "Valid as in AWS's container; the sample is taken in one pass all the same.", 1, low=1
        ),
        Hyperparameter("_faiss_index_nprobe", "integer", "Cells that are searched for a query.", 5, low=1),
    ),
    channels=(
        Channel("train", True, (RECORDIO, CSV), "Labelled records to sample from.", ("File", "Pipe")),
        Channel("test", False, (RECORDIO, CSV), "Labelled records that are scored at the end.", ("File", "Pipe")),
    ),
    request_types=(CSV, JSON, JSONLINES, RECORDIO),
    response_types=(JSON, JSONLINES, RECORDIO),
    metrics=(
        Metric("test:accuracy", r"#quality_metric: host=\S+, test accuracy <score>=(\S+)", "Maximize"),
        Metric("test:mse", r"#quality_metric: host=\S+, test mse <loss>=(\S+)", "Minimize"),
        Metric("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
        Metric("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
    ),
    train="lakemill.algorithms.knn.train:train",
    serve="lakemill.algorithms.knn.serve:serve",
    check=_together,
    multi_instance=True,
)
