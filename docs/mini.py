"""lakemill's idea in one file: a bucket, a model and a prediction over AWS's wire protocols, asked by real boto3.

A toy to read, not to use: it keeps everything in memory, knows one key and no permissions, and trains while the caller
waits. The comments say where lakemill does the same for real. Needs numpy and boto3: python docs/mini.py
"""

import hashlib
import hmac
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import boto3
import numpy as np

KEY_ID, SECRET = "MINIKEY", "mini-secret"


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


# ---- signatures (lakemill: gateway/sigv4.py, gateway/canonical.py) --------------------------------------------------


def verify(method, target, headers, body):
    """Check signature version 4, or raise Refused. Both sides compute the same HMAC over the same canonical text."""
    claim = re.match(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8}/[^/]+/[^/]+/aws4_request), ?"
        r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
        headers.get("authorization", ""),
    )
    if claim is None or claim[1] != KEY_ID:
        raise Refused(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    scope, signed, signature = claim[2], claim[3], claim[4]
    path, _, query = target.partition("?")
    pairs = sorted((quote(k, "-_.~"), quote(v, "-_.~")) for k, v in parse_qsl(query, keep_blank_values=True))
    payload = headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest()
    query = "&".join(f"{name}={value}" for name, value in pairs)
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed.split(";"))
    digest = hashlib.sha256("\n".join([method, path, query, lines, signed, payload]).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers.get("x-amz-date", ""), scope, digest])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):  # date, region, service, aws4_request
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), signature):
        raise Refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match yours.")


# ---- objects (lakemill: engines/objects, where they are flushed to disk before the answer) --------------------------

BUCKETS: dict[str, dict[str, bytes]] = {}


def bucket(name):
    if name not in BUCKETS:
        raise Refused(404, "NoSuchBucket", "The specified bucket does not exist")
    return BUCKETS[name]


def read(bucket_name, key):
    if key not in bucket(bucket_name):
        raise Refused(404, "NoSuchKey", "The specified key does not exist.")
    return bucket(bucket_name)[key]


def s3(method, path, query, body):
    """The rest-xml protocol: method and path say which operation it is. Returns (status, headers, body)."""
    bucket_name, _, key = path.strip("/").partition("/")
    known = {"list-type", "prefix", "encoding-type"}  # Real or refused: what is not honoured is an error.
    if unknown := set(query) - known:
        raise Refused(501, "NotImplemented", f"mini does not provide {', '.join(sorted(unknown))}")
    if method == "PUT" and key:
        bucket(bucket_name)[key] = body
        return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""
    if method == "PUT":
        BUCKETS.setdefault(bucket_name, {})
        return 200, {"Location": f"/{bucket_name}"}, b""
    if method == "GET" and key:
        return 200, {"Content-Type": "binary/octet-stream"}, read(bucket_name, key)
    if method == "GET" and "list-type" in query:
        found = sorted(name for name in bucket(bucket_name) if name.startswith(query.get("prefix", "")))
        rows = "".join(
            f"<Contents><Key>{quote(name, safe='/')}</Key><Size>{len(bucket(bucket_name)[name])}</Size></Contents>"
            for name in found
        )
        answer = f"<ListBucketResult><EncodingType>url</EncodingType>{rows}</ListBucketResult>"
        return 200, {"Content-Type": "application/xml"}, answer.encode()
    raise Refused(501, "NotImplemented", f"mini does not provide {method} {path}")


# ---- an algorithm (lakemill: algorithms/kmeans; it knows nothing of AWS) --------------------------------------------


def squared_distances(points, centres):
    return ((points[:, None, :] - centres[None]) ** 2).sum(axis=2)  # (n, k)


