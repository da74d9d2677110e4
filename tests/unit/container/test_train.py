"""One training from configuration to exit code, with train functions of a few lines."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakemill.algorithms.errors import CustomerError, InternalError
from lakemill.algorithms.spec import AlgorithmSpec, Channel, Hyperparameter
from lakemill.container.train import train
from lakemill.formats.errors import FormatError


def spec(function: str) -> AlgorithmSpec:
    return AlgorithmSpec(
        name="toy", title="Toy", summary="", repositories=("toy",),
        hyperparameters=(Hyperparameter("k", "integer", "", required=True, low=1),
                         Hyperparameter("on", "boolean", "", default=True)),
        channels=(Channel("train", True, ("text/csv",)),),
        request_types=(), response_types=(), train=f"{__name__}:{function}",
    )  # fmt: skip


def lay_out(base: Path, **hyperparameters: str) -> None:
    (base / "input" / "config").mkdir(parents=True)
    (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (base / "input" / "config" / "inputdataconfig.json").write_text('{"train": {"ContentType": "text/csv"}}')
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
    (base / "input" / "config" / "resourceconfig.json").write_text(json.dumps(hosts))
    (base / "input" / "data" / "train").mkdir(parents=True)
    (base / "input" / "data" / "train" / "a.csv").write_bytes(b"1,2\n")


def run(base: Path, function: str, **hyperparameters: str) -> int:
    lay_out(base, **hyperparameters)
    return train(spec(function), {"SAGEMAKER_BASE_DIR": str(base)})


def failure(base: Path) -> str:
    return (base / "output" / "failure").read_text()


def works(context) -> None:
    assert context.hyperparameters == {"k": 2, "on": True}
    assert context.host == "algo-1"
    (context.output_dir / "notes").write_text("done")
    context.model_file().write_text(f"{len(context.channels['train'].read())} records")


def customers_fault(context) -> None:
    raise CustomerError("the third column is a pear")


def malformed(context) -> None:
    raise FormatError("line 3 has 2 columns")


def our_fault(context) -> None:
    raise InternalError("a disk is full")


def unexpected(context) -> None:
    raise KeyError("x")


def stopped(context) -> None:
    assert not context.stop_requested()
    os.kill(os.getpid(), signal.SIGTERM)
    assert context.stop_requested()
    context.model_file().write_text("what there is")


def test_a_training_leaves_its_model_and_says_what_it_was_given(tmp_path: Path, capsys) -> None:
    assert run(tmp_path, "works", k="2") == 0
    assert (tmp_path / "model" / "model_algo-1").read_text() == "1 records"
    assert (tmp_path / "output" / "data" / "notes").exists()
    assert not (tmp_path / "output" / "failure").exists()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Docker entrypoint called with argument(s): train"
    assert lines[1].endswith('Reading default configuration from toy/default-input.json: {"on": "true"}')
    assert lines[2].endswith('hyperparameters.json: {"k": "2"}')
    assert lines[3].endswith('Final configuration: {"on": "true", "k": "2"}')


@pytest.mark.parametrize(
    ("function", "text"),
    [("customers_fault", "the third column is a pear"), ("malformed", "line 3 has 2 columns")],
)
def test_the_users_fault_is_a_client_error_without_a_traceback(tmp_path: Path, capsys, function, text) -> None:
    assert run(tmp_path, function, k="2") == 1
    assert failure(tmp_path) == f"ClientError: {text}\n"
    printed = "".join(capsys.readouterr())
    assert f"Customer Error: {text}" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("function", "text"),
    [("our_fault", "InternalServerError: a disk is full"), ("unexpected", "AlgorithmError: KeyError: 'x'")],
)
def test_other_failures_put_the_traceback_into_the_log_only(tmp_path: Path, capsys, function, text) -> None:
    assert run(tmp_path, function, k="2") == 1
    assert failure(tmp_path) == text + "\n"
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "'k' is a required property"),
        ({"k": "0"}, "hyperparameter k must be an integer >= 1"),
        ({"k": "1", "q": "1"}, "Additional properties are not allowed ('q' was unexpected)"),
    ],
)
def test_hyperparameters_are_checked_before_anything_is_read(tmp_path: Path, given: dict, said: str) -> None:
    assert run(tmp_path, "works", **given) == 1
    assert said in failure(tmp_path)
    assert failure(tmp_path).startswith("ClientError: ")


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """A training keeps SIGTERM's handler; the next test has its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_sigterm_asks_the_algorithm_to_finish(tmp_path: Path) -> None:
    assert run(tmp_path, "stopped", k="2") == 0
    assert (tmp_path / "model" / "model_algo-1").read_text() == "what there is"


def test_a_sigterm_that_comes_when_all_is_done_is_no_failure(tmp_path: Path) -> None:
    assert run(tmp_path, "works", k="2") == 0
    os.kill(os.getpid(), signal.SIGTERM)


def test_an_algorithm_of_one_instance_refuses_several(tmp_path: Path) -> None:
    lay_out(tmp_path, k="2")
    hosts = {"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}
    (tmp_path / "input" / "config" / "resourceconfig.json").write_text(json.dumps(hosts))
    assert train(spec("works"), {"SAGEMAKER_BASE_DIR": str(tmp_path)}) == 1
    assert "trains on one instance; the job has 2" in failure(tmp_path)


def test_a_nested_hyperparameter_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text('{"k": [1]}')
    assert train(spec("works"), {"SAGEMAKER_BASE_DIR": str(tmp_path)}) == 1
    assert failure(tmp_path) == "ClientError: Hyperparameter k must be a string; got [1]\n"
