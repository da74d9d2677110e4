"""The lines of a training log, character by character: AWS's regexes are made for them."""

import io
import json
import os
import re

import pytest

from lakemill.container.trainlog import StandardTrainingLog

PREFIX = f"[02/29/2024 12:00:00 INFO {os.getpid()}] "


class Clock:
    now = 1709208000.0  # 2024-02-29 12:00:00 UTC


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(out: io.StringIO) -> StandardTrainingLog:
    return StandardTrainingLog("Linear Learner", "algo-2", out, lambda: Clock.now)


def test_a_loss_of_an_epoch(log: StandardTrainingLog, out: io.StringIO) -> None:
    log.quality("train mse_objective", 0.71, epoch=0)
    assert out.getvalue() == PREFIX + "#quality_metric: host=algo-2, epoch=0, train mse_objective <loss>=0.71\n"


def test_there_is_no_comma_after_a_batch(log: StandardTrainingLog, out: io.StringIO) -> None:
    log.quality("train mse_objective", 1, epoch=3, batch=20)
    assert out.getvalue().endswith("host=algo-2, epoch=3, batch=20 train mse_objective <loss>=1.0\n")


def test_a_final_score_has_no_epoch(log: StandardTrainingLog, out: io.StringIO) -> None:
    log.quality("test accuracy", 0.5, kind="score")
    assert out.getvalue() == PREFIX + "#quality_metric: host=algo-2, test accuracy <score>=0.5\n"


def test_progress_throughput_and_score(log: StandardTrainingLog, out: io.StringIO) -> None:
    log.progress(0.06)
    log.throughput(1234)
    log.score("test", "mse", 44)
    progress, throughput, score = out.getvalue().splitlines()
    assert progress == PREFIX + "#progress_metric: host=algo-2, completed 6.0 % of epochs"
    assert re.search(r"#progress_metric: host=\S+, completed (\S+) %", progress)
    assert re.search(r"#throughput_metric: host=\S+, train throughput=(\S+) records/second", throughput)
    assert score == PREFIX + "#test_score (algo-2) : ('mse', 44.0)"


def test_metrics_are_json_with_the_time_since_the_last(log: StandardTrainingLog, out: io.StringIO) -> None:
    Clock.now += 5
    log.metrics({"Total Records Seen": 10}, {"epoch": 0, "Meta": "training_data_iter"})
    Clock.now -= 5
    line = out.getvalue()
    assert line.startswith("#metrics {")
    found = json.loads(line.removeprefix("#metrics "))
    assert found["EndTime"] - found["StartTime"] == 5
    assert found["Dimensions"] == {
        "Algorithm": "Linear Learner", "Host": "algo-2", "Operation": "training", "epoch": 0,
        "Meta": "training_data_iter",
    }  # fmt: skip
    assert found["Metrics"] == {"Total Records Seen": {"sum": 10, "count": 1, "min": 10, "max": 10}}


def test_raw_lines_have_no_prefix(log: StandardTrainingLog, out: io.StringIO) -> None:
    log.raw("[0]\ttrain-rmse:0.1")
    assert out.getvalue() == "[0]\ttrain-rmse:0.1\n"
