"""The whole way with real data and public SDKs only: stream, lake, SQL, then five trainings, endpoint, batch jobs.

    lakemill demo

First the taxi passengers of New York, half-hour by half-hour: through a stream into the lake (taxi_streams.py), from
there by crawler, Athena and Redshift to a model (taxi_lake.py). Then its flights of 2013 (is a flight more than 15
minutes late?) and Fashion-MNIST. Every quality figure stands beside that of the reference library on the
same split. DEMO_RESULTS names a file for the results as JSON.
"""

import io
import json
import logging
import os
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
os.environ["SAGEMAKER_SUPPRESS_V2_WARNING"] = "1"

import boto3  # noqa: E402
import numpy as np  # noqa: E402
import sagemaker  # noqa: E402
import taxi_lake  # noqa: E402
import taxi_streams  # noqa: E402
import xgboost  # noqa: E402
from flights import auc, flights, images  # noqa: E402
from role import execution_role  # noqa: E402
from sagemaker import PCA, KMeans, LinearLearner, image_uris  # noqa: E402
from sagemaker.estimator import Estimator  # noqa: E402
from sagemaker.inputs import TrainingInput  # noqa: E402
from sklearn.cluster import KMeans as ReferenceKMeans  # noqa: E402
from sklearn.decomposition import PCA as ReferencePCA  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from steps import Step, results  # noqa: E402

session = sagemaker.Session()
client = boto3.client("sagemaker")
runtime = boto3.client("sagemaker-runtime")
s3 = boto3.client("s3")
logs = boto3.client("logs")
bucket = session.default_bucket()


def csv(rows: np.ndarray) -> bytes:
    buffer = io.StringIO()
    np.savetxt(buffer, rows, delimiter=",", fmt="%g")
    return buffer.getvalue().encode()


def wait_for_job(step: Step, name: str) -> dict:
    """Follow a training job to its end, saying its state and the last line of its log."""
    said = ""
    while True:
        job = client.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
            if job["TrainingJobStatus"] != "Completed":
                raise SystemExit(f"{name}: {job.get('FailureReason')}")
            return job
        now = f"{job['SecondaryStatus']} {last_line(name)}".strip()
        if now != said:
            step.say(now[:100])
            said = now
        time.sleep(0.3)


def last_line(name: str) -> str:
    group = "/aws/sagemaker/TrainingJobs"
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        if streams:
            events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"], limit=1)[
                "events"
            ]
            return events[-1]["message"].split("] ", 1)[-1][:70] if events else ""
    except logs.exceptions.ResourceNotFoundException:
        pass
    return ""


def in_service(step: Step, name: str) -> None:
    while (state := client.describe_endpoint(EndpointName=name)["EndpointStatus"]) != "InService":
        if state == "Failed":
            raise SystemExit(client.describe_endpoint(EndpointName=name)["FailureReason"])
        step.say(state)
        time.sleep(0.3)


def label_values(answers: list, key: str) -> np.ndarray:
    return np.array([answer.label[key].float32_tensor.values for answer in answers])


def deploy(step: Step, estimator):
    predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large", wait=False)
    in_service(step, predictor.endpoint_name)
    return predictor


def predict_all(predictor, rows: np.ndarray, size: int = 1000) -> list:
    return [one for start in range(0, len(rows), size) for one in predictor.predict(rows[start : start + size])]


def settings() -> dict:
    return {"role": role, "instance_count": 1, "instance_type": "ml.m5.xlarge", "output_path": f"s3://{bucket}/output"}


taxi_streams.main()
taxi_lake.main()

with Step("prepare") as step:
    role = execution_role()
    features, late, train = flights()
    with_label = np.column_stack([late, features])
    step.say("writing CSV")
    files = {
        "flights/train/train.csv": csv(with_label[train]),
        "flights/validation/test.csv": csv(with_label[~train]),
        "flights/batch/features.csv": csv(features[~train]),
    }
    for key, body in files.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    megabytes = sum(map(len, files.values())) / 1e6
    step.what = f"{len(late):,} flights, {megabytes:.0f} MB of CSV into s3://{bucket}"

with Step("train XGBoost") as step:
    booster = Estimator(
        image_uris.retrieve("xgboost", session.boto_region_name, "1.7-1"),
        hyperparameters={
            "objective": "binary:logistic",
            "num_round": 100,
            "max_depth": 6,
            "eta": 0.2,
            "eval_metric": "auc",
        },
        **settings(),
    )
    booster.fit(
        {
            "train": TrainingInput(f"s3://{bucket}/flights/train/", content_type="text/csv"),
            "validation": TrainingInput(f"s3://{bucket}/flights/validation/", content_type="text/csv"),
        },
        wait=False,
    )
    job = wait_for_job(step, booster.latest_training_job.name)
    final = {metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])}
    step.what = f"{int(train.sum()):,} flights, 100 rounds; validation:auc {final['validation:auc']:.4f}"

