"""What every built-in algorithm promises on its image face, as functions that take any of them.

A check gets a Subject: the spec, the recipe (data and quick hyperparameters, see recipes/) and a workbench that trains
and serves through the real container process. Trainings are kept, so checks may share them.
"""

import dataclasses
import gzip
import importlib
import importlib.util
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.spec import AlgorithmSpec, Hyperparameter
from lakemill.formats import records
from tests.contracts.recipes import FEATURES, Recipe

ROWS = 240
CSV = "text/csv"
JSON = "application/json"
JSONLINES = "application/jsonlines"
LIBSVM = "text/libsvm"
PARQUET = "application/x-parquet"
RECORDIO = "application/x-recordio-protobuf"


def recipe(spec: AlgorithmSpec) -> Recipe:
    """The recipe of an algorithm; one without fails its checks until it has one."""
    module = f"tests.contracts.recipes.{spec.name.replace('-', '_')}"
    assert importlib.util.find_spec(module), f"{spec.name} has no recipe: add tests/contracts/recipes/<name>.py"
    return importlib.import_module(module).RECIPE


# ---- data ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Table:
    features: np.ndarray
    labels: np.ndarray | None


def table(task: str, rows: int = ROWS, seed: int = 3) -> Table:
    """Separable data with a little noise; a third of the values is 0, so that sparse forms are worth it."""
    random = np.random.default_rng(seed)
    group = random.integers(0, 3, rows)
    features = random.normal(size=(rows, FEATURES)) + np.eye(3, FEATURES)[group] * 6
    features[random.random(features.shape) < 0.33] = 0
    features = np.round(features, 3).astype(np.float32)
    target = features[:, 0] + features[:, 1] * 0.5 + random.normal(size=rows) * 0.2
    labels = {
        "binary": (target > 1.5).astype(np.float32),
        "multiclass": group.astype(np.float32),
        "regression": target.astype(np.float32),
        "unsupervised": None,
    }[task]
    return Table(features, labels)


def encoded(data: Table, kind: str, sparse: bool = False) -> bytes:
    """A table in a content type; labels first or in their place, if there are any."""
    if kind == CSV:
        return "".join(",".join(f"{value:g}" for value in row) + "\n" for row in _columns(data)).encode()
    if kind == LIBSVM:
        return _libsvm(data)
    if kind == PARQUET:
        return _parquet(data)
    return _recordio(data, sparse)


def _columns(data: Table) -> np.ndarray:
    return data.features if data.labels is None else np.column_stack([data.labels, data.features])


def _libsvm(data: Table) -> bytes:
    assert data.labels is not None
    lines = []
    for label, row in zip(data.labels, data.features, strict=True):
        cells = " ".join(f"{place}:{value:g}" for place, value in enumerate(row) if value)
        lines.append(f"{label:g} {cells}\n")
    return "".join(lines).encode()


def _parquet(data: Table) -> bytes:
    import pyarrow
    import pyarrow.parquet

    columns = {f"c{place}": column for place, column in enumerate(_columns(data).T)}
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue().to_pybytes()


def _recordio(data: Table, sparse: bool) -> bytes:
    import scipy.sparse

    features: Any = scipy.sparse.csr_matrix(data.features) if sparse else data.features
    return records.encode(features, data.labels)


# ---- the container, as the platform runs it ------------------------------------------------------------------------


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
            base = self._folder / re.sub(r"\W+", "-", key)
            given = self.recipe.hyperparameters if hyperparameters is None else hyperparameters
            lay_out(base, given, channels)
            self._kept[key] = run_training(self.spec.name, base)
        return self._kept[key]

    def ordinary(self, key: str = "ordinary") -> Training:
        """The recipe on its own CSV data, with validation and test channels where the algorithm has them."""
        data = encoded(table(self.recipe.task), CSV)
        kind = csv_type(self.recipe)
        names = [one.name for one in self.spec.channels if one.name in ("train", "validation", "test")]
        done = self.train(key, {name: (kind, {"part.csv": data}) for name in names})
        assert done.code == 0, done.log[-2000:]
        return done


