"""A trained model and what it takes to deploy it, for the journeys of hosting."""

import json
import random
import time
import uuid

import pytest

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
SOON = {"Delay": 1, "MaxAttempts": 60}


def points(count, seed):
    draw = random.Random(seed)
    return [(draw.random(), draw.random()) for _ in range(count)]


class Studio:
    """A bucket, a role and a model that tells whether x + y > 1."""

    def __init__(self, lakemill, name):
        self.lakemill, self.name, self.bucket = lakemill, name, f"{name}-models"
        self.s3, self.logs = lakemill.client("s3"), lakemill.client("logs")
        self.sagemaker, self.runtime = lakemill.client("sagemaker"), lakemill.client("sagemaker-runtime")
        iam = lakemill.client("iam")
        self.role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=json.dumps(ALLOW))
        self.s3.create_bucket(Bucket=self.bucket)
        self.artifact = self._train()

    def _train(self):
        rows = "\n".join(f"{int(x + y > 1)},{x:.5f},{y:.5f}" for x, y in points(2000, seed=1))
        self.s3.put_object(Bucket=self.bucket, Key="train/a.csv", Body=rows)
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/train/"}}
        self.sagemaker.create_training_job(
            TrainingJobName=self.name,
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            RoleArn=self.role,
            HyperParameters={"num_round": "20", "objective": "binary:logistic"},
            InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": source}],
            OutputDataConfig={"S3OutputPath": f"s3://{self.bucket}/models"},
            ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )
        for _ in range(300):
            found = self.sagemaker.describe_training_job(TrainingJobName=self.name)
            if found["TrainingJobStatus"] == "Completed":
                return found["ModelArtifacts"]["S3ModelArtifacts"]
            assert found["TrainingJobStatus"] == "InProgress", found["FailureReason"]
            time.sleep(0.2)
        raise AssertionError("the training did not end")

    def model(self, name, **changes):
        container = {"Image": IMAGE, "ModelDataUrl": self.artifact}
        request = {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": self.role} | changes
        self.sagemaker.create_model(**request)

    def config(self, name, *models, count=1):
        variants = [
            {
                "VariantName": f"v-{model}",
                "ModelName": model,
                "InitialInstanceCount": count,
                "InstanceType": "ml.m5.large",
            }
            for model in models
        ]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)

    def deploy(self, name, *models, count=1):
        self.config(name, *models, count=count)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.wait(name)

    def wait(self, name):
        self.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=SOON)

    def delete(self, name):
        self.sagemaker.delete_endpoint(EndpointName=name)
        self.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=SOON)

    def score(self, endpoint, x=0.9, y=0.8, **changes):
        request = {"EndpointName": endpoint, "ContentType": "text/csv", "Body": f"{x},{y}"} | changes
        return float(self.runtime.invoke_endpoint(**request)["Body"].read())


@pytest.fixture(scope="module")
def studio(lakemill, request):
    # Named anew each time: a worker may come back to a module whose fixtures it has put away.
    module = request.module.__name__.rsplit(".", 1)[-1].replace("_", "-")
    made = Studio(lakemill, f"{module}-{uuid.uuid4().hex[:6]}")
    names = [one["ModelName"] for one in made.sagemaker.list_models(NameContains=f"{module}-model")["Models"]]
    if not names:
        made.model(f"{module}-model")
    return made