with Step("deploy XGBoost") as step:
    predictor = booster.deploy(initial_instance_count=1, instance_type="ml.m5.large", wait=False)
    in_service(step, predictor.endpoint_name)
    test = features[~train]
    one = csv(test[:1])
    times = []
    for _ in range(100):
        began = time.perf_counter()
        runtime.invoke_endpoint(EndpointName=predictor.endpoint_name, ContentType="text/csv", Body=one)["Body"].read()
        times.append(time.perf_counter() - began)
    step.what = f"endpoint in service; one flight in {sorted(times)[50] * 1000:.1f} ms (p50)"

with Step("predict") as step:
    scores = []
    for start in range(0, len(test), 20_000):
        answer = runtime.invoke_endpoint(
            EndpointName=predictor.endpoint_name, ContentType="text/csv", Body=csv(test[start : start + 20_000])
        )
        scores += [float(line) for line in answer["Body"].read().split()]
        step.say(f"{len(scores):,} of {len(test):,}")
    reference = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 6, "eta": 0.2},
        xgboost.DMatrix(features[train], late[train]),
        100,
    ).predict(xgboost.DMatrix(test))
    step.what = f"{len(scores):,} held-out flights"
    step.quality = f"AUC {auc(late[~train], np.array(scores)):.4f}"
    step.reference = f"xgboost {auc(late[~train], reference):.4f}"

with Step("batch transform") as step:
    transformer = booster.transformer(
        instance_count=1, instance_type="ml.m5.large", assemble_with="Line", output_path=f"s3://{bucket}/batch"
    )
    transformer.transform(
        f"s3://{bucket}/flights/batch/", content_type="text/csv", split_type="Line", wait=False, logs=False
    )
    name = transformer.latest_transform_job.name
    while (state := client.describe_transform_job(TransformJobName=name)["TransformJobStatus"]) == "InProgress":
        step.say(state)
        time.sleep(0.3)
    output = s3.get_object(Bucket=bucket, Key="batch/features.csv.out")["Body"].read()
    batch = np.array([float(line) for line in output.split()])
    step.what = f"{len(batch):,} predictions, {state}"
    step.quality = f"AUC {auc(late[~train], batch):.4f}"
    step.reference = f"endpoint {auc(late[~train], np.array(scores)):.4f}"
predictor.delete_endpoint()

with Step("Linear Learner") as step:
    every = slice(None, None, 5)
    learner = LinearLearner(predictor_type="binary_classifier", epochs=5, **settings())
    learner.fit(learner.record_set(features[train][every], labels=late[train][every]), wait=False)
    wait_for_job(step, learner.latest_training_job.name)
    predictor = deploy(step, learner)
    scores = label_values(predict_all(predictor, test[every]), "score").ravel()
    predictor.delete_endpoint()
    scaler = StandardScaler().fit(features[train][every])
    reference = LogisticRegression(max_iter=1000).fit(scaler.transform(features[train][every]), late[train][every])
    step.what = f"{len(late[train][every]):,} flights by record_set, deployed, {len(scores):,} predicted"
    step.quality = f"AUC {auc(late[~train][every], scores):.4f}"
    step.reference = (
        f"scikit-learn {auc(late[~train][every], reference.decision_function(scaler.transform(test[every]))):.4f}"
    )

pixels, _ = images("train")
unseen, _ = images("t10k")
with Step("K-Means") as step:
    kmeans = KMeans(k=10, **settings())
    kmeans.fit(kmeans.record_set(pixels), wait=False)
    wait_for_job(step, kmeans.latest_training_job.name)
    predictor = deploy(step, kmeans)
    distances = label_values(predict_all(predictor, unseen, 500), "distance_to_cluster").ravel()
    predictor.delete_endpoint()
    reference = ReferenceKMeans(10, n_init=1, random_state=0).fit(pixels)
    step.what = f"{len(pixels):,} images in 10 clusters, {len(unseen):,} assigned"
    step.quality = f"msd {np.mean(distances**2):.2f}"
    step.reference = f"scikit-learn {-reference.score(unseen) / len(unseen):.2f}"

with Step("PCA") as step:
    pca = PCA(num_components=50, **settings())
    pca.fit(pca.record_set(pixels), wait=False)
    wait_for_job(step, pca.latest_training_job.name)
    predictor = deploy(step, pca)
    projections = label_values(predict_all(predictor, unseen, 500), "projection")
    predictor.delete_endpoint()
    reference = ReferencePCA(50, svd_solver="covariance_eigh").fit(pixels)
    centred = unseen - reference.mean_
    total = (centred**2).sum()
    step.what = f"{len(pixels):,} images, 784 pixels to 50 numbers"
    step.quality = f"residual {1 - (projections**2).sum() / total:.4f}"
    step.reference = f"scikit-learn {1 - ((centred @ reference.components_.T) ** 2).sum() / total:.4f}"

columns = list(results[0])
rows = [[str(row[column]) for column in columns] for row in results]
widths = [max(len(line[i]) for line in [columns, *rows]) for i in range(len(columns))]
print()
for line in [columns, ["-" * width for width in widths], *rows]:
    print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
if path := os.environ.get("DEMO_RESULTS"):
    with open(path, "w") as file:
        json.dump(results, file, indent=1)
