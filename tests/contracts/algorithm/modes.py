"""Pipe mode, several hosts, checkpoints."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from lakemill.formats.content import decode
from tests.contracts.algorithm.data import RECORDIO, data_of, encoded
from tests.contracts.algorithm.serving import requests
from tests.contracts.algorithm.workbench import (
    Check,
    Subject,
    Training,
    finished,
    lay_out,
    serving,
    start_training,
)
from tests.contracts.recipes import Table

LONG_ROWS = 4000


def _pieces(subject: Subject, count: int, rows: int = 240) -> list[bytes]:
    """The recipe's data as several files."""
    data = data_of(subject.recipe, rows)
    places = np.array_split(np.arange(rows), count)
    return [
        encoded(Table(data.features[at], None if data.labels is None else data.labels[at]), subject.kind)
        for at in places
    ]


def a_pipe_gives_the_model_that_files_give(subject: Subject) -> None:
    channel = subject.spec.channel("train")
    if "Pipe" not in channel.input_modes:  # type: ignore[union-attr]
        return
    one, two = _pieces(subject, 2)
    by_file = subject.bench.train("two files", {"train": (subject.channel_type, {"1": one, "2": two})})
    base = subject.bench.place("piped")
    lay_out(base, subject.recipe.hyperparameters, {"train": (subject.channel_type, {})}, mode="Pipe")
    with feeding(base, {"train": [one, two]}):
        by_pipe = finished(start_training(subject.spec.name, base), base)
    assert (by_file.code, by_pipe.code) == (0, 0), by_pipe.log[-2000:]
    if subject.recipe.exact_in_pipes:
        _same_model(by_file, by_pipe)
    else:
        _same_answers(subject, by_file, by_pipe)


@contextlib.contextmanager
def feeding(base: Path, channels: Mapping[str, list[bytes]]) -> Iterator[None]:
    """The platform's process that fills FIFOs."""
    folder = base / "pipes"
    described = {}
    for name, bodies in channels.items():
        files = [folder / f"{name}-{number}" for number in range(len(bodies))]
        for path, body in zip(files, bodies, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        described[name] = {"files": [str(path) for path in files], "gzip": False, "wrap": False, "seed": None}
    inputs = base / "input" / "data"
    inputs.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(
        json.dumps({"folder": str(inputs), "failure": str(folder / "failure"), "channels": described})
    )
    process = subprocess.Popen([sys.executable, "-m", "lakemill.container.pipes", str(folder / "plan.json")])
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    assert not (folder / "failure").exists(), (folder / "failure").read_text()


def _same_model(first: Training, second: Training) -> None:
    names = sorted(path.relative_to(first.model) for path in first.model.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second.model) for path in second.model.rglob("*") if path.is_file())
    different = [str(name) for name in names if (first.model / name).read_bytes() != (second.model / name).read_bytes()]
    assert not different, f"models differ in {different}"


def _same_answers(subject: Subject, first: Training, second: Training) -> None:
    kind, body = next(iter(requests(subject, 40).values()))
    answers = []
    for done in (first, second):
        with serving(subject.spec.name, done.base) as server:
            answers.append(json.loads(server.invoke(body, kind, "application/json").body)[subject.recipe.wrapper])
    for ours, theirs in zip(*answers, strict=True):
        for output in subject.recipe.outputs:
            np.testing.assert_allclose(ours[output], theirs[output], rtol=0.05, atol=0.05)


def run_hosts(
    subject: Subject, key: str, shards: list[dict[str, bytes]], hyperparameters: Mapping[str, str] | None = None
) -> list[Training]:
    """One container for each shard, together a job of several instances."""
    names = [f"algo-{number + 1}" for number in range(len(shards))]
    folder = subject.bench.place(key)
    folder.mkdir()
    running = []
    for name, shard in zip(names, shards, strict=True):
        base = folder / name
        given = hyperparameters or subject.recipe.hyperparameters
        lay_out(base, given, {"train": (subject.channel_type, shard)}, host=name, hosts=names)
        meet = {"LAKEMILL_RENDEZVOUS": (folder / "rendezvous").as_uri()}
        running.append((start_training(subject.spec.name, base, **meet), base))
    return [finished(process, base) for process, base in running]


