"""Good models behind endpoints and jobs that must fail, of every algorithm, for the journeys of bad input."""

import dataclasses
import functools
import json
import random
import struct
import time

from botocore.exceptions import ClientError
from tests.journeys.studio import ALLOW, TRUST

ECR = "dkr.ecr.us-east-1.amazonaws.com"
SOON = {"Delay": 1, "MaxAttempts": 60}


@dataclasses.dataclass(frozen=True)
class Algorithm:
    image: str
    hyperparameters: dict[str, str]
    """With which it trains on two features in no time."""
    labelled: bool
    number: str
    """A hyperparameter that must be a number."""


ALGORITHMS = {
    "xgboost": Algorithm(f"683313688378.{ECR}/sagemaker-xgboost:1.7-1", {"num_round": "3"}, True, "num_round"),
    "linear-learner": Algorithm(
        f"382416733822.{ECR}/linear-learner:1", {"predictor_type": "regressor", "epochs": "1"}, True, "epochs"
    ),
    "kmeans": Algorithm(f"382416733822.{ECR}/kmeans:1", {"k": "2", "feature_dim": "2"}, False, "k"),
    "pca": Algorithm(
        f"382416733822.{ECR}/pca:1",
        {"num_components": "1", "feature_dim": "2", "mini_batch_size": "50"},
        False,
        "num_components",
    ),
}

RECORDIO_MAGIC = struct.pack("<I", 0xCED7230A)

# What is wrong: the channel's files, and words the reason must hold.
BAD_DATA = {
    "text": ({"a.csv": b"1,2,3\n1,two,3\n1,2,3\n"}, "text/csv", []),
    "nan": ({"a.csv": b"1,2,3\nNaN,NaN,NaN\n1,2,3\n"}, "text/csv", []),
    "ragged": ({"a.csv": b"1,2,3\n1,2\n1,2,3,4\n"}, "text/csv", []),
    "binary": ({"a.csv": bytes(range(256)) * 10}, "text/csv", []),
    "recordio": ({"a.pbr": RECORDIO_MAGIC + struct.pack("<I", 1000) + b"short"}, "application/x-recordio-protobuf", []),
    "no-recordio": ({"a.pbr": b"this was never RecordIO"}, "application/x-recordio-protobuf", []),
    "empty-file": ({"a.csv": b""}, "text/csv", []),
    "content-type": ({"a.pdf": b"%PDF-1.4"}, "application/pdf", []),
}


