"""IP Insights: hyperparameters, channels, formats and metrics."""

from collections.abc import Mapping
from typing import Any

from lakemill.algorithms.spec import AlgorithmSpec, Channel, Hyperparameter, Metric, Range

CSV, JSON, JSONLINES = "text/csv", "application/json", "application/jsonlines"
NEGATIVES_MAX = 500
MODEL_BYTES_MAX = 8 << 30


def check(values: Mapping[str, Any]) -> str | None:
    """What AWS's page asks of several hyperparameters together."""
    negatives = values["random_negative_sampling_rate"] + values["shuffled_negative_sampling_rate"]
    if not 1 <= negatives <= NEGATIVES_MAX:
        return (
            "random_negative_sampling_rate and shuffled_negative_sampling_rate must add up to 1 at least and "
            f"{NEGATIVES_MAX} at most; got {negatives}"
        )
    if values["num_entity_vectors"] * values["vector_dim"] * 4 > MODEL_BYTES_MAX:
        return (
            "num_entity_vectors times vector_dim must be at most "
            f"{MODEL_BYTES_MAX // 4} (a model of 8 GB); got {values['num_entity_vectors'] * values['vector_dim']}"
        )
    return None


_EVENTS = r"#quality_metric: host=\S+, epoch=\S+, batch=\S+ train "
_EPOCHS = r"#quality_metric: host=\S+, epoch=\S+, train "
_ACCURACY, _ENTROPY = "binary_classification_accuracy", "binary_classification_cross_entropy"

SPEC = AlgorithmSpec(
    name="ipinsights",
    title="IP Insights",
    summary="Learns which entities use which IPv4 addresses, and says how usual a pair is.",
    repositories=("ipinsights",),
    hyperparameters=(
        Hyperparameter(
            "num_entity_vectors",
            "integer",
            "Rows of the entities' table, which entities are hashed into; twice as many as entities are advised.",
            required=True,
            low=1,
            high=250_000_000,
            tunable=Range(10_000, 1_000_000),
        ),
        Hyperparameter(
            "vector_dim",
            "integer",
            "Numbers in a vector of an entity or an address.",
            required=True,
            low=4,
            high=4096,
            tunable=Range(8, 256),
        ),
        Hyperparameter(
            "batch_metrics_publish_interval", "integer", "Mini-batches between two lines of metrics.", 1000, low=1
        ),
        Hyperparameter(
            "feature_dim", "integer", "Columns of the data, which are 2; the SDK's class sends it.", 2, low=2, high=2
        ),
        Hyperparameter("epochs", "integer", "Passes over the training data.", 10, low=1, tunable=Range(1, 100)),
        Hyperparameter(
            "learning_rate",
            "continuous",
            "Adam's rate; after three tenths of the training it falls evenly to 0.",
            0.001,
            low=1e-6,
            high=10.0,
            tunable=Range(1e-4, 0.1),
        ),
        Hyperparameter(
            "mini_batch_size", "integer", "Events per update.", 10_000, low=1, high=500_000, tunable=Range(100, 50_000)
        ),
        Hyperparameter(
            "num_ip_encoder_layers",
            "integer",
            "Fully connected layers of the address encoder.",
            1,
            low=0,
            high=100,
            tunable=Range(1, 10),
        ),
        Hyperparameter(
            "random_negative_sampling_rate",
            "integer",
            "Negative pairs per event with an address drawn evenly from all.",
            1,
            low=0,
            high=NEGATIVES_MAX,
            tunable=Range(0, 10),
        ),
        Hyperparameter(
            "shuffled_negative_sampling_rate",
            "integer",
            "Negative pairs per event with the address of another event of the mini-batch.",
            1,
            low=0,
            high=NEGATIVES_MAX,
            tunable=Range(0, 10),
        ),
        Hyperparameter(
            "weight_decay", "continuous", "Weight of the L2 penalty.", 0.00001, low=0.0, high=10.0, tunable=Range(0, 1)
        ),
    ),
    channels=(
        Channel("train", True, (CSV,), "Lines `entity,IPv4 address`, without a header."),
        Channel("validation", False, (CSV,), "Lines of the same form, by which the AUC is measured after each epoch."),
    ),
    request_types=(CSV, JSON, JSONLINES),
    response_types=(JSON, JSONLINES),
    metrics=(
        Metric(
            "validation:discriminator_auc",
            r"#quality_metric: host=\S+, epoch=\S+, validation discriminator_auc <score>=(\S+)",
            "Maximize",
        ),
        Metric(f"train:{_ACCURACY}", rf"{_EVENTS}{_ACCURACY} <score>=(\S+)"),
        Metric(f"train:{_ENTROPY}", rf"{_EVENTS}{_ENTROPY} <loss>=(\S+)"),
        Metric(f"train:{_ACCURACY}:epoch", rf"{_EPOCHS}{_ACCURACY} <score>=(\S+)"),
        Metric(f"train:{_ENTROPY}:epoch", rf"{_EPOCHS}{_ENTROPY} <loss>=(\S+)"),
    ),
    train="lakemill.algorithms.ipinsights.train:train",
    serve="lakemill.algorithms.ipinsights.serve:serve",
    check=check,
    multi_instance=True,
)
