"""One tabular algorithm through everything the SageMaker SDK 2.x offers: run by test_tabular_sdk.py, in the SDK's
environment, by `lakemill run`.

    1. the estimator class, `record_set`, `fit`, `deploy`, `predict`
    2. its image by `image_uris.retrieve` and `Estimator`: a sparse channel in Pipe mode on two instances, where the
       algorithm has them, and `deploy` with every serializer
    3. `transformer`
"""

import io
import json
import sys
import tempfile
from pathlib import Path

import boto3
import numpy as np
import sagemaker
import scipy.sparse
from sagemaker import image_uris
from sagemaker.amazon import common
from sagemaker.deserializers import JSONDeserializer, JSONLinesDeserializer
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import CSVSerializer, JSONLinesSerializer, JSONSerializer

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from role import execution_role

ROWS, WIDTH = 600, 6

# name -> estimator class, its arguments, hyperparameters for the image, output names, type of labels
ALGORITHMS = {
    "linear-learner": (
        "LinearLearner",
        {"predictor_type": "binary_classifier", "num_models": 2, "epochs": 3, "mini_batch_size": 100},
        {"predictor_type": "binary_classifier", "feature_dim": WIDTH, "mini_batch_size": 100, "num_models": 2},
        {"score", "predicted_label"},
        "binary",
    ),
    "knn": (
        "KNN",
        {"k": 3, "sample_size": 200, "predictor_type": "classifier"},
        {"k": 3, "sample_size": 200, "predictor_type": "classifier", "feature_dim": WIDTH},
        {"predicted_label"},
        "binary",
    ),
    "kmeans": ("KMeans", {"k": 3}, {"k": 3, "feature_dim": WIDTH}, {"closest_cluster", "distance_to_cluster"}, None),
    "pca": (
        "PCA",
        {"num_components": 2},
        {"num_components": 2, "feature_dim": WIDTH, "mini_batch_size": 100},
        {"projection"},
        None,
    ),
    "randomcutforest": (
        "RandomCutForest",
        {"num_trees": 50, "num_samples_per_tree": 64},
        {"num_trees": 50, "num_samples_per_tree": 64, "feature_dim": WIDTH},
        {"score"},
        None,
    ),
    "factorization-machines": (
        "FactorizationMachines",
        {"num_factors": 4, "predictor_type": "binary_classifier", "epochs": 3},
        {"num_factors": 4, "predictor_type": "binary_classifier", "feature_dim": WIDTH, "mini_batch_size": 100},
        {"score", "predicted_label"},
        "binary",
    ),
    "lda": (
        "LDA",
        {"num_topics": 2},
        {"num_topics": 2, "feature_dim": WIDTH, "mini_batch_size": ROWS},
        {"topic_mixture"},
        None,
    ),
}
IMAGES_ONLY = {
    "xgboost": (
        {"objective": "binary:logistic", "num_round": 5, "eval_metric": "auc"},
        {"score"},
    ),
}
"""Those without an estimator class: hyperparameters and output names."""
SHARED = {*ALGORITHMS, *IMAGES_ONLY} - {"lda"}
"""Those that train on several instances."""
NO_CSV = {"factorization-machines"}
NO_JSON = {"xgboost"}


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    labels = random.integers(0, 2, ROWS).astype(np.float32)
    features = random.poisson(1.0 + 3.0 * np.eye(2, WIDTH)[labels.astype(int)]).astype(np.float32)
    return features, labels


def upload_sparse(bucket: str, name: str, features: np.ndarray, labels: np.ndarray | None) -> str:
    """Two objects of sparse records, so that two instances have one each."""
    for part, rows in enumerate(np.array_split(np.arange(len(features)), 2)):
        body = io.BytesIO()
        some = scipy.sparse.csr_matrix(features[rows])
        common.write_spmatrix_to_sparse_tensor(body, some, None if labels is None else labels[rows])
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{name}/sparse/{part}.pbr", Body=body.getvalue())
    return f"s3://{bucket}/{name}/sparse/"


def trained(estimator: sagemaker.estimator.EstimatorBase) -> None:
    """Wait for the job by boto3, more often than the SDK looks."""
    name = estimator.latest_training_job.name
    waiter = boto3.client("sagemaker").get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 240})
    status = boto3.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert status["TrainingJobStatus"] == "Completed", status.get("FailureReason")


def deployed(estimator: sagemaker.estimator.EstimatorBase) -> sagemaker.predictor.Predictor:
    """A predictor whose endpoint is up. The SDK's own waiting looks every 30 s only."""
    predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large", wait=False)
    waiter = boto3.client("sagemaker").get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=predictor.endpoint_name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    return predictor


