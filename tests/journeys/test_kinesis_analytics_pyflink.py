"""Flink applications on PyFlink itself: SQL and functions in Python, saved, killed and restored; boto3 with a role."""

import os
import time
from pathlib import Path

import pytest
from tests.journeys import analytics
from tests.journeys.flink import Application, archive

from lakemill.engines.flink import PINS, Environments, FlinkMissing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COUNTING = """
import json
from pyflink.java_gateway import get_gateway
from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
from pyflink.table.udf import udf

from arithmetic import twice

properties = json.load(open("/etc/flink/application_properties.json"))
groups = {one["PropertyGroupId"]: one["PropertyMap"] for one in properties}
table = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())

@udf(result_type=DataTypes.BIGINT())
def doubled(value):
    return twice(value) * int(open("factor.zip/factor.txt").read())

table.create_temporary_function("doubled", doubled)
table.execute_sql(
    "CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '20', "
    "'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '100000')"
)
table.execute_sql(
    "CREATE TABLE found (n BIGINT, twice BIGINT) WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = '"
    + groups["Output"]["path"] + "', 'sink.rolling-policy.rollover-interval' = '1 s', "
    "'sink.rolling-policy.check-interval' = '1 s')"
)
loader = get_gateway().jvm.Thread.currentThread().getContextClassLoader()
print("the program began", "with its jar" if loader.getResource("marker.txt") else "without")
table.execute_sql("INSERT INTO found SELECT n, doubled(n) FROM numbers")
"""

WRITING = """
import boto3
from pyflink.datastream import StreamExecutionEnvironment

class Writer:
    def __call__(self, value):
        boto3.client("s3").put_object(Bucket="flink-output", Key=f"{value}.txt", Body=str(value).encode())
        return value

print("the caller is", boto3.client("sts").get_caller_identity()["Arn"])
environment = StreamExecutionEnvironment.get_execution_environment()
environment.from_collection([1, 2, 3]).map(Writer()).print()
environment.execute("writing")
"""


def environment(version):
    programs = [Path(one) for one in os.environ.get("LAKEMILL_FLINK_PYTHON", "").split(",") if one]
    try:
        return Environments(programs).find(version)
    except FlinkMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=sorted(PINS), ids=lambda version: f"FLINK-{version[0]}_{version[1]}")
def flink(request):
    """(Python, the name of the runtime)."""
    found = environment(request.param)
    return str(found.python), f"FLINK-{request.param[0]}_{request.param[1]}"


def rows(folder):
    """Rows that are committed, sorted."""
    found = []
    for path in folder.rglob("part-*"):
        if ".inprogress" not in path.name:
            found += [eval(line) for line in path.read_text().splitlines()]
    return sorted((one["n"], one["twice"]) for one in found)


def until(folder, count, within_s=180):
    deadline = time.monotonic() + within_s
    while len(found := rows(folder)) < count:
        assert time.monotonic() < deadline, f"{len(found)} rows"
        time.sleep(1)
    return found


def custom(interval_ms):
    checkpoint = {"ConfigurationType": "CUSTOM", "CheckpointingEnabled": True, "CheckpointInterval": interval_ms}
    return {"CheckpointConfiguration": {**checkpoint, "MinPauseBetweenCheckpoints": 0}}


def test_rows_are_counted_once_over_a_stop_a_kill_of_lakemill_and_a_kill_of_everything(fresh, tmp_path, flink):
    python, runtime = flink
    first, output = fresh("--flink-python", python), tmp_path / "output"
    application = Application(
        first,
        "counting",
        COUNTING,
        runtime,
        more={
            "lib/factor.zip": archive({"factor.txt": "1"}),
            "lib/arithmetic.py": "def twice(value):\n    return 2 * value\n",
            "lib/extra.jar": archive({"marker.txt": ""}),
        },
        run={"pyFiles": "lib/arithmetic.py", "pyArchives": "lib/factor.zip", "jarfile": "lib/extra.jar"},
        properties={"Output": {"path": output.as_uri()}},
        FlinkApplicationConfiguration=custom(1000),
    )
    application.start(within_s=180)
    assert "the program began with its jar" in application.said()
    until(output, 40)
    application.stop(within_s=120)
    (snapshot,) = application.snapshots()
    assert snapshot["SnapshotStatus"] == "READY"
    saved = len(rows(output))
    application.start(within_s=180)
    until(output, saved + 40)

    first.kill()
    second = application.lakemill = fresh("--flink-python", python, port=first.port)
    application.wait("RUNNING", 10)
    until(output, len(rows(output)) + 40)
    assert application.said().count("the program began with its jar") == 2

    second.kill()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            ours = str(second.data).encode() in (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if ours and int(entry.name) != os.getpid():
            os.kill(int(entry.name), 9)
    application.lakemill = fresh("--flink-python", python)
    application.until("the program began", 3, within_s=180)
    until(output, len(rows(output)) + 40)
    application.wait("RUNNING")
    application.stop(within_s=120)
    found = rows(output)
    assert found == [(n, 2 * n) for n in range(1, len(found) + 1)]


def test_a_program_uses_boto3_with_the_role_of_its_application_and_finishes(fresh, flink):
    python, runtime = flink
    if not list(Path(python).parent.parent.glob("lib/python3*/site-packages/boto3")):
        pytest.skip("this environment has no boto3")
    here = fresh("--flink-python", python)
    here.client("s3").create_bucket(Bucket="flink-output")
    application = Application(here, "writing", WRITING, runtime)
    application.client.start_application(ApplicationName="writing")
    application.until("The program has finished.", within_s=180)
    application.wait("READY")
    said = [one for one in application.said() if one.startswith("the caller is")]
    assert said == [f"the caller is arn:aws:sts::{analytics.ACCOUNT}:assumed-role/writing-role/writing"]
    keys = [one["Key"] for one in here.client("s3").list_objects_v2(Bucket="flink-output")["Contents"]]
    assert keys == ["1.txt", "2.txt", "3.txt"]


def test_a_program_that_is_wrong_leaves_the_application_ready_and_its_traceback_in_the_log(fresh, flink):
    python, runtime = flink
    application = Application(fresh("--flink-python", python), "wrong", "raise ValueError('no such thing')", runtime)
    application.start(wait="READY", within_s=180)
    assert any("ValueError: no such thing" in one for one in application.said())
