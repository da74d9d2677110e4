"""Linear Learner on the New York flights, as the first-party estimators of the SageMaker SDK 2.x are used.

lakemill run -- python examples/linear_learner_sdk2.py
"""

import numpy as np
import sagemaker
from flights import auc, flights
from role import execution_role
from sagemaker import LinearLearner

session = sagemaker.Session()
features, late, train = flights(rows=40_000)

learner = LinearLearner(
    role=execution_role(),
    instance_count=1,
    instance_type="ml.m5.xlarge",
    predictor_type="binary_classifier",
    epochs=5,
    output_path=f"s3://{session.default_bucket()}/linear-learner",
)
learner.fit(learner.record_set(features[train], labels=late[train]), logs=True)

predictor = learner.deploy(initial_instance_count=1, instance_type="ml.m5.large")
answers = []
test = features[~train]
for start in range(0, len(test), 1000):
    answers += predictor.predict(test[start : start + 1000])
scores = [answer.label["score"].float32_tensor.values[0] for answer in answers]
quality = auc(late[~train], np.array(scores))
print(f"AUC on {len(test)} held-out flights: {quality:.4f}")
assert quality > 0.6
predictor.delete_endpoint()