def csv_type(of: Recipe) -> str:
    return CSV if of.task != "unsupervised" else f"{CSV};label_size=0"


def lay_out(
    base: Path,
    hyperparameters: Mapping[str, str],
    channels: Mapping[str, tuple[str | None, Mapping[str, bytes]]],
) -> None:
    """Write /opt/ml as the platform does."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    inputs = {}
    for name, (kind, files) in channels.items():
        inputs[name] = {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
            **({"ContentType": kind} if kind else {}),
        }
        folder = base / "input" / "data" / name
        folder.mkdir(parents=True)
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    (config / "hyperparameters.json").write_text(json.dumps(dict(hyperparameters)))
    (config / "inputdataconfig.json").write_text(json.dumps(inputs))
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"}
    (config / "resourceconfig.json").write_text(json.dumps(hosts))


def environment(base: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "SAGEMAKER_BASE_DIR": str(base), "OMP_NUM_THREADS": "1", **more}


def run_training(algorithm: str, base: Path) -> Training:
    command = [sys.executable, "-m", "lakemill.container", "train", "--algorithm", algorithm]
    done = subprocess.run(command, env=environment(base), capture_output=True, text=True, timeout=120)
    return Training(base, done.returncode, done.stdout + done.stderr)


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


# ---- checks --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Subject:
    spec: AlgorithmSpec
    recipe: Recipe
    bench: Workbench
    server: Server


Check = Callable[[Subject], None]


def an_unknown_hyperparameter_is_refused(subject: Subject) -> None:
    with pytest.raises(CustomerError, match=r"Additional properties are not allowed \('colour' was unexpected\)"):
        subject.spec.validate({**subject.recipe.hyperparameters, "colour": "red"})


def a_hyperparameter_of_the_wrong_type_is_refused(subject: Subject) -> None:
    for one in subject.spec.hyperparameters:
        if one.kind in ("integer", "continuous", "boolean"):
            with pytest.raises(CustomerError, match="is not valid under any of the given schemas"):
                subject.spec.validate({**subject.recipe.hyperparameters, one.name: "pear"})


def a_hyperparameter_out_of_range_is_refused(subject: Subject) -> None:
    bounded = [(one, bound) for one in subject.spec.hyperparameters for bound in _beyond(one)]
    assert bounded, "no hyperparameter has a range"
    for one, value in bounded:
        with pytest.raises(CustomerError, match=re.escape(f"hyperparameter {one.name} must be")):
            subject.spec.validate({**subject.recipe.hyperparameters, one.name: value})


def _beyond(one: Hyperparameter) -> list[str]:
    found = []
    if one.kind in ("integer", "continuous"):
        if one.low is not None:
            found.append(str(one.low if one.low_open else one.low - 1))
        if one.high is not None:
            found.append(str(one.high if one.high_open else one.high + 1))
    if one.kind == "categorical" and one.choices:
        found.append("no-such-choice")
    return found


def a_missing_hyperparameter_is_named(subject: Subject) -> None:
    for one in subject.spec.hyperparameters:
        if one.required:
            given = {name: text for name, text in subject.recipe.hyperparameters.items() if name != one.name}
            with pytest.raises(CustomerError, match=f"'{one.name}' is a required property"):
                subject.spec.validate(given)


def defaults_are_valid_themselves(subject: Subject) -> None:
    for one in subject.spec.hyperparameters:
        if one.default is not None:
            text = json.dumps(one.default) if isinstance(one.default, list) else str(one.default)
            assert one.parse(text) == one.default, one.name


def it_trains_on_csv_and_leaves_a_model(subject: Subject) -> None:
    done = subject.bench.ordinary()
    assert any(path.is_file() and path.stat().st_size for path in done.model.rglob("*"))
    assert not done.failure


def it_trains_on_every_content_type(subject: Subject) -> None:
    data = table(subject.recipe.task)
    known = {kind.split(";")[0] for kind in subject.spec.channel("train").content_types}  # type: ignore[union-attr]
    for kind, sparse in ((RECORDIO, False), (RECORDIO, True), (LIBSVM, True), (PARQUET, False)):
        if kind in known:
            body = encoded(data, kind, sparse)
            done = subject.bench.train(f"{kind} {sparse}", {"train": (kind, {"sub/part-0": body, "_SUCCESS": b""})})
            assert done.code == 0, f"{kind}: {done.log[-2000:]}"


def it_trains_on_gzipped_files_and_skips_hidden_ones(subject: Subject) -> None:
    body = encoded(table(subject.recipe.task), CSV)
    files = {"a/part.csv.gz": gzip.compress(body), ".hidden": b"not data", "_SUCCESS": b"not data"}
    done = subject.bench.train("gzip", {"train": (csv_type(subject.recipe), files)})
    assert done.code == 0, done.log[-2000:]


def the_log_begins_as_documented(subject: Subject) -> None:
    lines = subject.bench.ordinary().log.splitlines()
    assert lines[0] == "Docker entrypoint called with argument(s): train"
    prefix = r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d INFO \d+\] "
    assert re.match(prefix + r"Reading default configuration from \S+: \{.*\}$", lines[1])
    merged = r"Merging with provided configuration from \S+/input/config/hyperparameters.json: \{.*\}$"
    assert re.match(prefix + merged, lines[2])
    assert re.match(prefix + r"Final configuration: \{.*\}$", lines[3])


def the_log_has_the_metrics_of_the_spec(subject: Subject) -> None:
    # The platform writes a tab as the five characters that AWS's regexes look for.
    lines = subject.bench.ordinary().log.replace("\t", "#011").splitlines()
    metrics = {one.name: one.regex for one in subject.spec.metrics}
    for name in subject.recipe.metrics:
        found = [match for line in lines if (match := re.search(metrics[name], line))]
        assert found, f"{name}: {metrics[name]} matches no line"
        assert all(np.isfinite(float(match.group(1))) for match in found)


def every_metric_regex_has_one_group(subject: Subject) -> None:
    for one in subject.spec.metrics:
        assert re.compile(one.regex).groups == 1, one.name


def two_trainings_give_the_same_model(subject: Subject) -> None:
    first, second = subject.bench.ordinary(), subject.bench.ordinary("ordinary once more")
    names = sorted(path.relative_to(first.model) for path in first.model.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second.model) for path in second.model.rglob("*") if path.is_file())
    bodies = [(first.model / name).read_bytes() == (second.model / name).read_bytes() for name in names]
    assert all(bodies), f"models differ: {names}"


def bad_data_fails_with_a_client_error(subject: Subject) -> None:
    good = encoded(table(subject.recipe.task), CSV)
    width = len(good.splitlines()[0].split(b","))
    cases = {
        "text": good + b",".join([b"1"] * (width - 1) + [b"pear"]) + b"\n",
        "ragged": good + b"1,2\n",
        "no records": b"\n",
        "empty": b"",
    }
    if not subject.recipe.missing_values:
        cases["nan"] = good + b",".join([b"1"] * (width - 1) + [b"nan"]) + b"\n"
    for name, body in cases.items():
        failed(subject.bench.train(name, {"train": (csv_type(subject.recipe), {"part.csv": body})}))


def a_wrong_feature_dim_fails_with_a_client_error(subject: Subject) -> None:
    if all(one.name != "feature_dim" for one in subject.spec.hyperparameters):
        return
    body = encoded(table(subject.recipe.task), CSV)
    given = {**subject.recipe.hyperparameters, "feature_dim": str(FEATURES + 1)}
    said = failed(subject.bench.train("width", {"train": (csv_type(subject.recipe), {"part.csv": body})}, given))
    assert str(FEATURES + 1) in said and str(FEATURES) in said


def a_missing_channel_fails_with_a_client_error(subject: Subject) -> None:
    done = subject.bench.train("no channel", {})
    assert "train" in failed(done)


def an_unknown_content_type_fails_with_a_client_error(subject: Subject) -> None:
    done = subject.bench.train("content type", {"train": ("audio/mpeg", {"part": b"1,2\n"})})
    assert "audio/mpeg" in failed(done)


def an_unknown_hyperparameter_fails_the_job(subject: Subject) -> None:
    body = encoded(table(subject.recipe.task), CSV)
    given = {**subject.recipe.hyperparameters, "colour": "red"}
    done = subject.bench.train("unknown", {"train": (csv_type(subject.recipe), {"part.csv": body})}, given)
    assert "Additional properties are not allowed ('colour' was unexpected)" in failed(done)


def failed(done: Training) -> str:
    """The failure text of a training that must have failed by the user's fault, cleanly."""
    assert done.code == 1, f"exit code {done.code}: {done.log[-2000:]}"
    assert done.failure.startswith("ClientError: "), done.failure or done.log[-2000:]
    assert len(done.failure.splitlines()) == 1, done.failure
    assert "Traceback" not in done.log, done.log
    return done.failure


