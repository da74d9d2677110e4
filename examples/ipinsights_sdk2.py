"""IP Insights on simulated log-ins with the estimator class of the SageMaker SDK 2.x.

AWS's introduction to the algorithm: users log in from a network at home and one at work, now and then from elsewhere;
the web server's log becomes lines of user and address; the endpoint tells log-ins of the next days from attacks.

lakemill run -- python examples/ipinsights_sdk2.py
"""

import re

import numpy as np
import sagemaker
from role import execution_role
from sagemaker import IPInsights
from sagemaker.amazon.amazon_estimator import RecordSet
from sagemaker.deserializers import JSONDeserializer, JSONLinesDeserializer
from sagemaker.serializers import JSONLinesSerializer, JSONSerializer

USERS, NETWORKS, EVENTS, DAYS = 1_000, 20_000, 100_000, 10
random = np.random.default_rng(0)
session = sagemaker.Session()
bucket = session.default_bucket()

# Networks of 256 to 8,192 addresses, in the order of their addresses.
sizes = 1 << random.integers(8, 14, NETWORKS)
starts = (np.cumsum(sizes + random.integers(0, 700, NETWORKS) * 256) - sizes) + (11 << 24)


def dotted(address):
    return ".".join(str(int(address) >> shift & 255) for shift in (24, 16, 8, 0))


def addresses(networks):
    return [dotted(one) for one in starts[networks] + random.integers(0, sizes[networks])]


def simulated_log():
    """Lines of a web server, like Apache's."""
    home, work = random.integers(0, NETWORKS, USERS), random.integers(0, NETWORKS, USERS)
    travels, stays = random.beta(1, 30, USERS), random.beta(3, 5, USERS)
    user, chance = random.integers(0, USERS, EVENTS), random.random((EVENTS, 2))
    near = np.where(chance[:, 0] < stays[user], home[user], work[user]) + random.normal(0, 3, EVENTS).astype(int)
    network = np.where(chance[:, 1] < travels[user], random.integers(0, NETWORKS, EVENTS), near) % NETWORKS
    days = random.integers(1, DAYS + 1, EVENTS)
    return [
        f'{address} - user_{one} [{day:02}/Nov/2018:12:00:00 +0000] "GET /login_success HTTP/1.1" 200 476'
        for address, one, day in zip(addresses(network), user, days, strict=True)
    ]


LINE = re.compile(r'(\S+) - (\S+) \[(\d\d)/Nov/2018:[^]]*\] "GET /login_success HTTP/1.1" 200 ')
log_ins = [LINE.match(line).groups() for line in simulated_log()]


def upload(channel, days):
    """The log-ins of some days as CSV without a header in S3."""
    lines = [f"{user}, {address}\n" for address, user, day in log_ins if int(day) in days]
    session.upload_string_as_file_body("".join(lines), bucket, f"log-ins/{channel}/log-ins.csv")
    place = f"s3://{bucket}/log-ins/{channel}"
    return RecordSet(place, num_records=len(lines), feature_dim=2, s3_data_type="S3Prefix", channel=channel)


estimator = IPInsights(
    role=execution_role(),
    instance_count=1,
    instance_type="ml.m5.xlarge",
    num_entity_vectors=2 * USERS,
    vector_dim=128,
    random_negative_sampling_rate=5,
    learning_rate=0.01,
    epochs=5,
    output_path=f"s3://{bucket}/ipinsights",
)
estimator.fit([upload("train", range(1, 8)), upload("validation", range(8, 9))], mini_batch_size=1000)

predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large")
usual = [(user, address) for address, user, day in log_ins if int(day) >= 9][:4000]
elsewhere = addresses(random.integers(0, NETWORKS, len(usual)))
attacks = [(user, address) for (user, _), address in zip(usual, elsewhere, strict=True)]


def scores(pairs):
    """Anomaly scores: the negative of the log odds that a pair is real."""
    found = []
    for start in range(0, len(pairs), 1000):
        answer = predictor.predict(np.array(pairs[start : start + 1000]))
        found += [-one["dot_product"] for one in answer["predictions"]]
    return np.array(found)


flagged = scores(usual) > 0, scores(attacks) > 0
recall = flagged[1].mean()
precision = flagged[1].sum() / (flagged[0].sum() + flagged[1].sum())
print(f"of {len(attacks)} attacks and as many log-ins: recall {recall:.3f}, precision {precision:.3f}")

by_csv = predictor.predict(np.array(usual[:3]))["predictions"]
kind = "application/json; verbose=True"
predictor.serializer, predictor.deserializer = JSONSerializer(), JSONDeserializer(accept=kind)
nested = [{"data": {"features": {"values": pair}}} for pair in usual[1:3]]
by_json = predictor.predict({"instances": [{"features": usual[0]}, *nested]})["predictions"]
predictor.serializer, predictor.deserializer = JSONLinesSerializer(), JSONLinesDeserializer()
by_line = predictor.predict([{"features": pair} for pair in usual[:3]])
for one, two, three in zip(by_csv, by_json, by_line, strict=True):
    product = np.dot(two["ip_embedding"], two["entity_embedding"])
    assert np.allclose([two["dot_product"], three["dot_product"], product], one["dot_product"], atol=1e-4)
print("CSV, JSON and JSON Lines get the same answers")
assert recall > 0.95 and precision > 0.9
predictor.delete_endpoint()
