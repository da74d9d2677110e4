"""XGBoost on the New York flights with the SageMaker SDK 3.x: ModelTrainer, then an endpoint by its resource classes.

lakemill run -- python examples/xgboost_sdk3.py
"""

import io
import time

import boto3
import numpy as np
from flights import auc, flights
from role import execution_role
from sagemaker.core import image_uris
from sagemaker.core.resources import Endpoint, EndpointConfig, Model
from sagemaker.core.shapes import ContainerDefinition, ProductionVariant
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, StoppingCondition

REGION = boto3.session.Session().region_name or "us-east-1"
name = f"sdk3-xgboost-{time.time_ns()}"
image = image_uris.retrieve("xgboost", REGION, "1.7-1")
role = execution_role()
s3 = boto3.client("s3")
features, late, train = flights(rows=20_000)


def csv(rows: np.ndarray) -> bytes:
    buffer = io.StringIO()
    np.savetxt(buffer, rows, delimiter=",", fmt="%g")
    return buffer.getvalue().encode()


s3.create_bucket(Bucket=name)
with_label = np.column_stack([late, features])
s3.put_object(Bucket=name, Key="train/train.csv", Body=csv(with_label[train]))
s3.put_object(Bucket=name, Key="validation/test.csv", Body=csv(with_label[~train]))

trainer = ModelTrainer(
    training_image=image,
    role=role,
    base_job_name="sdk3-xgboost",
    compute=Compute(instance_type="ml.m5.xlarge", instance_count=1, volume_size_in_gb=10),
    hyperparameters={
        "objective": "binary:logistic",
        "num_round": "30",
        "max_depth": "6",
        "eta": "0.2",
        "eval_metric": "auc",
    },
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{name}/output"),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
)
trainer.train(
    input_data_config=[
        InputData(channel_name="train", data_source=f"s3://{name}/train/", content_type="text/csv"),
        InputData(channel_name="validation", data_source=f"s3://{name}/validation/", content_type="text/csv"),
    ],
    wait=True,
    logs=True,
)
job = trainer._latest_training_job
print("training", job.training_job_status, job.model_artifacts.s3_model_artifacts)

model = Model.create(
    model_name=name,
    primary_container=ContainerDefinition(image=image, model_data_url=job.model_artifacts.s3_model_artifacts),
    execution_role_arn=role,
)
EndpointConfig.create(
    endpoint_config_name=name,
    production_variants=[
        ProductionVariant(variant_name="all", model_name=name, initial_instance_count=1, instance_type="ml.m5.large")
    ],
)
endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
endpoint.wait_for_status("InService", poll=1)
answer = endpoint.invoke(body=csv(features[~train]), content_type="text/csv", accept="text/csv")
scores = np.array([float(line) for line in answer.body.read().decode().split()])
quality = auc(late[~train], scores)
print(f"AUC on {len(scores)} held-out flights: {quality:.4f}")
assert quality > 0.68
endpoint.delete()
model.delete()
