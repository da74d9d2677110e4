"""LDA: hyperparameters, channels, formats and metrics."""

from lakemill.algorithms.spec import AlgorithmSpec, Channel, Hyperparameter, Metric, Range

RECORDIO, CSV = "application/x-recordio-protobuf", "text/csv;label_size=0"
JSON, JSONLINES = "application/json", "application/jsonlines"
MODES = ("File", "FastFile", "Pipe")

SPEC = AlgorithmSpec(
    name="lda",
    title="LDA",
    summary="Finds the topics that documents, given as word counts, are mixtures of.",
    repositories=("lda",),
    hyperparameters=(
        Hyperparameter(
            "num_topics", "integer", "Topics to find.", required=True, low=1, tunable=Range(1, 150, scaling="Linear")
        ),
        Hyperparameter("feature_dim", "integer", "Size of the vocabulary.", required=True, low=1),
        Hyperparameter(
            "mini_batch_size",
            "integer",
            "On AWS the number of documents; here the most that are read at a time, of no effect on the model.",
            required=True,
            low=1,
        ),
        Hyperparameter(
            "alpha0",
            "continuous",
            "Sum of the Dirichlet prior of a document's mixture: below 1 few topics a document, above 1 more.",
            1.0,
            low=0,
            low_open=True,
            tunable=Range(0.1, 10),
        ),
        Hyperparameter("max_restarts", "integer", "Starts of the tensor decomposition; the best is kept.", 10, low=1),
        Hyperparameter("max_iterations", "integer", "Iterations of one start at most.", 1000, low=1),
        Hyperparameter(
            "tol",
            "continuous",
            "A start ends when the relative reconstruction error changes by less.",
            1e-8,
            low=0,
            low_open=True,
        ),
    ),
    channels=(
        Channel("train", True, (RECORDIO, CSV), "Documents: each record the counts of its words.", MODES),
        Channel("test", False, (RECORDIO, CSV), "Documents whose per-word log-likelihood is reported.", MODES),
    ),
    request_types=("text/csv", JSON, JSONLINES, RECORDIO),
    response_types=(JSON, JSONLINES, RECORDIO),
    metrics=(
        Metric("test:pwll", r"#quality_metric: host=\S+, test pwll <score>=(\S+)", "Maximize"),
        Metric("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
        Metric("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
    ),
    supervised=False,
    train="lakemill.algorithms.lda.train:train",
    serve="lakemill.algorithms.lda.serve:serve",
)
