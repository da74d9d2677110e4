"""XGBoost on the New York flights with the SageMaker SDK 2.x: CSV and libsvm channels, an endpoint, a batch job.

lakemill run -- python examples/xgboost_sdk2.py
"""

import io
import tempfile
from pathlib import Path

import numpy as np
import sagemaker
from flights import auc, flights
from role import execution_role
from sagemaker import image_uris
from sagemaker.deserializers import CSVDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import CSVSerializer

session = sagemaker.Session()
bucket = session.default_bucket()
image = image_uris.retrieve("xgboost", session.boto_region_name, "1.7-1")
features, late, train = flights(rows=40_000)


def csv(rows: np.ndarray) -> bytes:
    buffer = io.StringIO()
    np.savetxt(buffer, rows, delimiter=",", fmt="%g")
    return buffer.getvalue().encode()


def libsvm(labels: np.ndarray, rows: np.ndarray) -> bytes:
    lines = (
        f"{label:g} " + " ".join(f"{i}:{value:g}" for i, value in enumerate(row) if value)
        for label, row in zip(labels, rows, strict=True)
    )
    return "\n".join(lines).encode()


def upload(name: str, body: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(body)
        return session.upload_data(str(path), bucket=bucket, key_prefix=f"xgboost/{Path(name).parent}")


def estimator() -> Estimator:
    return Estimator(
        image,
        role=execution_role(),
        instance_count=1,
        instance_type="ml.m5.xlarge",
        output_path=f"s3://{bucket}/xgboost/output",
        hyperparameters={
            "objective": "binary:logistic",
            "num_round": 30,
            "max_depth": 6,
            "eta": 0.2,
            "eval_metric": "auc",
        },
    )


with_label = np.column_stack([late, features])
by_csv = estimator()
by_csv.fit(
    {
        "train": TrainingInput(upload("csv/train/train.csv", csv(with_label[train])), content_type="text/csv"),
        "validation": TrainingInput(
            upload("csv/validation/test.csv", csv(with_label[~train])), content_type="text/csv"
        ),
    },
    logs=True,
)
by_libsvm = estimator()
by_libsvm.fit(
    {"train": TrainingInput(upload("svm/train.svm", libsvm(late[train], features[train])), content_type="libsvm")},
    logs=False,
)

predictor = by_csv.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=CSVSerializer(),
    deserializer=CSVDeserializer(),
)
test = features[~train]
scores = []
for start in range(0, len(test), 1000):
    answer = predictor.predict(test[start : start + 1000])
    scores += [float(value) for line in answer for value in line if value]
quality = auc(late[~train], np.array(scores))
print(f"AUC on {len(test)} held-out flights: {quality:.4f}")
assert quality > 0.7

transformer = by_csv.transformer(
    instance_count=1, instance_type="ml.m5.large", assemble_with="Line", output_path=f"s3://{bucket}/xgboost/batch"
)
transformer.transform(upload("batch/features.csv", csv(test)), content_type="text/csv", split_type="Line", logs=False)
batch = session.read_s3_file(bucket, "xgboost/batch/features.csv.out")
batch_scores = np.array([float(line) for line in batch.split() if line])
assert np.allclose(batch_scores, scores, atol=1e-5)
print(f"the batch job gave the same {len(batch_scores)} scores")
predictor.delete_endpoint()
