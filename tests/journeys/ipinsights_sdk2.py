"""IP Insights by its image: two instances with a share of the files each, an endpoint, a batch job. Run by
test_tabular_sdk.py in the SDK's environment, by `lakemill run`."""

import json
import tempfile
from pathlib import Path

import boto3
import sagemaker
from sagemaker import image_uris
from sagemaker.inputs import TrainingInput
from tabular_sdk2 import deployed, execution_role, trained

session = sagemaker.Session()
bucket, s3 = session.default_bucket(), boto3.client("s3")
rows = [f"user_{n % 12},10.{n % 12}.0.{n * 7 % 250}" for n in range(2000)]
for part in range(2):
    s3.put_object(Bucket=bucket, Key=f"ipinsights/train/{part}.csv", Body="\n".join(rows[part::2]).encode())
estimator = sagemaker.estimator.Estimator(
    image_uris.retrieve("ipinsights", session.boto_region_name),
    execution_role(),
    2,
    "ml.m5.large",
    output_path=f"s3://{bucket}/ipinsights",
    hyperparameters={"num_entity_vectors": 24, "vector_dim": 8, "epochs": 5, "mini_batch_size": 100},
)
place = f"s3://{bucket}/ipinsights/train/"
estimator.fit({"train": TrainingInput(place, distribution="ShardedByS3Key", content_type="text/csv")}, wait=False)
trained(estimator)

predictor = deployed(estimator)
runtime = boto3.client("sagemaker-runtime")
pair = ["user_1", "10.1.0.7"]
for kind, body in (
    ("text/csv", ",".join(pair)),
    ("application/json", json.dumps({"instances": [{"features": pair}]})),
    ("application/jsonlines", json.dumps({"features": pair})),
):
    answer = runtime.invoke_endpoint(
        EndpointName=predictor.endpoint_name, ContentType=kind, Accept="application/json", Body=body
    )
    (score,) = json.loads(answer["Body"].read())["predictions"]
    assert score["dot_product"] > 0, (kind, score)
predictor.delete_endpoint()
print("every content type: done", flush=True)

s3.put_object(Bucket=bucket, Key="ipinsights/batch/rows", Body="\n".join(rows[:50]).encode())
worker = estimator.transformer(
    instance_count=1,
    instance_type="ml.m5.large",
    accept="application/jsonlines",
    assemble_with="Line",
    output_path=f"s3://{bucket}/ipinsights/answers",
)
worker.transform(f"s3://{bucket}/ipinsights/batch/", content_type="text/csv", split_type="Line", wait=False)
waiter = boto3.client("sagemaker").get_waiter("transform_job_completed_or_stopped")
waiter.wait(TransformJobName=worker.latest_transform_job.name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
with tempfile.NamedTemporaryFile() as file:
    s3.download_file(bucket, "ipinsights/answers/rows.out", file.name)
    answers = [json.loads(line)["dot_product"] for line in Path(file.name).read_text().splitlines()]
assert len(answers) == 50
print("batch transform: done", flush=True)