def kmeans(points, k, iterations=50, seed=0):
    """Lloyd's algorithm from k-means++ centres. points (n, d) -> centres (k, d)."""
    rng = np.random.default_rng(seed)
    centres = points[rng.integers(len(points))][None]
    while len(centres) < k:  # The next centre is a point, drawn by its squared distance to those there are.
        nearest = squared_distances(points, centres).min(axis=1)
        centres = np.vstack([centres, points[rng.choice(len(points), p=nearest / nearest.sum())]])
    for _ in range(iterations):
        labels = squared_distances(points, centres).argmin(axis=1)
        moved = np.stack([points[labels == j].mean(axis=0) if (labels == j).any() else centres[j] for j in range(k)])
        if np.allclose(moved, centres):
            break
        centres = moved
    return centres


def parse_csv(data):
    return np.array([[float(value) for value in line.split(",")] for line in data.decode().split()])


# ---- SageMaker (lakemill: services/sagemaker, engines/jobs, engines/hosting, container) -----------------------------

JOBS, MODELS, CONFIGS, ENDPOINTS = {}, {}, {}, {}
ARN = "arn:aws:sagemaker:us-east-1:000000000000:"


def location(uri):
    found = urlsplit(uri)
    return found.netloc, found.path.lstrip("/")


def create_training_job(request):
    """lakemill writes the job down, answers, and trains in a process that outlives it; here it is done at once."""
    name = request["TrainingJobName"]
    if name in JOBS:
        raise Refused(400, "ResourceInUse", "Training job names must be unique")
    if "kmeans" not in request["AlgorithmSpecification"]["TrainingImage"]:
        raise Refused(400, "ValidationException", "mini knows one algorithm: kmeans")
    job = JOBS[name] = {
        "TrainingJobName": name,
        "TrainingJobArn": f"{ARN}training-job/{name}",
        "CreationTime": time.time(),
        "TrainingJobStatus": "InProgress",
        "ModelArtifacts": {"S3ModelArtifacts": ""},
    }
    try:
        source = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
        data_bucket, prefix = location(source)
        rows = [data for key, data in sorted(bucket(data_bucket).items()) if key.startswith(prefix)]
        centres = kmeans(parse_csv(b"".join(rows)), int(request["HyperParameters"]["k"]))
        out_bucket, out = location(request["OutputDataConfig"]["S3OutputPath"])
        key = f"{out.rstrip('/')}/{name}/output/model.json".lstrip("/")
        bucket(out_bucket)[key] = json.dumps(centres.tolist()).encode()
        artifact = f"s3://{out_bucket}/{key}"
        job |= {"TrainingJobStatus": "Completed", "ModelArtifacts": {"S3ModelArtifacts": artifact}}
    except (Refused, ValueError, KeyError, IndexError) as wrong:
        job |= {"TrainingJobStatus": "Failed", "FailureReason": f"ClientError: {wrong}"}
    return {"TrainingJobArn": job["TrainingJobArn"]}


def named(things, name, what):
    if name not in things:
        raise Refused(400, "ValidationException", f"Could not find {what} {name!r}.")
    return things[name]


def create_model(request):
    MODELS[request["ModelName"]] = request["PrimaryContainer"]["ModelDataUrl"]
    return {"ModelArn": f"{ARN}model/{request['ModelName']}"}


def create_endpoint_config(request):
    CONFIGS[request["EndpointConfigName"]] = request["ProductionVariants"][0]["ModelName"]
    return {"EndpointConfigArn": f"{ARN}endpoint-config/{request['EndpointConfigName']}"}


def create_endpoint(request):
    """lakemill starts a serving process and waits until it is healthy; here the model is loaded into this one."""
    model = named(CONFIGS, request["EndpointConfigName"], "endpoint configuration")
    ENDPOINTS[request["EndpointName"]] = np.array(json.loads(read(*location(named(MODELS, model, "model")))))
    return {"EndpointArn": f"{ARN}endpoint/{request['EndpointName']}"}


OPERATIONS = {
    "CreateTrainingJob": create_training_job,
    "DescribeTrainingJob": lambda request: named(JOBS, request["TrainingJobName"], "training job"),
    "CreateModel": create_model,
    "CreateEndpointConfig": create_endpoint_config,
    "CreateEndpoint": create_endpoint,
}


