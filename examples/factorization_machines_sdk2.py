"""Factorization Machines on the New York flights, one-hot and sparse, with the estimator of the SageMaker SDK 2.x.

Sparse tensors are written to S3 with the SDK's own writer, a train and a test channel point to them, and the endpoint
is asked with sparse JSON: the way of AWS's recommender examples.

lakemill run -- python examples/factorization_machines_sdk2.py
"""

import io
import json

import numpy as np
import pandas as pd
import sagemaker
import sagemaker.amazon.common as formats
import scipy.sparse as sp
from flights import DATA, LATE_MINUTES, auc
from role import execution_role
from sagemaker import FactorizationMachines
from sagemaker.amazon.amazon_estimator import RecordSet
from sagemaker.deserializers import JSONDeserializer
from sagemaker.serializers import SimpleBaseSerializer

COLUMNS = ["carrier", "origin", "dest", "month", "weekday", "hour", "tailnum", "day_of_year"]
session = sagemaker.Session()
bucket = session.default_bucket()


class SparseSerializer(SimpleBaseSerializer):
    """csr rows as the sparse JSON of the built-in algorithms."""

    def __init__(self):
        super().__init__(content_type="application/json")

    def serialize(self, rows):
        tensors = [
            {"keys": row.indices.tolist(), "shape": [row.shape[1]], "values": row.data.tolist()}
            for row in (rows[place] for place in range(rows.shape[0]))
        ]
        return json.dumps({"instances": [{"data": {"features": tensor}} for tensor in tensors]})


def upload(channel, features, labels):
    """Write a channel to S3 and describe it."""
    body = io.BytesIO()
    formats.write_spmatrix_to_sparse_tensor(body, features, labels)
    key = f"flights-one-hot/{channel}/data.protobuf"
    session.boto_session.client("s3").put_object(Bucket=bucket, Key=key, Body=body.getvalue())
    return RecordSet(
        f"s3://{bucket}/flights-one-hot/{channel}",
        s3_data_type="S3Prefix",
        num_records=len(labels),
        feature_dim=features.shape[1],
        channel=channel,
    )


frame = pd.read_parquet(DATA / "nycflights13" / "flights.parquet")
frame = frame[frame["arr_delay"].notna()].iloc[::6].reset_index(drop=True)
date = pd.to_datetime(frame[["year", "month", "day"]])
frame["weekday"], frame["day_of_year"] = date.dt.weekday, date.dt.dayofyear
codes = np.column_stack([pd.factorize(frame[name])[0] for name in COLUMNS])
offsets = np.concatenate([[0], np.cumsum(codes.max(axis=0) + 1)])
places = (codes + offsets[:-1]).ravel()
ones, starts = np.ones(len(places), "float32"), np.arange(0, len(places) + 1, len(COLUMNS))
features = sp.csr_matrix((ones, places, starts), (len(frame), offsets[-1]))
late = (frame["arr_delay"].to_numpy() > LATE_MINUTES).astype("float32")
train = np.random.RandomState(7).rand(len(frame)) < 0.8

machines = FactorizationMachines(
    role=execution_role(),
    instance_count=1,
    instance_type="ml.m5.xlarge",
    num_factors=8,
    predictor_type="binary_classifier",
    epochs=10,
    output_path=f"s3://{bucket}/factorization-machines",
)
machines.fit([upload("train", features[train], late[train]), upload("test", features[~train], late[~train])], logs=True)

predictor = machines.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=SparseSerializer(),
    deserializer=JSONDeserializer(),
)
answers = []
asked = features[~train]
for start in range(0, asked.shape[0], 1000):
    answers += predictor.predict(asked[start : start + 1000])["predictions"]
quality = auc(late[~train], np.array([answer["score"] for answer in answers]))
print(f"AUC on {len(answers)} held-out flights, {features.shape[1]} sparse features: {quality:.4f}")
assert quality > 0.75
assert {answer["predicted_label"] for answer in answers} == {0.0, 1.0}
predictor.delete_endpoint()
