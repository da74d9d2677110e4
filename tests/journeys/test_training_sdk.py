"""The sagemaker SDKs, unmodified, train a built-in algorithm: each in the virtual environment that holds it."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

VENVS = Path(__file__).parents[2] / ".venvs"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

SDK2 = """
import sys, sagemaker
from sagemaker.inputs import TrainingInput
bucket, role = sys.argv[1:]
session = sagemaker.Session(default_bucket=bucket)
estimator = sagemaker.estimator.Estimator(
    sagemaker.image_uris.retrieve("xgboost", "us-east-1", "1.7-1"), role, 1, "ml.m5.xlarge",
    output_path=f"s3://{bucket}/out", sagemaker_session=session,
    hyperparameters={"num_round": 5, "objective": "binary:logistic"})
estimator.fit({"train": TrainingInput(f"s3://{bucket}/train", content_type="text/csv")}, logs="All")
attached = sagemaker.estimator.Estimator.attach(estimator.latest_training_job.name, sagemaker_session=session)
print("MODEL", attached.model_data)
"""

SDK3 = """
import sys
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig
bucket, role = sys.argv[1:]
trainer = ModelTrainer(
    training_image="683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", role=role,
    base_job_name="three", hyperparameters={"num_round": 5, "objective": "binary:logistic"},
    compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/out"))
data = InputData(channel_name="train", data_source=f"s3://{bucket}/train", content_type="text/csv")
trainer.train(input_data_config=[data], wait=True, logs=True)
print("MODEL", trainer._latest_training_job.model_artifacts.s3_model_artifacts)
"""


def train_with(lakemill, name, script):
    """Run a script of an SDK's environment; what it printed."""
    python = VENVS / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no {python}")
    s3, iam, bucket = lakemill.client("s3"), lakemill.client("iam"), f"{name}-journey"
    s3.create_bucket(Bucket=bucket)
    draw = random.Random(1)
    points = [(draw.random(), draw.random()) for _ in range(1000)]
    body = "\n".join(f"{int(x + y > 1)},{x:.4f},{y:.4f}" for x, y in points)
    s3.put_object(Bucket=bucket, Key="train/a.csv", Body=body.encode())
    role = iam.create_role(RoleName=bucket, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=bucket, PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": lakemill.endpoint,
        "AWS_ACCESS_KEY_ID": lakemill.access_key_id,
        "AWS_SECRET_ACCESS_KEY": lakemill.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(
        [python, "-c", script, bucket, role], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert any(key["Key"].endswith("/output/model.tar.gz") for key in s3.list_objects_v2(Bucket=bucket)["Contents"])
    return done.stdout


@pytest.mark.sdk2
@pytest.mark.long
def test_an_estimator_of_sdk_2_trains_shows_its_log_and_can_be_attached_to(lakemill):
    printed = train_with(lakemill, "sdk2", SDK2)
    assert "#011train-logloss:" in printed
    assert "Training seconds:" in printed
    assert "MODEL s3://sdk2-journey/out/" in printed


@pytest.mark.sdk3
@pytest.mark.long
def test_a_model_trainer_of_sdk_3_trains(lakemill):
    assert "MODEL s3://sdk3-journey/out/three-" in train_with(lakemill, "sdk3", SDK3)
