"""K-Means on Fashion-MNIST with the estimator class of the SageMaker SDK 2.x.

lakemill run -- python examples/kmeans_sdk2.py
"""

import numpy as np
import sagemaker
from flights import images
from role import execution_role
from sagemaker import KMeans

session = sagemaker.Session()
pixels, _ = images("train")
test, _ = images("t10k")

kmeans = KMeans(
    role=execution_role(),
    instance_count=1,
    instance_type="ml.m5.xlarge",
    k=10,
    output_path=f"s3://{session.default_bucket()}/kmeans",
)
kmeans.fit(kmeans.record_set(pixels), logs=True)

predictor = kmeans.deploy(initial_instance_count=1, instance_type="ml.m5.large")
answers = []
for start in range(0, len(test), 500):
    answers += predictor.predict(test[start : start + 500])
distances = np.array([answer.label["distance_to_cluster"].float32_tensor.values[0] for answer in answers])
clusters = {answer.label["closest_cluster"].float32_tensor.values[0] for answer in answers}
print(f"mean squared distance of {len(test)} held-out images: {np.mean(distances**2):.2f}, in {len(clusters)} clusters")
assert len(clusters) == 10
assert np.mean(distances**2) < 34
predictor.delete_endpoint()