def ping_and_execution_parameters_answer(subject: Subject) -> None:
    assert subject.server.call("GET", "/ping").status == 200
    answer = subject.server.call("GET", "/execution-parameters")
    assert set(json.loads(answer.body)) == {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}
    assert subject.server.call("GET", "/nowhere").status == 404


def requests(subject: Subject, rows: int = 4) -> dict[str, tuple[str, bytes]]:
    """The same records in every request type the algorithm knows: name -> (content type, body)."""
    data = Table(table(subject.recipe.task).features[:rows], None)
    listed = data.features.tolist()
    dense = [{"features": row} for row in listed]
    nested = [{"data": {"features": {"values": row}}} for row in listed]
    sparse = [
        {"data": {"features": {"keys": [n for n, value in enumerate(row) if value], "shape": [FEATURES],
                               "values": [value for value in row if value]}}}
        for row in listed
    ]  # fmt: skip
    made = {
        "csv": (CSV, encoded(data, CSV)),
        "json": (JSON, json.dumps({"instances": dense}).encode()),
        "json nested": (JSON, json.dumps({"instances": nested}).encode()),
        "json sparse": (JSON, json.dumps({"instances": sparse}).encode()),
        "json lines": (JSONLINES, "\n".join(json.dumps(one) for one in dense).encode()),
        "recordio": (RECORDIO, encoded(data, RECORDIO)),
        "recordio sparse": (RECORDIO, encoded(data, RECORDIO, sparse=True)),
        "libsvm": (LIBSVM, encoded(Table(data.features, np.zeros(rows)), LIBSVM)),
    }
    return {name: one for name, one in made.items() if one[0] in subject.spec.request_types}


