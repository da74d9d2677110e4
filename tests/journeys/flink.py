"""Flink applications for journeys: an archive, an application of it, and waiting for it."""

import io
import json
import time
import zipfile
from pathlib import Path

from tests import flink_fake
from tests.journeys import analytics

OPTIONS = "kinesis.analytics.flink.run.options"
LOG = ("flink", "program")


def archive(more=None, **files):
    """A zip file: name without `.py` = text. more: content by whole name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name, text in {**{f"{name}.py": text for name, text in files.items()}, **(more or {})}.items():
            opened.writestr(name, text)
    return content.getvalue()


def configuration(code, properties=None, run=None, **members):
    """An ApplicationConfiguration whose program is main.py of the archive. properties: further groups."""
    groups = {OPTIONS: {"python": "main.py"} | (run or {})} | (properties or {})
    return {
        "ApplicationCodeConfiguration": {"CodeContentType": "ZIPFILE", "CodeContent": {"ZipFileContent": code}},
        "EnvironmentProperties": {
            "PropertyGroups": [{"PropertyGroupId": name, "PropertyMap": values} for name, values in groups.items()]
        },
        **members,
    }


class Application:
    """One made of a program's text, and more files. Its log is a stream of its own."""

    def __init__(self, lakemill, name, text, runtime="FLINK-2_3", more=None, **options):
        self.name, self.lakemill = name, lakemill
        self.role = analytics.role(lakemill, f"{name}-role")
        logs = lakemill.client("logs")
        logs.create_log_group(logGroupName=name)
        logs.create_log_stream(logGroupName=name, logStreamName="s")
        self.stream = f"arn:aws:logs:us-east-1:{analytics.ACCOUNT}:log-group:{name}:log-stream:s"
        self.client.create_application(
            ApplicationName=name,
            RuntimeEnvironment=runtime,
            ServiceExecutionRole=self.role,
            ApplicationConfiguration=configuration(archive(more, main=text), **options),
            CloudWatchLoggingOptions=[{"LogStreamARN": self.stream}],
        )

    @property
    def client(self):
        return self.lakemill.client("kinesisanalyticsv2")

    def describe(self, **options):
        return self.client.describe_application(ApplicationName=self.name, **options)["ApplicationDetail"]

    def start(self, wait="RUNNING", within_s=60, **run):
        options = {"RunConfiguration": run} if run else {}
        self.client.start_application(ApplicationName=self.name, **options)
        self.wait(wait, within_s)

    def stop(self, wait="READY", within_s=60, **options):
        self.client.stop_application(ApplicationName=self.name, **options)
        self.wait(wait, within_s)

    def wait(self, status, within_s=60):
        deadline = time.monotonic() + within_s
        while (found := self.describe()["ApplicationStatus"]) != status:
            assert time.monotonic() < deadline, f"{self.name} is {found}, not {status}: {self.said()[-5:]}"
            time.sleep(0.1)

    def snapshots(self):
        return self.client.list_application_snapshots(ApplicationName=self.name)["SnapshotSummaries"]

    def log(self):
        """Every line of its log, as objects."""
        logs, options, found = self.lakemill.client("logs"), {}, []
        while True:
            answer = logs.get_log_events(logGroupName=self.name, logStreamName="s", startFromHead=True, **options)
            if not answer["events"]:
                return found
            found += [json.loads(one["message"]) for one in answer["events"]]
            options = {"nextToken": answer["nextForwardToken"]}

    def said(self):
        return [one["message"] for one in self.log()]

    def until(self, text, count=1, within_s=60):
        """Until so many lines of the log hold the text."""
        deadline = time.monotonic() + within_s
        while len([one for one in self.said() if text in one]) < count:
            assert time.monotonic() < deadline, f"not in the log: {text}: {self.said()[-10:]}"
            time.sleep(0.1)


def processes(lakemill):
    """Job managers of this lakemill that live."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if b"StandaloneApplicationClusterEntryPoint" in line and str(lakemill.data).encode() in line:
            found.append(int(entry.name))
    return found


def scripted(folder):
    """Arguments and options of a lakemill whose Flink is a script: `fresh(*arguments, **options)`."""
    python, java = flink_fake.environment(folder)
    return ("--flink-python", str(python)), {"environment": {"JAVA_HOME": str(java)}}
