"""The serving process: sockets, health, draining, and what it says when it cannot start."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xgboost

COMMAND = [sys.executable, "-m", "lakemill.container", "serve", "--algorithm", "xgboost"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    features = np.arange(40, dtype=np.float32).reshape(20, 2)
    booster = xgboost.train({}, xgboost.DMatrix(features, features[:, 0]), 2)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "xgboost-model").write_bytes(booster.save_raw())
    return tmp_path


def start(base: Path, **more: str) -> subprocess.Popen:
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(base), "PYTHONUNBUFFERED": "1", **more}
    return subprocess.Popen(COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_it_serves_on_its_port_and_socket_and_leaves_cleanly(base: Path) -> None:
    port, path = free_port(), base / "serve.sock"
    process = start(base, SAGEMAKER_BIND_TO_PORT=str(port), LAKEMILL_BIND_TO_SOCKET=str(path))
    try:
        assert process.stdout.readline() == f"Serving on 127.0.0.1:{port}\n"
        answers = []
        for connection in (http.client.HTTPConnection("127.0.0.1", port, timeout=10), UnixConnection(path)):
            connection.request("POST", "/invocations", b"1,2", {"Content-Type": "text/csv"})
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
        assert answers[0] == answers[1]
        assert answers[0][0] == 200
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5  # Idle kept connections do not hold it up.
    finally:
        process.kill()
        process.stdout.close()


def test_a_taken_port_is_said_in_one_line(base: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(base, SAGEMAKER_BIND_TO_PORT=str(taken.getsockname()[1]))
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.startswith("Cannot listen: ")
    assert "Traceback" not in said


def test_a_model_that_does_not_load_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    process = start(tmp_path, SAGEMAKER_BIND_TO_PORT=str(free_port()))
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "cannot be loaded: No model file in" in said
    assert "Traceback" not in said


def test_an_unknown_algorithm_is_named() -> None:
    command = [sys.executable, "-m", "lakemill.container", "train", "--algorithm", "alchemy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "no algorithm is called 'alchemy'" in done.stderr
    assert "xgboost" in done.stderr


@pytest.mark.parametrize("kept", [True, False])
def test_a_training_stopped_by_sigterm_ends_cleanly_with_what_there_is(tmp_path: Path, kept: bool) -> None:
    config, data = tmp_path / "input" / "config", tmp_path / "input" / "data" / "train"
    config.mkdir(parents=True)
    data.mkdir(parents=True)
    given = {"num_round": "1000000", "save_model_on_termination": str(kept), "nthread": "1"}
    (config / "hyperparameters.json").write_text(json.dumps(given))
    (config / "inputdataconfig.json").write_text('{"train": {"ContentType": "text/csv"}}')
    (data / "a.csv").write_text("".join(f"{n % 3},{n},{n % 7}\n" for n in range(50)))
    command = [sys.executable, "-m", "lakemill.container", "train", "--algorithm", "xgboost"]
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if line.startswith("[3]\t"):
            process.send_signal(signal.SIGTERM)
            break
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert (tmp_path / "model" / "xgboost-model").exists() == kept


def test_neither_side_loads_what_it_does_not_need() -> None:
    heavy = {"sklearn", "pandas", "pyarrow", "numba", "torch", "scipy.stats", "scipy.optimize"}
    script = f"import sys, lakemill.algorithms.xgboost.serve; print(sorted({heavy!r} & set(sys.modules)))"
    environment = {**os.environ, "LAKEMILL_CONTAINER": "serve"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=30)
    assert done.stdout == "[]\n", done.stderr
