"""Training: content types, log, determinism, and what fails how."""

import gzip
import re

import numpy as np

from tests.contracts.algorithm.data import LIBSVM, PARQUET, RECORDIO, data_of, encoded, spoiled
from tests.contracts.algorithm.workbench import Check, Subject, Training


def it_trains_and_leaves_a_model(subject: Subject) -> None:
    done = subject.bench.ordinary()
    assert any(path.is_file() and path.stat().st_size for path in done.model.rglob("*"))
    assert not done.failure


def it_trains_on_every_content_type(subject: Subject) -> None:
    data = data_of(subject.recipe)
    known = {kind.split(";")[0] for kind in subject.spec.channel("train").content_types}  # type: ignore[union-attr]
    for kind, sparse in ((RECORDIO, False), (RECORDIO, True), (LIBSVM, True), (PARQUET, False)):
        if kind in known:
            body = encoded(data, kind, sparse)
            done = subject.bench.train(f"{kind} {sparse}", {"train": (kind, {"sub/part-0": body, "_SUCCESS": b""})})
            assert done.code == 0, f"{kind}: {done.log[-2000:]}"


def it_trains_on_gzipped_files_and_skips_hidden_ones(subject: Subject) -> None:
    files = {"a/part.gz": gzip.compress(subject.body()), ".hidden": b"not data", "_SUCCESS": b"not data"}
    done = subject.bench.train("gzip", {"train": (subject.channel_type, files)})
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
    cases = spoiled(data_of(subject.recipe), subject.kind, missing_values=subject.recipe.missing_values)
    for name, body in cases.items():
        failed(subject.bench.train(f"bad {name}", {"train": (subject.channel_type, {"part": body})}))


def a_wrong_feature_dim_fails_with_a_client_error(subject: Subject) -> None:
    if all(one.name != "feature_dim" for one in subject.spec.hyperparameters):
        return
    body, width = subject.body(), data_of(subject.recipe).features.shape[1]
    given = {**subject.recipe.hyperparameters, "feature_dim": str(width + 1)}
    said = failed(subject.bench.train("width", {"train": (subject.channel_type, {"part": body})}, given))
    assert str(width + 1) in said and str(width) in said


def a_missing_channel_fails_with_a_client_error(subject: Subject) -> None:
    done = subject.bench.train("no channel", {})
    assert "train" in failed(done)


def an_unknown_content_type_fails_with_a_client_error(subject: Subject) -> None:
    done = subject.bench.train("content type", {"train": ("audio/mpeg", {"part": b"1,2\n"})})
    assert "audio/mpeg" in failed(done)


def an_unknown_hyperparameter_fails_the_job(subject: Subject) -> None:
    body = subject.body()
    given = {**subject.recipe.hyperparameters, "colour": "red"}
    done = subject.bench.train("unknown", {"train": (subject.channel_type, {"part": body})}, given)
    assert "Additional properties are not allowed ('colour' was unexpected)" in failed(done)


def failed(done: Training) -> str:
    """The failure text of a training that must have failed by the user's fault, cleanly."""
    assert done.code == 1, f"exit code {done.code}: {done.log[-2000:]}"
    assert done.failure.startswith("ClientError: "), done.failure or done.log[-2000:]
    assert len(done.failure.splitlines()) == 1, done.failure
    assert "Traceback" not in done.log, done.log
    return done.failure


CHECKS: tuple[Check, ...] = (
    it_trains_and_leaves_a_model,
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
)