def sagemaker(target, body):
    """The json protocol: a header names the operation, the body is its input."""
    operation = target.partition(".")[2]
    if operation not in OPERATIONS:
        raise Refused(501, "NotImplementedException", f"mini does not provide {operation}")
    answer = json.dumps(OPERATIONS[operation](json.loads(body or b"{}")))
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, answer.encode()


def invoke(name, body):
    centres = named(ENDPOINTS, name, "endpoint")
    squared = squared_distances(parse_csv(body), centres)
    rows = [{"closest_cluster": int(row.argmin()), "distance_to_cluster": float(row.min() ** 0.5)} for row in squared]
    return 200, {"Content-Type": "application/json"}, json.dumps({"predictions": rows}).encode()


# ---- the gateway (lakemill: gateway/pipeline.py; the protocols are driven by botocore's models there) ---------------


class Gateway(BaseHTTPRequestHandler):
    """Find, verify, handle, encode."""

    protocol_version = "HTTP/1.1"

    def handle_any(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        path, _, query = self.path.partition("?")
        target = headers.get("x-amz-target", "")
        called = re.fullmatch("/endpoints/([^/]+)/invocations", path)
        try:
            verify(self.command, self.path, headers, body)
            if target.startswith("SageMaker."):
                answer = sagemaker(target, body)
            elif called:
                answer = invoke(called[1], body)
            else:
                answer = s3(self.command, unquote(path), dict(parse_qsl(query, keep_blank_values=True)), body)
        except Refused as error:
            answer = self.refusal(error, is_xml=not (target or called))
        status, extra, content = answer
        self.send_response(status)
        for name, value in {**extra, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = handle_any

    @staticmethod
    def refusal(error, *, is_xml):
        if is_xml:
            text = f"<Error><Code>{error.code}</Code><Message>{escape(str(error))}</Message></Error>"
            return error.status, {"Content-Type": "application/xml"}, text.encode()
        text = json.dumps({"__type": error.code, "message": str(error)})
        kind = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code}
        return error.status, kind, text.encode()

    def log_message(self, *_):
        pass


def start(port=0):
    """The server, running in a thread."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def demonstrate(endpoint):
    """What a program sees, with nothing in it but boto3. Returns the prediction."""
    keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    s3, sagemaker, runtime = (
        boto3.client(name, endpoint_url=endpoint, **keys) for name in ("s3", "sagemaker", "sagemaker-runtime")
    )
    towns = np.random.default_rng(1).normal(size=(300, 2)) + 10 * np.eye(2)[np.arange(300) % 2]
    s3.create_bucket(Bucket="mini")
    s3.put_object(Bucket="mini", Key="train/points.csv", Body="\n".join(f"{x:.3f},{y:.3f}" for x, y in towns))
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://mini/train/"}}
    sagemaker.create_training_job(
        TrainingJobName="towns",
        AlgorithmSpecification={"TrainingImage": "kmeans:1", "TrainingInputMode": "File"},
        RoleArn="arn:aws:iam::000000000000:role/nobody-looks",
        HyperParameters={"k": "2"},
        InputDataConfig=[{"ChannelName": "train", "DataSource": source}],
        OutputDataConfig={"S3OutputPath": "s3://mini/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    artifact = sagemaker.describe_training_job(TrainingJobName="towns")["ModelArtifacts"]["S3ModelArtifacts"]
    sagemaker.create_model(ModelName="towns", PrimaryContainer={"Image": "kmeans:1", "ModelDataUrl": artifact})
    variant = {"VariantName": "a", "ModelName": "towns", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="towns", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="towns", EndpointConfigName="towns")
    answer = runtime.invoke_endpoint(EndpointName="towns", ContentType="text/csv", Body="10,0\n0,10")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="mini")["Contents"]]
    return keys, json.load(answer["Body"])["predictions"]


if __name__ == "__main__":
    for part in demonstrate(f"http://127.0.0.1:{start().server_port}"):
        print(part)
