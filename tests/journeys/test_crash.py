"""The platform is killed at any moment, and what it has acknowledged is there when it comes back."""

import io
import random
import re
import subprocess
import sys
import tarfile
import time
from subprocess import DEVNULL

import pytest
from tests.journeys import crash, crash_objects, crash_services, processes
from tests.journeys.stored import differences
from tests.journeys.studio import Studio, points

KILLS_DAILY, KILLS_SLOW = 5, 50
SENTENCES = [
    re.compile(
        r"(training|transform) \d{12}/us-east-1/\1-job/(?P<job>[\w-]+): (still running, attached to it again"
        r"|ended meanwhile, its results are collected"
        r"|begun again(, it had not run yet|, its process was never started)?)"
    ),
    re.compile(r"Endpoint (e|passing) is back: (1 of 1 instances still ran|1 instance is being started)\."),
    re.compile(r"Endpoint passing goes on (creating|updating)\."),
    re.compile(r"Object store: removed \d+ unfinished, \d+ unreferenced blobs and \d+ dropped pieces of data\."),
]


class Site:
    """A live endpoint and everybody who writes, on one platform that is killed again and again."""

    def __init__(self, running, seed):
        self.running, self.draw = running, random.Random(seed)
        self.studio = Studio(running, "site")
        self.studio.model_name = "m"
        self.studio.model("m")
        self.studio.deploy("e", "m")
        self.score = self.studio.score("e")
        rows = "\n".join(f"{x:.5f},{y:.5f}" for x, y in points(300, seed=5))
        self.studio.s3.put_object(Bucket=self.studio.bucket, Key="in/a.csv", Body=rows)
        for bucket in ("plain", "versioned"):
            self.studio.s3.create_bucket(Bucket=bucket)
        self.studio.s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        self.jobs = crash_services.Jobs(seed + 1, studio=self.studio)
        self.studio.config("m", "m")
        self.endpoints = crash_services.Endpoints(seed + 9)
        self.load = crash.Load(
            crash_objects.Objects(seed + 2),
            crash_objects.Objects(seed + 3),
            crash_objects.Objects(seed + 4, sizes=crash_objects.LARGE, keys=4),
            crash_objects.Versions(seed + 5),
            crash_objects.Multipart(seed + 6),
            crash_services.People(seed + 7),
            crash_services.Lines(seed + 8),
            self.jobs,
            self.endpoints,
        )
        self.load.connect(running)

    def killed(self):
        """Let them work, kill, start again on the same folder and port, and look at everything."""
        self.load.go()
        time.sleep(self.draw.uniform(0.1, 1.2))
        self.running.kill()
        self.load.halt()
        port = self.running.port
        while self.draw.random() < 0.3:
            self._kill_a_start()
        self.running.start()
        assert self.running.port == port
        self.load.connect(self.running)
        self.studio.runtime = self.running.client("sagemaker-runtime")
        self.look()

    def _kill_a_start(self):
        command = [sys.executable, "-m", "lakemill", "up", "--port", str(self.running.port), "--data"]
        starting = subprocess.Popen([*command, str(self.running.data)], stdout=DEVNULL, stderr=DEVNULL)
        time.sleep(self.draw.uniform(0.2, 1.0))
        processes.kill(starting.pid)
        starting.wait()

    def look(self):
        assert self.studio.score("e") == self.score
        self.load.check()
        self._look_at_what_it_said()

    def look_at_results(self, name, kind):
        s3, bucket = self.running.client("s3"), self.studio.bucket
        if kind == "training":
            body = s3.get_object(Bucket=bucket, Key=f"jobs/{name}/output/model.tar.gz")["Body"].read()
            with tarfile.open(fileobj=io.BytesIO(body)) as tar:
                assert tar.getnames() == ["xgboost-model"]
        else:
            body = s3.get_object(Bucket=bucket, Key=f"out/{name}/a.csv.out")["Body"].read()
            assert len(body.split()) == 300

    def _look_at_what_it_said(self):
        said = [line.removeprefix("Recovered: ") for line in self.running.lines if line.startswith("Recovered: ")]
        assert "Endpoint e is back: 1 of 1 instances still ran." in said
        for sentence in said:
            assert any(form.fullmatch(sentence) for form in SENTENCES), sentence
        jobs = [match["job"] for sentence in said if (match := SENTENCES[0].fullmatch(sentence))]
        assert len(jobs) == len(set(jobs))
        assert set(jobs) <= set(self.jobs.names), "a job nobody was told about"


def patiently(question):
    for _ in range(100):
        if question():
            return
        time.sleep(0.1)
    raise AssertionError("it does not come true")


def killed_many_times(running, kills, seed):
    site = Site(running, seed)
    for _ in range(kills):
        site.killed()
    outcomes = site.jobs.ended(timeout_s=60)
    assert all(status == "Completed" for status, _ in outcomes.values()), outcomes
    for name, kind in site.jobs.names.items():
        site.look_at_results(name, kind)
    site.endpoints.settled()
    patiently(lambda: len(processes.supervisors(running.data)) == 1)  # Endpoint e, and nothing else.
    acknowledged = [(type(one).__name__, one.acknowledged) for one in site.load.writers]
    assert all(count for _, count in acknowledged), acknowledged
    assert [line for line in running.requests if "Traceback" in line] == []
    assert running.stop() == 0
    running.start()  # What waited for its grace to end is removed now.
    assert running.stop() == 0
    assert processes.supervisors(running.data) == []
    assert differences(running.data) == []
    return acknowledged, outcomes


@pytest.mark.long
def test_what_was_acknowledged_survives_kills_at_any_moment(fresh):
    print(killed_many_times(fresh(), KILLS_DAILY, seed=1))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_was_acknowledged_survives_fifty_kills(fresh):
    print(killed_many_times(fresh(), KILLS_SLOW, seed=2))
