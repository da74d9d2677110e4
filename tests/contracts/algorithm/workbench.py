"""Trainings and servers of one algorithm, each a real container process laid out as the platform does it."""

import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lakemill.algorithms.spec import AlgorithmSpec
from tests.contracts.algorithm.data import CSV, channel_type, data_of, encoded, kind_of
from tests.contracts.recipes import Recipe, Table, recipe


@dataclasses.dataclass(frozen=True)
class Training:
    """What a finished container left behind."""

    base: Path
    code: int
    log: str

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def failure(self) -> str:
        path = self.base / "output" / "failure"
        return path.read_text() if path.exists() else ""


class Workbench:
    """Runs trainings and servers of one algorithm below a folder."""

    def __init__(self, spec: AlgorithmSpec, folder: Path) -> None:
        self.spec = spec
        self.recipe = recipe(spec)
        self._folder = folder
        self._kept: dict[str, Training] = {}

    def train(
        self,
        key: str,
        channels: Mapping[str, tuple[str | None, Mapping[str, bytes]]],
        hyperparameters: Mapping[str, str] | None = None,
    ) -> Training:
        """Train once per key. channels: name -> (content type, file name -> bytes)."""
        if key not in self._kept:
            base = self.place(key)
            given = self.recipe.hyperparameters if hyperparameters is None else hyperparameters
            lay_out(base, given, channels)
            self._kept[key] = finished(start_training(self.spec.name, base), base)
        return self._kept[key]

    def place(self, key: str) -> Path:
        """Where a training of that name has its /opt/ml."""
        return self._folder / re.sub(r"\W+", "-", key)

    def ordinary(self, key: str = "ordinary") -> Training:
        """The recipe on its own CSV data, with validation and test channels where the algorithm has them."""
        data = encoded(data_of(self.recipe), kind_of(self.spec))
        kind = channel_type(self.spec, self.recipe)
        names = [one.name for one in self.spec.channels if one.name in ("train", "validation", "test")]
        channels = {name: (kind, {"part": data}) for name in names}
        if self.recipe.labelled_test:
            features = data_of(self.recipe).features
            labelled = Table(features, (features[:, 0] > 7).astype(np.float32))
            channels["test"] = (f"{CSV};label_size=1", {"part": encoded(labelled, CSV)})
        done = self.train(key, channels)
        assert done.code == 0, done.log[-2000:]
        return done


def lay_out(
    base: Path,
    hyperparameters: Mapping[str, str],
    channels: Mapping[str, tuple[str | None, Mapping[str, bytes]]],
    *,
    mode: str = "File",
    host: str = "algo-1",
    hosts: Sequence[str] = ("algo-1",),
    checkpoints: Path | None = None,
) -> None:
    """Write /opt/ml as the platform does. channels: name -> (content type, file name -> bytes)."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    inputs = {}
    for name, (kind, files) in channels.items():
        inputs[name] = {
            "TrainingInputMode": mode,
            "S3DistributionType": "FullyReplicated" if len(hosts) == 1 else "ShardedByS3Key",
            "RecordWrapperType": "None",
            **({"ContentType": kind} if kind else {}),
        }
        folder = base / "input" / "data" / name
        if mode != "Pipe":
            folder.mkdir(parents=True)
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    (config / "hyperparameters.json").write_text(json.dumps(dict(hyperparameters)))
    (config / "inputdataconfig.json").write_text(json.dumps(inputs))
    resources = {"current_host": host, "hosts": list(hosts), "network_interface_name": "lo"}
    (config / "resourceconfig.json").write_text(json.dumps(resources))
    if checkpoints:
        kept = {"LocalPath": str(checkpoints), "S3Uri": "s3://bucket/checkpoints"}
        (config / "checkpointconfig.json").write_text(json.dumps(kept))


def environment(base: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "SAGEMAKER_BASE_DIR": str(base), "OMP_NUM_THREADS": "1", **more}


def start_training(algorithm: str, base: Path, **more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lakemill.container", "train", "--algorithm", algorithm]
    return subprocess.Popen(
        command, env=environment(base, **more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finished(process: subprocess.Popen[str], base: Path, timeout_s: float = 120) -> Training:
    """What a started training left behind."""
    try:
        log, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Training(base, process.returncode, log)


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    kind: str
    body: bytes


class Server:
    """A serving container and its port."""

    def __init__(self, port: int, process: subprocess.Popen) -> None:
        self.port = port
        self.process = process

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, body, dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers.get("content-type", ""), answer.read())
        except urllib.error.HTTPError as wrong:
            return Answer(wrong.code, wrong.headers.get("content-type", ""), wrong.read())

    def invoke(self, body: bytes, kind: str, accept: str = "") -> Answer:
        headers = {"Content-Type": kind, **({"Accept": accept} if accept else {})}
        return self.call("POST", "/invocations", body, headers)


@contextmanager
def serving(algorithm: str, base: Path, **more: str) -> Iterator[Server]:
    """A running server; it must leave with code 0 on SIGTERM."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "lakemill.container", "serve", "--algorithm", algorithm]
    process = subprocess.Popen(command, env=environment(base, SAGEMAKER_BIND_TO_PORT=str(port), **more))
    server = Server(port, process)
    try:
        wait_until_healthy(server)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    assert code == 0


def wait_until_healthy(server: Server) -> None:
    for _ in range(600):
        assert server.process.poll() is None, "the server left before it was healthy"
        try:
            if server.call("GET", "/ping").status == 200:
                return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("the server did not become healthy within 30 s")


@dataclasses.dataclass(frozen=True)
class Subject:
    spec: AlgorithmSpec
    recipe: Recipe
    bench: Workbench
    server: Server

    @property
    def kind(self) -> str:
        """The content type most checks use."""
        return kind_of(self.spec)

    @property
    def channel_type(self) -> str:
        return channel_type(self.spec, self.recipe)

    def body(self) -> bytes:
        """The recipe's data in that content type."""
        return encoded(data_of(self.recipe), self.kind)


Check = Callable[[Subject], None]


Check = Callable[[Subject], None]
