"""A data set is put, a built-in algorithm trains on it, the model comes back; with plain boto3."""

import io
import json
import random
import tarfile
import time
import uuid

import pytest
from botocore.exceptions import ClientError

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def allow(*statements):
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements
            ],
        }
    )


def rows(count=3000, seed=7):
    """Label first: whether x + y > 1."""
    draw = random.Random(seed)
    points = ((draw.random(), draw.random()) for _ in range(count))
    return "\n".join(f"{int(x + y > 1)},{x:.5f},{y:.5f}" for x, y in points).encode()


class Lab:
    """A bucket with data and a role that may use it."""

    def __init__(self, lakemill, name):
        self.lakemill, self.bucket = lakemill, f"{name}-data"
        self.s3, self.iam = lakemill.client("s3"), lakemill.client("iam")
        self.sagemaker, self.logs = lakemill.client("sagemaker"), lakemill.client("logs")
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_object(Bucket=self.bucket, Key="train/a.csv", Body=rows(seed=1))
        self.s3.put_object(Bucket=self.bucket, Key="validation/a.csv", Body=rows(seed=2))
        self.role = self.new_role(f"{name}-trainer", ("s3:*", "*"))

    def new_role(self, name, *statements):
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=allow(*statements))
        return role

    def request(self, name, **changes):
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": self.role,
            "HyperParameters": {"num_round": "10", "objective": "binary:logistic", "eval_metric": "auc"},
            "InputDataConfig": [self.channel("train"), self.channel("validation")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        } | changes

    def channel(self, name):
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://{self.bucket}/{name}/",
            "S3DataDistributionType": "FullyReplicated",
        }
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "ContentType": "text/csv"}

    def create(self, name, **changes):
        return self.sagemaker.create_training_job(**self.request(name, **changes))["TrainingJobArn"]

    def ended(self, name, timeout_s=60):
        return self.until(name, lambda job: job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"), timeout_s)

    def until(self, name, condition, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            job = self.sagemaker.describe_training_job(TrainingJobName=name)
            if condition(job):
                return job
            time.sleep(0.05)
        raise AssertionError(f"{name} stays {job['TrainingJobStatus']}/{job['SecondaryStatus']}")

    def log(self, name):
        group = "/aws/sagemaker/TrainingJobs"
        try:
            streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [line for stream in streams for line in self.lines(group, stream["logStreamName"])]

    def lines(self, group, stream):
        found, token = [], {}
        while True:
            page = self.logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
            if not page["events"]:
                return found
            found += [event["message"] for event in page["events"]]
            token = {"nextToken": page["nextForwardToken"]}

    def model(self, job):
        bucket, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            return tar.getnames()


@pytest.fixture(scope="module")
def lab(lakemill):
    return Lab(lakemill, f"training-journey-{uuid.uuid4().hex[:6]}")


FOREVER = {"num_round": "100000000", "objective": "binary:logistic"}


def test_xgboost_trains_and_leaves_a_model_its_log_and_its_metrics(lab):
    arn = lab.create("churn", Tags=[{"Key": "team", "Value": "growth"}])
    assert arn.endswith(":training-job/churn")
    job = lab.ended("churn")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert [one["Status"] for one in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert lab.model(job) == ["xgboost-model"]
    finals = {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}
    assert finals["validation:auc"] > 0.95
    assert any("#011validation-auc:" in line for line in lab.log("churn"))
    assert lab.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "growth"}]
    names = [
        one["TrainingJobName"] for one in lab.sagemaker.list_training_jobs(NameContains="chur")["TrainingJobSummaries"]
    ]
    assert names == ["churn"]


def test_the_waiter_of_boto3_follows_a_job(lab):
    lab.create("waited")
    waiter = lab.sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def test_a_wrong_hyperparameter_fails_the_job_not_the_call(lab):
    lab.create("wrong", HyperParameters={"num_round": "ten"})
    reason = lab.ended("wrong")["FailureReason"]
    assert reason.startswith("ClientError: ")
    assert "num_round" in reason


def test_data_that_does_not_parse_fails_with_the_algorithms_words(lab):
    lab.s3.put_object(Bucket=lab.bucket, Key="mangled/a.csv", Body=b"this is no table\n")
    lab.create("mangled", InputDataConfig=[lab.channel("mangled") | {"ChannelName": "train"}])
    job = lab.ended("mangled")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert job["FailureReason"].endswith("exit code: 1")


def test_a_stopped_job_ends_as_stopped(lab):
    lab.create("long", HyperParameters=FOREVER)
    lab.until("long", lambda job: job["SecondaryStatus"] == "Training")
    lab.sagemaker.stop_training_job(TrainingJobName="long")
    job = lab.ended("long")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")


def test_a_role_without_rights_fails_the_job(lab):
    role = lab.new_role("training-journey-poor", ("s3:PutObject", "*"), ("s3:ListBucket", "*"))
    lab.create("poor", RoleArn=role)
    reason = lab.ended("poor")["FailureReason"]
    assert reason.startswith("ClientError: Data download failed")
    assert "s3:GetObject" in reason


def test_a_role_nobody_made_is_refused_at_once(lab):
    with pytest.raises(ClientError, match="Could not assume role") as caught:
        lab.create("nobody", RoleArn="arn:aws:iam::000000000000:role/nobody")
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_a_user_needs_to_be_allowed_to_pass_the_role(lab, lakemill):
    lab.iam.create_user(UserName="training-journey-user")
    policy = allow(("sagemaker:*", "*"))
    lab.iam.put_user_policy(UserName="training-journey-user", PolicyName="p", PolicyDocument=policy)
    key = lab.iam.create_access_key(UserName="training-journey-user")["AccessKey"]
    client = lakemill.client("sagemaker", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    with pytest.raises(ClientError, match="iam:PassRole") as caught:
        client.create_training_job(**lab.request("passing"))
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_training_goes_on_while_lakemill_is_killed_and_started_again(fresh):
    running = fresh()
    lab = Lab(running, "restart-journey")
    lab.create("survivor", HyperParameters=FOREVER)
    lab.until("survivor", lambda job: job["SecondaryStatus"] == "Training" and lab.log("survivor"))
    running.kill()
    running.start()
    lab = Lab.__new__(Lab)
    lab.sagemaker, lab.s3, lab.logs = running.client("sagemaker"), running.client("s3"), running.client("logs")
    job = lab.sagemaker.describe_training_job(TrainingJobName="survivor")
    assert job["SecondaryStatus"] == "Training"
    before = len(lab.log("survivor"))
    lab.sagemaker.stop_training_job(TrainingJobName="survivor")
    assert lab.ended("survivor")["SecondaryStatus"] == "Stopped"
    lines = lab.log("survivor")
    assert len(lines) >= before
    rounds = [int(line[1 : line.index("]")]) for line in lines if line.startswith("[") and "#011train-" in line]
    assert rounds == sorted(rounds)
    assert len(set(rounds)) >= len(rounds) - 1000  # A crash may ship its last lines twice, and loses none.
    assert set(rounds) == set(range(max(rounds) + 1))
