"""Train, deploy, predict and transform with nothing but boto3.

lakemill run -- python examples/boto3_only.py
"""

import json
import time

import boto3
import numpy as np

REGION = boto3.session.Session().region_name or "us-east-1"
IMAGE = f"382416733822.dkr.ecr.{REGION}.amazonaws.com/kmeans:1"

s3 = boto3.client("s3")
iam = boto3.client("iam")
sagemaker = boto3.client("sagemaker")
runtime = boto3.client("sagemaker-runtime")

name = f"boto3-kmeans-{time.time_ns()}"
bucket = f"{name}-bucket"


def main() -> None:
    s3.create_bucket(Bucket=bucket)
    random = np.random.default_rng(0)
    centers = np.array([[0, 0], [10, 0], [0, 10]])
    points = centers[random.integers(0, 3, 3000)] + random.normal(size=(3000, 2))
    s3.put_object(Bucket=bucket, Key="train/points.csv", Body=csv(points))

    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    for policy in ("AmazonSageMakerFullAccess", "AmazonS3FullAccess"):
        iam.attach_role_policy(RoleName=f"{name}-role", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")

    sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=role,
        HyperParameters={"k": "3", "feature_dim": "2"},
        InputDataConfig=[
            {
                "ChannelName": "train",
                "ContentType": "text/csv;label_size=0",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/train/"}},
            }
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/output"},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    job = sagemaker.describe_training_job(TrainingJobName=name)
    print("training", job["TrainingJobStatus"], job.get("FailureReason", ""))

    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=role,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]},
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": "all", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=csv(centers))
    predictions = json.load(answer["Body"])["predictions"]
    for center, prediction in zip(centers.tolist(), predictions, strict=True):
        print(
            f"{center} is in cluster {prediction['closest_cluster']:.0f}, {prediction['distance_to_cluster']:.3f} away"
        )
    assert len({prediction["closest_cluster"] for prediction in predictions}) == 3
    assert all(prediction["distance_to_cluster"] < 0.5 for prediction in predictions)

    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=name,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/train/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{bucket}/batch", "Accept": "text/csv", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    sagemaker.get_waiter("transform_job_completed_or_stopped").wait(
        TransformJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    output = s3.get_object(Bucket=bucket, Key="batch/points.csv.out")["Body"].read().decode()
    lines = [line for line in output.splitlines() if line]
    print("transform gave", len(lines), "lines; the first:", lines[0])
    assert len(lines) == len(points)

    sagemaker.delete_endpoint(EndpointName=name)


def csv(rows: np.ndarray) -> bytes:
    return "\n".join(",".join(f"{value:.6f}" for value in row) for row in rows).encode()


main()
