"""K-Means: hyperparameters, channels, formats and metrics."""

from lakemill.algorithms.spec import TOLERATED, AlgorithmSpec, Channel, Hyperparameter, Metric, Range

RECORDIO, CSV = "application/x-recordio-protobuf", "text/csv"
JSON, JSONLINES = "application/json", "application/jsonlines"
MODES = ("File", "FastFile", "Pipe")
INITS = ("random", "kmeans++")

SPEC = AlgorithmSpec(
    name="kmeans",
    title="K-Means",
    summary="Groups records around k centres, in one pass over the data.",
    repositories=("kmeans",),
    hyperparameters=(
        Hyperparameter("feature_dim", "integer", "Number of features.", required=True, low=1),
        Hyperparameter("k", "integer", "Number of clusters.", required=True, low=1),
        Hyperparameter(
            "epochs", "integer", "Passes over the training data.", 1, low=1, tunable=Range(1, 10, scaling="Linear")
        ),
        Hyperparameter(
            "eval_metrics",
            "list",
            "Scores on the test channel: mean (msd) and sum (ssd) of squared distances.",
            ["msd"],
            choices=("msd", "ssd"),
        ),
        Hyperparameter(
            "extra_center_factor",
            "integer",
            "K = k times this many centres are kept while data streams; auto is 10.",
            "auto",
            low=1,
            auto=True,
            tunable=Range(4, 10, scaling="Linear"),
        ),
        Hyperparameter(
            "half_life_time_size",
            "integer",
            "A record weighs half after this many further records; 0: always 1.",
            0,
            low=0,
        ),
        Hyperparameter(
            "init_method",
            "categorical",
            "How the K centres start, from the first mini-batch.",
            "random",
            choices=INITS,
            tunable=Range(choices=INITS),
        ),
        Hyperparameter(
            "local_lloyd_init_method", "categorical", "How the k centres start at the end.", "kmeans++", choices=INITS
        ),
        Hyperparameter("local_lloyd_max_iter", "integer", "Lloyd iterations at most.", 300, low=1),
        Hyperparameter(
            "local_lloyd_num_trials",
            "integer",
            "Runs of Lloyd; the best is kept. auto is 10.",
            "auto",
            low=1,
            auto=True,
        ),
        Hyperparameter(
            "local_lloyd_tol", "continuous", "Lloyd stops at this relative change of the loss.", 0.0001, low=0, high=1
        ),
        Hyperparameter(
            "mini_batch_size",
            "integer",
            "Records per update.",
            5000,
            low=1,
            tunable=Range(3000, 15000, scaling="Linear"),
        ),
    ),
    channels=(
        Channel("train", True, (RECORDIO, CSV), "Records to cluster; labels are ignored.", MODES),
        Channel("test", False, (RECORDIO, CSV), "Records whose distances to the centres are reported.", MODES),
    ),
    request_types=(CSV, JSON, JSONLINES, RECORDIO),
    supervised=False,
    response_types=(JSON, JSONLINES, CSV, RECORDIO),
    metrics=(
        Metric("test:msd", r"#quality_metric: host=\S+, test msd <loss>=(\S+)", "Minimize"),
        Metric("test:ssd", r"#quality_metric: host=\S+, test ssd <loss>=(\S+)", "Minimize"),
        Metric("train:msd", r"#quality_metric: host=\S+, train msd <loss>=(\S+)"),
        Metric("train:ssd", r"#quality_metric: host=\S+, train ssd <loss>=(\S+)"),
        Metric("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
        Metric("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
    ),
    tolerated=(*TOLERATED, "force_dense"),
    train="lakemill.algorithms.kmeans.train:train",
    serve="lakemill.algorithms.kmeans.serve:serve",
    multi_instance=True,
)