def by_class(name: str, session: sagemaker.Session, role: str) -> None:
    kind, arguments, _, outputs, labelled = ALGORITHMS[name]
    features, labels = data(name)
    output_path = f"s3://{session.default_bucket()}/{name}"
    estimator = getattr(sagemaker, kind)(
        role=role, instance_count=1, instance_type="ml.m5.large", output_path=output_path, **arguments
    )
    given = estimator.record_set(features, labels if labelled else None)
    estimator.fit(given, **({"mini_batch_size": ROWS} if name == "lda" else {}), wait=False)
    trained(estimator)
    predictor = deployed(estimator)
    answers = predictor.predict(features[:5])
    assert len(answers) == 5
    assert all(outputs <= set(answer.label) for answer in answers), answers[0]
    predictor.delete_endpoint()
    print("by class: done", flush=True)


def by_image(name: str, session: sagemaker.Session, role: str) -> None:
    if name in IMAGES_ONLY:
        (hyperparameters, outputs), labelled = IMAGES_ONLY[name], "binary"
    else:
        _, _, hyperparameters, outputs, labelled = ALGORITHMS[name]
    features, labels = data(name)
    bucket = session.default_bucket()
    place = upload_sparse(bucket, name, features, labels if labelled else None)
    estimator = sagemaker.estimator.Estimator(
        image_uris.retrieve(name, session.boto_region_name, "1.7-1" if name == "xgboost" else None),
        role,
        2 if name in SHARED else 1,
        "ml.m5.large",
        output_path=f"s3://{bucket}/{name}",
        input_mode="Pipe",
        hyperparameters=hyperparameters,
    )
    distribution = "ShardedByS3Key" if name in SHARED else "FullyReplicated"
    train = TrainingInput(place, distribution=distribution, content_type="application/x-recordio-protobuf")
    estimator.fit({"train": train}, logs="All")
    predict(estimator, name, features[:5], outputs)
    transform(estimator, name, bucket, features)


def predict(estimator: sagemaker.estimator.Estimator, name: str, features: np.ndarray, outputs: set[str]) -> None:
    rows = [{"features": row} for row in features.tolist()]
    forms = [(common.RecordSerializer(), common.RecordDeserializer(), features)]
    if name not in NO_JSON:
        forms.append((JSONSerializer(), JSONDeserializer(), {"instances": rows}))
        forms.append((JSONLinesSerializer(), JSONLinesDeserializer(), rows))
    if name not in NO_CSV:
        forms.append((CSVSerializer(), JSONDeserializer(), features))
    predictor = deployed(estimator)
    for serializer, deserializer, body in forms:
        predictor.serializer, predictor.deserializer = serializer, deserializer
        answers = predictor.predict(body)
        if isinstance(answers, dict):
            answers = next(iter(answers.values()))
        names = [set(one.label) if hasattr(one, "label") else set(one) for one in answers]
        assert len(names) == len(features), answers
        assert all(outputs <= one for one in names), (type(serializer).__name__, names[0])
    predictor.delete_endpoint()
    print("every content type: done", flush=True)


def transform(estimator: sagemaker.estimator.Estimator, name: str, bucket: str, features: np.ndarray) -> None:
    if name in NO_CSV:
        kind, body = "application/jsonlines", "\n".join(json.dumps({"features": row}) for row in features.tolist())
    else:
        kind, body = "text/csv", "\n".join(",".join(map(str, row)) for row in features.tolist())
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{name}/batch/rows", Body=body.encode())
    worker = estimator.transformer(
        instance_count=1,
        instance_type="ml.m5.large",
        accept="application/jsonlines",
        assemble_with="Line",
        output_path=f"s3://{bucket}/{name}/answers",
    )
    worker.transform(f"s3://{bucket}/{name}/batch/", content_type=kind, split_type="Line", wait=False)
    waiter = boto3.client("sagemaker").get_waiter("transform_job_completed_or_stopped")
    waiter.wait(TransformJobName=worker.latest_transform_job.name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    with tempfile.NamedTemporaryFile() as file:
        boto3.client("s3").download_file(bucket, f"{name}/answers/rows.out", file.name)
        answers = [json.loads(line) for line in Path(file.name).read_text().splitlines()]
    assert len(answers) == len(features), len(answers)
    print("batch transform: done", flush=True)


if __name__ == "__main__":
    algorithm = sys.argv[1]
    here, execution = sagemaker.Session(), execution_role()
    if algorithm in ALGORITHMS:
        by_class(algorithm, here, execution)
    by_image(algorithm, here, execution)