def every_request_type_gives_the_same_answer(subject: Subject) -> None:
    absent_is_missing = subject.spec.name == "xgboost"
    answers = {}
    for name, (kind, body) in requests(subject).items():
        answer = subject.server.invoke(body, kind, JSON)
        assert answer.status == 200, f"{name}: {answer.body!r}"
        answers[name] = json.loads(answer.body)[subject.recipe.wrapper]
        assert len(answers[name]) == 4
        assert all(set(subject.recipe.outputs) <= set(one) for one in answers[name]), answers[name][0]
    first = answers["csv"]
    for name, found in answers.items():
        if absent_is_missing and ("sparse" in name or name == "libsvm"):
            continue  # Trees send a missing value elsewhere than a 0.
        for ours, theirs in zip(first, found, strict=True):
            for output in subject.recipe.outputs:
                np.testing.assert_allclose(ours[output], theirs[output], rtol=1e-4, atol=1e-5, err_msg=name)


def every_response_type_holds_every_record(subject: Subject) -> None:
    body = requests(subject)["csv"][1]
    reference = json.loads(subject.server.invoke(body, CSV, JSON).body)[subject.recipe.wrapper]
    for accept in subject.spec.response_types:
        answer = subject.server.invoke(body, CSV, accept)
        assert answer.status == 200, f"{accept}: {answer.body!r}"
        assert answer.kind.split(";")[0] == accept
        _holds(answer.body, accept, reference, subject.recipe)


