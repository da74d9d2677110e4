"""LDA with the estimator class of the SageMaker SDK 2.x, on documents whose topics are known.

Each topic is five of the 25 words, a row or a column of a grid of 5 x 5; each document mixes a few topics (after
Griffiths and Steyvers, "Finding scientific topics", 2004, and AWS's introductory notebook).

lakemill run -- python examples/lda_sdk2.py
"""

import io
import tarfile

import numpy as np
import sagemaker
from role import execution_role
from sagemaker import LDA
from sagemaker.deserializers import JSONDeserializer
from sagemaker.predictor import Predictor
from sagemaker.s3 import S3Downloader
from sagemaker.serializers import CSVSerializer

SIDE, DOCUMENTS, WORDS = 5, 1500, 100
random = np.random.default_rng(0)
places = np.arange(SIDE**2).reshape(SIDE, SIDE)
topics = np.array([np.isin(places, line).ravel() / SIDE for line in [*places, *places.T]])
mixtures = random.dirichlet(np.full(len(topics), 0.1), DOCUMENTS)
counts = random.multinomial(WORDS, mixtures @ topics).astype("float32")
train, test = counts[:-100], counts[-100:]

session = sagemaker.Session()
lda = LDA(
    role=execution_role(),
    instance_count=1,
    instance_type="ml.c5.xlarge",
    num_topics=len(topics),
    alpha0=1.0,
    output_path=f"s3://{session.default_bucket()}/lda",
)
lda.fit([lda.record_set(train), lda.record_set(test, channel="test")], mini_batch_size=len(train), logs=True)

predictor = lda.deploy(initial_instance_count=1, instance_type="ml.m5.large")
found = np.array([one.label["topic_mixture"].float32_tensor.values for one in predictor.predict(test)])

# The same endpoint, asked in CSV and answering in JSON.
plain = Predictor(predictor.endpoint_name, session, serializer=CSVSerializer(), deserializer=JSONDeserializer())
said = np.array([one["topic_mixture"] for one in plain.predict(test)["predictions"]])
np.testing.assert_allclose(said, found, atol=1e-4)
np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)

with tarfile.open(fileobj=io.BytesIO(S3Downloader.read_bytes(lda.model_data))) as archive:
    body = archive.extractfile("model_algo-1").read()
# An MXNet NDArray list without names: alpha (10,) and then beta (10, 25), float32, and the number of names at its end.
beta = np.frombuffer(body[-8 - 4 * topics.size : -8], "<f4").reshape(topics.shape)
pairs = np.abs(topics[:, None] - beta[None]).sum(axis=2)
print(f"each of {len(topics)} topics is found, the farthest {pairs.min(axis=1).max():.3f} away in L1 distance")
assert sorted(pairs.argmin(axis=1)) == list(range(len(topics)))
assert pairs.min(axis=1).max() < 0.1
apart = np.abs(found[:, pairs.argmin(axis=1)] - mixtures[-100:]).sum(axis=1).mean()
print(f"mixtures of {len(test)} held-out documents are {apart:.2f} from the true ones, where 2 is the most")
predictor.delete_endpoint()
