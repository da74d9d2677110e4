"""PCA on Fashion-MNIST with the estimator class of the SageMaker SDK 2.x.

lakemill run -- python examples/pca_sdk2.py
"""

import numpy as np
import sagemaker
from flights import images
from role import execution_role
from sagemaker import PCA

session = sagemaker.Session()
pixels, _ = images("train")
test, _ = images("t10k")

pca = PCA(
    role=execution_role(),
    instance_count=1,
    instance_type="ml.m5.xlarge",
    num_components=50,
    output_path=f"s3://{session.default_bucket()}/pca",
)
pca.fit(pca.record_set(pixels), logs=True)

predictor = pca.deploy(initial_instance_count=1, instance_type="ml.m5.large")
answers = []
for start in range(0, len(test), 500):
    answers += predictor.predict(test[start : start + 500])
projections = np.array([answer.label["projection"].float32_tensor.values for answer in answers])
mean = pixels.mean(axis=0)
left = 1 - (projections**2).sum() / ((test - mean) ** 2).sum()
print(f"50 components leave {left:.4f} of the variance of {len(test)} held-out images")
assert projections.shape == (len(test), 50)
assert left < 0.14
predictor.delete_endpoint()