def two_hosts_train_one_model(subject: Subject) -> None:
    if not subject.spec.multi_instance:
        return
    one, two = _pieces(subject, 2)
    runs = [run_hosts(subject, f"hosts {again}", [{"1": one}, {"2": two}]) for again in (1, 2)]
    for done in (*runs[0], *runs[1]):
        assert done.code == 0, done.log[-3000:]
    for first, second in zip(*runs, strict=True):
        _same_model(first, second)
    with serving(subject.spec.name, _merged(subject, runs[0])) as server:
        for kind, body in requests(subject).values():
            answer = server.invoke(body, kind, "application/json")
            assert answer.status == 200, answer.body
            assert all(
                set(subject.recipe.outputs) <= set(row) for row in json.loads(answer.body)[subject.recipe.wrapper]
            )


def _merged(subject: Subject, hosts: list[Training]) -> Path:
    """The model as the platform packs it: the files of all hosts."""
    base = hosts[0].base.parent / "merged"
    for host in hosts:
        for path in host.model.rglob("*"):
            if path.is_file():
                target = base / "model" / path.relative_to(host.model)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    return base


def a_host_may_have_no_records(subject: Subject) -> None:
    if not subject.spec.multi_instance:
        return
    runs = run_hosts(subject, "host without records", [{}, {"1": subject.body()}])
    assert [done.code for done in runs] == [0, 0], runs[0].log[-2000:] + runs[1].log[-2000:]
    assert any((done.model).rglob("*") for done in runs)


def no_records_on_any_host_fail_the_job(subject: Subject) -> None:
    if not subject.spec.multi_instance:
        return
    runs = run_hosts(subject, "no records at all", [{}, {}])
    assert all(done.code == 1 for done in runs)
    assert any(done.failure.startswith("ClientError: ") for done in runs), [done.failure for done in runs]
    assert not any("Traceback" in done.log for done in runs), runs[0].log


def killed_and_begun_again_it_gives_the_same_model(subject: Subject) -> None:
    body = encoded(data_of(subject.recipe, LONG_ROWS), subject.kind)
    given = {**subject.recipe.hyperparameters, **subject.recipe.long}
    whole = subject.bench.train("whole", {"train": (subject.channel_type, {"1": body})}, given)
    assert whole.code == 0, whole.log[-2000:]
    base = subject.bench.place("killed")
    kept = base / "checkpoints"
    lay_out(base, given, {"train": (subject.channel_type, {"1": body})}, checkpoints=kept)
    process = start_training(subject.spec.name, base, LAKEMILL_CHECKPOINT_EVERY_S="0")
    if subject.recipe.checkpoints:
        _until_saved(kept, process)
    else:
        time.sleep(0.2)
    process.kill()
    process.communicate()
    again = finished(start_training(subject.spec.name, base), base)
    assert again.code == 0, again.log[-2000:]
    _same_model(whole, again)
    if subject.recipe.checkpoints:
        assert "esum" in again.log, "no line says that the training was resumed"


def _until_saved(folder: Path, process: subprocess.Popen, timeout_s: float = 60) -> None:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if folder.is_dir() and any(not path.name.startswith(".") for path in folder.rglob("*") if path.is_file()):
            assert process.poll() is None, "the training was over before it could be killed: make recipe.long longer"
            return
        assert process.poll() is None, "the training ended without a checkpoint"
        time.sleep(0.001)
    raise AssertionError("no checkpoint within a minute")


def a_stopped_training_leaves_a_model(subject: Subject) -> None:
    body = encoded(data_of(subject.recipe, LONG_ROWS), subject.kind)
    base = subject.bench.place("stopped")
    lay_out(
        base, {**subject.recipe.hyperparameters, **subject.recipe.long}, {"train": (subject.channel_type, {"1": body})}
    )
    process = start_training(subject.spec.name, base)
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(line)
        if "Final configuration" in line:
            break
    process.send_signal(signal.SIGTERM)
    done = finished(process, base)
    assert done.code == 0, "".join(read) + done.log[-2000:]
    assert any(path.is_file() for path in done.model.rglob("*"))


def the_records_of_a_channel_are_as_they_were_written(subject: Subject) -> None:
    """The data these checks use survive their own encoding, so that a difference is the algorithm's."""
    data = data_of(subject.recipe)
    if subject.recipe.numeric:
        block = decode(encoded(Table(data.features, None), RECORDIO, sparse=True), RECORDIO)
        np.testing.assert_array_equal(block.dense(), data.features)


CHECKS: tuple[Check, ...] = (
    the_records_of_a_channel_are_as_they_were_written,
    a_pipe_gives_the_model_that_files_give,
    two_hosts_train_one_model,
    a_host_may_have_no_records,
    no_records_on_any_host_fail_the_job,
    killed_and_begun_again_it_gives_the_same_model,
    a_stopped_training_leaves_a_model,
)
