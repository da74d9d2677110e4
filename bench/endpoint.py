"""One row to an endpoint: InvokeEndpoint with its signature verified, beside MLServer and FastAPI with the same model.

XGBoost, 100 trees, 20 features, one client on one keep-alive connection, text/csv for lakemill and FastAPI, the V2
protocol for MLServer. And what a training job adds to the algorithm's own time, on 1,000 rows.
"""

import contextlib
import http.client
import io
import json
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import xgboost
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.running import Lakemill

from bench import peers

PEERS = Path(__file__).parent.parent / ".venvs" / "peers" / "bin"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
REQUESTS = 1500
ROUNDS = 3
FASTAPI = """
import sys, numpy as np, xgboost, uvicorn
from fastapi import FastAPI, Request, Response
booster = xgboost.Booster(); booster.load_model("model.json"); booster.set_param({"nthread": 1})
app = FastAPI()
@app.get("/ping")
def ping(): return {}
@app.post("/invocations")
async def invoke(request: Request):
    row = np.array([[float(v) for v in (await request.body()).split(b",")]], dtype="float32")
    return Response(str(booster.inplace_predict(row)[0]), media_type="text/csv")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
"""
MLSERVER = """
import numpy as np, xgboost
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse
class Trees(MLModel):
    async def load(self):
        self.booster = xgboost.Booster(); self.booster.load_model("model.json"); self.booster.set_param({"nthread": 1})
        return True
    async def predict(self, payload):
        row = NumpyCodec.decode_input(payload.inputs[0]).astype("float32")
        output = NumpyCodec.encode_output("scores", self.booster.inplace_predict(row))
        return InferenceResponse(model_name=self.name, outputs=[output])
"""


def model() -> xgboost.Booster:
    random = np.random.default_rng(0)
    features = random.normal(size=(5000, 20)).astype("float32")
    labels = features[:, 0] * features[:, 1] > 0
    return xgboost.train({"objective": "binary:logistic", "max_depth": 6}, xgboost.DMatrix(features, labels), 100)