class Workshop:
    """A bucket, a role, and every job submitted at once."""

    def __init__(self, lakemill):
        self.s3, iam = lakemill.client("s3"), lakemill.client("iam")
        self.sagemaker, self.logs = lakemill.client("sagemaker"), lakemill.client("logs")
        self.s3.create_bucket(Bucket="workshop")
        self.role = iam.create_role(RoleName="workshop", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="workshop", PolicyName="work", PolicyDocument=json.dumps(ALLOW))
        for name, (files, _, _) in BAD_DATA.items():
            for file, body in files.items():
                self.s3.put_object(Bucket="workshop", Key=f"{name}/{file}", Body=body)
        draw = random.Random(3)
        rows = [(draw.random(), draw.random()) for _ in range(200)]
        self.s3.put_object(Bucket="workshop", Key="plain/a.csv", Body="\n".join(f"{x},{y}" for x, y in rows))
        labelled = "\n".join(f"{x + y},{x},{y}" for x, y in rows)
        self.s3.put_object(Bucket="workshop", Key="labelled/a.csv", Body=labelled)
        for algorithm in ALGORITHMS:
            self.create(f"good-{algorithm}", algorithm)
        for name in self.bad_names():
            self._create_bad(name)

    @staticmethod
    def bad_names():
        """`<what is wrong>--<algorithm>`."""
        wrongs = [*BAD_DATA, "empty-channel", "missing-channel", "unknown-hyperparameter", "no-number"]
        return [f"{wrong}--{algorithm}" for wrong in wrongs for algorithm in ALGORITHMS]

    def _create_bad(self, name):
        wrong, algorithm = name.split("--")
        known = ALGORITHMS[algorithm]
        if wrong in BAD_DATA:
            self.create(name, algorithm, channel=self.channel(wrong, BAD_DATA[wrong][1], known))
        elif wrong == "empty-channel":
            self.create(name, algorithm, channel=self.channel("nothing-here", "text/csv", known))
        elif wrong == "missing-channel":
            channel = self.channel("labelled", "text/csv", known) | {"ChannelName": "validation"}
            self.create(name, algorithm, channel=channel)
        elif wrong == "unknown-hyperparameter":
            self.create(name, algorithm, hyperparameters=known.hyperparameters | {"colour": "blue"})
        else:
            self.create(name, algorithm, hyperparameters=known.hyperparameters | {known.number: "many"})

    def words(self, name):
        """What the reason must name."""
        wrong, algorithm = name.split("--")
        return {
            "unknown-hyperparameter": ["colour"],
            "no-number": [ALGORITHMS[algorithm].number],
            "missing-channel": ["train"],
            "empty-channel": ["nothing-here"],
            "content-type": ["application/pdf"],
        }.get(wrong, [])

    def channel(self, folder, content_type, algorithm):
        content = content_type
        if content_type == "text/csv" and not algorithm.labelled:
            content = "text/csv;label_size=0"
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://workshop/{folder}/",
            "S3DataDistributionType": "FullyReplicated",
        }
        return {"ChannelName": "train", "ContentType": content, "DataSource": {"S3DataSource": source}}

    def create(self, name, algorithm="kmeans", *, channel=None, hyperparameters=None, image=None, role=None):
        known = ALGORITHMS[algorithm]
        folder = "labelled" if known.labelled else "plain"
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": image or known.image, "TrainingInputMode": "File"},
            RoleArn=role or self.role,
            HyperParameters=known.hyperparameters if hyperparameters is None else hyperparameters,
            InputDataConfig=[channel or self.channel(folder, "text/csv", known)],
            OutputDataConfig={"S3OutputPath": "s3://workshop/models"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            StoppingCondition={"MaxRuntimeInSeconds": 300},
        )

    def refused(self, name, **how):
        """Code and message of a job that is not even taken."""
        try:
            self.create(name, **how)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise AssertionError(f"{name} was taken")

    def ended(self, name, timeout_s=80):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            job = self.sagemaker.describe_training_job(TrainingJobName=name)
            if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
                return job
            time.sleep(0.1)
        raise AssertionError(f"{name} stays {job['TrainingJobStatus']}/{job['SecondaryStatus']}")

    def until_deployed(self, name, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = self.sagemaker.describe_endpoint(EndpointName=name)
            if found["EndpointStatus"] != "Creating":
                return found
            time.sleep(0.1)
        raise AssertionError(f"{name} stays Creating")

    def log(self, name):
        """All a job has logged."""
        group = "/aws/sagemaker/TrainingJobs"
        streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        lines = [
            event["message"]
            for stream in streams
            for event in self.logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]
        return "\n".join(lines)

    def deploy(self, name, image, artifact):
        """An endpoint of one model; it does not wait."""
        container = {"Image": image, "ModelDataUrl": artifact}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.role)
        variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    @functools.cache  # noqa: B019  (one workshop a test module)
    def endpoint(self, algorithm):
        """A live endpoint of the good model; all are deployed when the first is asked for."""
        self._endpoints()
        return f"good-{algorithm}"

    @functools.cache  # noqa: B019
    def _endpoints(self):
        for algorithm, known in ALGORITHMS.items():
            name = f"good-{algorithm}"
            job = self.ended(name)
            assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
            self.deploy(name, known.image, job["ModelArtifacts"]["S3ModelArtifacts"])
        for algorithm in ALGORITHMS:
            waiter = self.sagemaker.get_waiter("endpoint_in_service")
            waiter.wait(EndpointName=f"good-{algorithm}", WaiterConfig=SOON)