def _holds(body: bytes, accept: str, reference: list[dict[str, Any]], of: Recipe) -> None:
    if accept == JSON:
        assert json.loads(body)[of.wrapper] == reference
    elif accept == JSONLINES:
        assert [json.loads(line) for line in body.splitlines()] == reference
    elif accept == CSV:
        assert len(body.splitlines()) == len(reference)
    elif accept == RECORDIO:
        for found, expected in zip(records.decode_outputs(body), reference, strict=True):
            for output in of.outputs:
                np.testing.assert_allclose(found[output], np.atleast_1d(expected[output]), rtol=1e-6)


def the_accept_header_is_negotiated(subject: Subject) -> None:
    body = requests(subject)["csv"][1]
    assert subject.server.invoke(body, CSV, "*/*").status == 200
    answer = subject.server.invoke(body, CSV, f"text/unheard;q=1.0, {JSONLINES};q=0.8, {JSON};q=0.9")
    assert (answer.status, answer.kind) == (200, JSON)
    assert subject.server.invoke(body, CSV, "image/png").status == 406


def a_wrong_number_of_features_is_400(subject: Subject) -> None:
    for width in (FEATURES - 1, FEATURES + 2):
        answer = subject.server.invoke(b",".join([b"1"] * width) + b"\n", CSV)
        assert answer.status == 400, answer
        assert str(width).encode() in answer.body and str(FEATURES).encode() in answer.body


def a_number_that_is_none_is_400(subject: Subject) -> None:
    answer = subject.server.invoke(b",".join([b"nan"] * FEATURES) + b"\n", CSV)
    assert answer.status == (200 if subject.recipe.missing_values else 400), answer


def an_unreadable_body_is_refused(subject: Subject) -> None:
    for kind in subject.spec.request_types:
        answer = subject.server.invoke(b"\x00 this is [no record", kind)
        assert answer.status in (400, 415), f"{kind}: {answer}"
        assert b"Traceback" not in answer.body
    assert subject.server.invoke(b"1,2", "audio/mpeg").status == 415


def an_empty_body_is_no_prediction(subject: Subject) -> None:
    assert subject.server.invoke(b"", CSV).status in (204, 400)


CHECKS: tuple[Check, ...] = (
    an_unknown_hyperparameter_is_refused,
    a_hyperparameter_of_the_wrong_type_is_refused,
    a_hyperparameter_out_of_range_is_refused,
    a_missing_hyperparameter_is_named,
    defaults_are_valid_themselves,
    it_trains_on_csv_and_leaves_a_model,
    it_trains_on_every_content_type,
    it_trains_on_gzipped_files_and_skips_hidden_ones,
    the_log_begins_as_documented,
    the_log_has_the_metrics_of_the_spec,
    every_metric_regex_has_one_group,
    two_trainings_give_the_same_model,
    bad_data_fails_with_a_client_error,
    a_wrong_feature_dim_fails_with_a_client_error,
    a_missing_channel_fails_with_a_client_error,
    an_unknown_content_type_fails_with_a_client_error,
    an_unknown_hyperparameter_fails_the_job,
    ping_and_execution_parameters_answer,
    every_request_type_gives_the_same_answer,
    every_response_type_holds_every_record,
    the_accept_header_is_negotiated,
    a_wrong_number_of_features_is_400,
    a_number_that_is_none_is_400,
    an_unreadable_body_is_refused,
    an_empty_body_is_no_prediction,
)