def timed(port: int, method: Callable[[http.client.HTTPConnection], None], count: int) -> tuple[float, float]:
    """p50 and p99 in ms over one keep-alive connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        method(connection)
        times.append(time.perf_counter() - began)
    times.sort()
    return times[count // 2] * 1000, times[int(count * 0.99)] * 1000


def poster(path: str, body: bytes, headers: dict[str, str]) -> Callable[[http.client.HTTPConnection], None]:
    def post(connection: http.client.HTTPConnection) -> None:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content

    return post


@contextlib.contextmanager
def fastapi(folder: Path) -> Iterator[int]:
    port = peers.free_port()
    (folder / "serve.py").write_text(FASTAPI)
    with peers.process([str(PEERS / "python"), "serve.py", str(port)], port, "/ping", cwd=folder):
        yield port


@contextlib.contextmanager
def mlserver(folder: Path) -> Iterator[int]:
    http_port, grpc_port, metrics_port = (peers.free_port() for _ in range(3))
    (folder / "runtime.py").write_text(MLSERVER)
    settings = {
        "http_port": http_port,
        "grpc_port": grpc_port,
        "metrics_port": metrics_port,
        "host": "127.0.0.1",
        "parallel_workers": 0,
        "debug": False,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps({"name": "trees", "implementation": "runtime.Trees"}))
    with peers.process([str(PEERS / "mlserver"), "start", "."], http_port, "/v2/models/trees/ready", cwd=folder):
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", http_port)
            connection.request("GET", "/v2/models/trees/ready")
            if connection.getresponse().status == 200:
                break
            time.sleep(0.1)
        yield http_port


def deploy(lakemill: Lakemill, booster: xgboost.Booster, folder: Path) -> str:
    """An endpoint of the model; its name."""
    s3, sagemaker, role = lakemill.client("s3"), lakemill.client("sagemaker"), execution_role(lakemill)
    booster.save_model(folder / "xgboost-model.ubj")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(folder / "xgboost-model.ubj", "xgboost-model")
    s3.create_bucket(Bucket="bench")
    s3.put_object(Bucket="bench", Key="model.tar.gz", Body=archive.getvalue())
    container = {"Image": IMAGE, "ModelDataUrl": "s3://bench/model.tar.gz"}
    sagemaker.create_model(ModelName="trees", PrimaryContainer=container, ExecutionRoleArn=role)
    variant = {"VariantName": "all", "ModelName": "trees", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="trees", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="trees", EndpointConfigName="trees")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="trees", WaiterConfig={"Delay": 1})
    return "trees"


def execution_role(lakemill: Lakemill) -> str:
    iam = lakemill.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="bench", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    return role


def signed(lakemill: Lakemill, endpoint: str, body: bytes) -> dict[str, str]:
    url = f"{lakemill.endpoint}/endpoints/{endpoint}/invocations"
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "text/csv", "Accept": "text/csv"})
    SigV4Auth(Credentials(lakemill.access_key_id, lakemill.secret), "sagemaker", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def training_overhead(lakemill: Lakemill) -> tuple[float, float]:
    """Seconds from CreateTrainingJob to Completed on 1,000 rows, and of the library's fit alone, both medians."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(1000, 21)).astype("float32")
    rows[:, 0] = rows[:, 1] > 0
    lakemill.client("s3").put_object(
        Bucket="bench", Key="train/rows.csv", Body="\n".join(",".join(f"{v:g}" for v in row) for row in rows).encode()
    )
    sagemaker = lakemill.client("sagemaker")
    whole, alone = [], []
    for i in range(ROUNDS):
        name = f"overhead-{i}"
        began = time.perf_counter()
        sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            RoleArn="arn:aws:iam::000000000000:role/bench",
            HyperParameters={"objective": "binary:logistic", "num_round": "50"},
            InputDataConfig=[
                {
                    "ChannelName": "train",
                    "ContentType": "text/csv",
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bench/train/"}},
                }
            ],
            OutputDataConfig={"S3OutputPath": "s3://bench/output"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 300},
        )
        while sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "InProgress":
            time.sleep(0.02)
        whole.append(time.perf_counter() - began)
        began = time.perf_counter()
        xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(rows[:, 1:], rows[:, 0]), 50)
        alone.append(time.perf_counter() - began)
    return sorted(whole)[ROUNDS // 2], sorted(alone)[ROUNDS // 2]


def run() -> list[dict]:
    booster = model()
    row = np.random.default_rng(2).normal(size=20).round(4)
    csv = ",".join(map(str, row)).encode()
    v2 = {"inputs": [{"name": "row", "shape": [1, 20], "datatype": "FP32", "data": row.tolist()}]}
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        booster.save_model(folder / "model.json")
        ours = stack.enter_context(Lakemill(folder / "data", "--no-log-requests"))
        endpoint = deploy(ours, booster, folder)
        calls = {
            "lakemill": (ours.port, poster(f"/endpoints/{endpoint}/invocations", csv, signed(ours, endpoint, csv)))
        }
        for peer, start, path, body, kind in (
            ("FastAPI", fastapi, "/invocations", csv, "text/csv"),
            ("MLServer", mlserver, "/v2/models/trees/infer", json.dumps(v2).encode(), "application/json"),
        ):
            place = folder / peer
            place.mkdir()
            booster.save_model(place / "model.json")
            try:
                calls[peer] = (stack.enter_context(start(place)), poster(path, body, {"Content-Type": kind}))
            except (peers.Missing, FileNotFoundError) as error:
                notes.append(f"{peer} not measured: {error}")
        figures: dict[str, list[tuple[float, float]]] = {peer: [] for peer in calls}
        for port, call in calls.values():
            timed(port, call, 100)
        for _ in range(ROUNDS):
            for peer, (port, call) in calls.items():
                figures[peer].append(timed(port, call, REQUESTS))
        middle = {peer: sorted(values)[ROUNDS // 2] for peer, values in figures.items()}
        whole, alone = training_overhead(ours)
    rows = []
    for peer in [p for p in calls if p != "lakemill"]:
        for which, place in (("p50", 0), ("p99", 1)):
            mine, theirs = middle["lakemill"][place], middle[peer][place]
            target = "<= 1x" if (peer, which) == ("MLServer", "p50") else ""
            rows.append(
                {
                    "name": f"one row, {which}, beside {peer}",
                    "ours": mine,
                    "peer": theirs,
                    "ratio": mine / theirs,
                    "unit": "ms",
                    "target": target,
                    "met": mine <= theirs if target else None,
                    "note": "; ".join(["signature verified", *notes]),
                }
            )
    rows.append(
        {
            "name": "training job on 1,000 rows beside the fit alone",
            "ours": whole,
            "peer": alone,
            "ratio": whole - alone,
            "unit": "s (ratio column: what the job adds)",
            "target": "adds < 2 s",
            "met": whole - alone < 2,
        }
    )
    return rows
