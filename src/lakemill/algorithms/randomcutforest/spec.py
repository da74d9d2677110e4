"""Random Cut Forest: hyperparameters, channels, formats and metrics."""

from lakemill.algorithms.spec import TOLERATED, AlgorithmSpec, Channel, Hyperparameter, Metric, Range

RECORDIO, CSV = "application/x-recordio-protobuf", "text/csv"
JSON, JSONLINES = "application/json", "application/jsonlines"
EVALUATIONS = ("accuracy", "precision_recall_fscore")
MODES = ("File", "Pipe")

SPEC = AlgorithmSpec(
    name="randomcutforest",
    title="RandomCutForest",
    summary="Scores how anomalous a record is, from one pass over unlabelled data.",
    repositories=("randomcutforest",),
    hyperparameters=(
        Hyperparameter("feature_dim", "integer", "Number of features.", required=True, low=1, high=10_000),
        Hyperparameter(
            "num_trees",
            "integer",
            "Trees of the forest.",
            100,
            low=50,
            high=1000,
            tunable=Range(50, 1000, scaling="Linear"),
        ),
        Hyperparameter(
            "num_samples_per_tree",
            "integer",
            "Records each tree is built of; the records divided by num_trees, where that is less. One divided by this "
            "should be near the share of anomalies.",
            256,
            low=1,
            high=2048,
            tunable=Range(1, 2048, scaling="Linear"),
        ),
        Hyperparameter(
            "eval_metrics",
            "list",
            "Scores on the test channel.",
            list(EVALUATIONS),
            choices=EVALUATIONS,
        ),
        Hyperparameter("epochs", "integer", "Passes over the data: one is all there is.", 1, low=1, high=1),
        Hyperparameter(
            "mini_batch_size",
            "integer",
            "Records read at a time; the SDK sends it, and only this value is valid.",
            1000,
            low=1000,
            high=1000,
        ),
    ),
    channels=(
        Channel("train", True, (RECORDIO, f"{CSV};label_size=0"), "Records; labels are ignored.", MODES),
        Channel("test", False, (RECORDIO, f"{CSV};label_size=1"), "Records labelled 1, anomalous, or 0.", MODES),
    ),
    request_types=(CSV, JSON, JSONLINES, RECORDIO),
    response_types=(JSON, JSONLINES, RECORDIO),
    metrics=(
        Metric("test:f1", r"#quality_metric: host=\S+, test f1 <score>=(\S+)", "Maximize"),
        Metric("test:accuracy", r"#quality_metric: host=\S+, test accuracy <score>=(\S+)"),
        Metric("test:precision", r"#quality_metric: host=\S+, test precision <score>=(\S+)"),
        Metric("test:recall", r"#quality_metric: host=\S+, test recall <score>=(\S+)"),
        Metric("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
        Metric("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
    ),
    tolerated=(*TOLERATED, "force_dense", "_ftp_port"),
    train="lakemill.algorithms.randomcutforest.train:train",
    serve="lakemill.algorithms.randomcutforest.serve:serve",
    multi_instance=True,
)
