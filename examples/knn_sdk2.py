"""k nearest neighbours on Fashion-MNIST with the estimator class of the SageMaker SDK 2.x.

lakemill run -- python examples/knn_sdk2.py
"""

import json

import numpy as np
import sagemaker
from flights import images
from role import execution_role
from sagemaker import KNN
from sagemaker.deserializers import JSONDeserializer
from sagemaker.serializers import CSVSerializer

session = sagemaker.Session()
pixels, classes = images("train")
test, truth = images("t10k")

knn = KNN(
    role=execution_role(),
    instance_count=1,
    instance_type="ml.m5.xlarge",
    k=5,
    sample_size=6000,
    predictor_type="classifier",
    dimension_reduction_type="fjlt",
    dimension_reduction_target=200,
    output_path=f"s3://{session.default_bucket()}/knn",
)
train_records = knn.record_set(pixels, labels=classes)
knn.fit([train_records, knn.record_set(test, labels=truth, channel="test")], logs=True)

predictor = knn.deploy(initial_instance_count=1, instance_type="ml.m5.large")
answers = []
for start in range(0, len(test), 500):
    answers += predictor.predict(test[start : start + 500])
found = np.array([answer.label["predicted_label"].float32_tensor.values[0] for answer in answers])
accuracy = np.mean(found == truth)
print(f"accuracy on {len(test)} held-out images: {accuracy:.3f}")
assert accuracy > 0.78

verbose = sagemaker.Predictor(
    predictor.endpoint_name,
    session,
    serializer=CSVSerializer(),
    deserializer=JSONDeserializer(accept="application/json; verbose=true"),
)
(nearest,) = verbose.predict(test[:1])["predictions"]
print(json.dumps(nearest))
assert nearest["distances"] == sorted(nearest["distances"]) and len(nearest["labels"]) == 5
predictor.delete_endpoint()
