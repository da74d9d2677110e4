"""Flink applications through boto3: their life, over a Flink that is a script (tests/flink_fake.py)."""

import base64
import json
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from tests.journeys import analytics, flink
from tests.journeys.flink import Application, processes
from tests.running import Lakemill

from lakemill.engines.flink import command
from lakemill.ports.compute.sandbox import bubblewrap
from lakemill.services.kinesisanalytics import CREDENTIALS_PATH


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    return flink.scripted(tmp_path_factory.mktemp("flink"))


@pytest.fixture(scope="module")
def here(tmp_path_factory, options):
    arguments, rest = options
    with Lakemill(tmp_path_factory.mktemp("here"), *arguments, **rest) as running:
        yield running


def refusal(call, *arguments, **members):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    return f"{caught.value.response['Error']['Code']}: {caught.value.response['Error']['Message']}"


def test_without_pyflink_an_application_is_refused_with_the_command_that_installs_it(tmp_path, fresh):
    nowhere = fresh("--flink-python", str(tmp_path / "none" / "bin" / "python"))
    said = refusal(Application, nowhere, "missing", "")
    assert said.startswith("InvalidArgumentException: RuntimeEnvironment=FLINK-2_3 is refused: PyFlink 2.3 is not")
    assert command((2, 3)) in said
    assert "pip install apache-flink==2.3.0" in said


def test_an_application_runs_until_it_is_stopped_and_goes_on_from_the_snapshot_of_that(here):
    application = Application(here, "life", "")
    detail = application.describe()
    assert detail["ApplicationStatus"] == "READY"
    configuration = detail["ApplicationConfigurationDescription"]
    assert configuration["FlinkApplicationConfigurationDescription"]["CheckpointConfigurationDescription"] == {
        "ConfigurationType": "DEFAULT",
        "CheckpointingEnabled": True,
        "CheckpointInterval": 60_000,
        "MinPauseBetweenCheckpoints": 5_000,
    }
    assert configuration["ApplicationSnapshotConfigurationDescription"] == {"SnapshotsEnabled": True}
    application.start()
    assert "ResourceInUse" in refusal(application.start)
    plan = application.describe(IncludeAdditionalDetails=True)["ApplicationConfigurationDescription"]
    assert json.loads(plan["FlinkApplicationConfigurationDescription"]["JobPlanDescription"])["nodes"] == []
    application.stop()
    (snapshot,) = application.snapshots()
    assert (snapshot["SnapshotStatus"], snapshot["RuntimeEnvironment"]) == ("READY", "FLINK-2_3")
    assert processes(here) == []
    application.start()
    application.until("started with 1")
    application.stop(Force=True)
    assert len(application.snapshots()) == 1
    application.start(ApplicationRestoreConfiguration={"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"})
    application.until("started with 0", 2)
    run = application.describe()["ApplicationConfigurationDescription"]["RunConfigurationDescription"]
    assert run["ApplicationRestoreConfigurationDescription"] == {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}
    application.stop(Force=True)


def test_lines_of_flink_and_of_the_program_stand_in_the_log_stream(here):
    application = Application(here, "lines", "")
    application.start()
    application.until("from Flink")
    application.stop(Force=True)
    lines = application.log()
    own = next(one for one in lines if one["message"] == "started with 0")
    assert own["messageType"] == "INFO"
    assert own["applicationARN"].endswith(":application/lines")
    theirs = [one for one in lines if one["message"] == "from Flink"]
    assert [(one["messageType"], one["logger"]) for one in theirs] == [("WARN", "l")]


@pytest.mark.skipif(not bubblewrap(), reason="no folder can be laid over the machine's without bubblewrap")
def test_a_program_finds_its_properties_its_options_the_keys_of_its_role_and_the_endpoint(here):
    custom = {
        "CheckpointConfiguration": {
            "ConfigurationType": "CUSTOM",
            "CheckpointingEnabled": True,
            "CheckpointInterval": 2000,
            "MinPauseBetweenCheckpoints": 10,
        },
        "ParallelismConfiguration": {"ConfigurationType": "CUSTOM", "Parallelism": 3},
    }
    application = Application(
        here, "looks", "look", properties={"In": {"a": "b"}}, FlinkApplicationConfiguration=custom
    )
    application.start()
    said = application.said()
    assert "properties [{'PropertyGroupId': 'In', 'PropertyMap': {'a': 'b'}}]" in said
    assert f"role {application.role}" in said
    assert f"region us-east-1 {here.endpoint}" in said
    told = next(json.loads(one.removeprefix("options ")) for one in said if one.startswith("options "))
    assert told["execution.checkpointing.interval"] == "2000 ms"
    assert told["execution.checkpointing.min-pause"] == "10 ms"
    assert (told["parallelism.default"], told["taskmanager.numberOfTaskSlots"]) == ("3", "3")
    application.stop(Force=True)


def test_keys_are_given_for_a_token_only(here):
    for token in ("", "none", base64.urlsafe_b64encode(b"000000000000/us-east-1\nlife\nwrong").decode()):
        request = urllib.request.Request(f"{here.endpoint}{CREDENTIALS_PATH}", headers={"Authorization": token})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request)


def test_a_program_that_fails_before_it_runs_leaves_the_application_ready(here):
    application = Application(here, "fails", "fail")
    application.start(wait="READY")
    assert any("exit code 1: main: no such table" in one for one in application.said())


def test_a_program_that_finishes_leaves_the_application_ready(here):
    application = Application(here, "finishes", "finish")
    application.client.start_application(ApplicationName="finishes")
    application.until("The program has finished.")
    application.wait("READY")


def test_a_program_that_crashes_starts_again_from_its_last_checkpoint(here):
    application = Application(here, "crashes", "crash")
    application.start()
    application.until("started with 1")
    application.wait("RUNNING")
    application.stop(Force=True)


def test_a_stop_whose_snapshot_fails_leaves_the_program_running(here):
    application = Application(here, "unsaved", "unsaved")
    application.start()
    application.client.stop_application(ApplicationName="unsaved")
    application.until("The snapshot failed: java.lang.Exception: the disk is full")
    application.wait("RUNNING")
    assert [one["SnapshotStatus"] for one in application.snapshots()] == ["FAILED"]
    application.stop(Force=True)


def test_snapshots_are_taken_described_restored_from_and_deleted(here):
    application = Application(here, "snaps", "")
    client, named = application.client, {"ApplicationName": "snaps", "SnapshotName": "one"}
    assert "ResourceInUse" in refusal(client.create_application_snapshot, **named)
    application.start()
    client.create_application_snapshot(**named)
    deadline = time.monotonic() + 30
    while (found := client.describe_application_snapshot(**named)["SnapshotDetails"])["SnapshotStatus"] != "READY":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "Snapshot one already exists" in refusal(client.create_application_snapshot, **named)
    application.stop(Force=True)
    custom = {"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": "one"}
    application.start(ApplicationRestoreConfiguration=custom)
    application.until("started with 1")
    application.stop(Force=True)
    stamp = {"SnapshotCreationTimestamp": found["SnapshotCreationTimestamp"]}
    client.delete_application_snapshot(**named, **stamp)
    assert "no snapshot one" in refusal(client.describe_application_snapshot, **named)
    assert "no snapshot one" in refusal(application.start, ApplicationRestoreConfiguration=custom)


def test_a_change_of_code_and_properties_saves_the_running_program_and_starts_the_new_one(here):
    application = Application(here, "changes", "")
    application.start()
    groups = [
        {"PropertyGroupId": flink.OPTIONS, "PropertyMap": {"python": "other.py"}},
        {"PropertyGroupId": "Input", "PropertyMap": {"stream": "s"}},
    ]
    answer = application.client.update_application(
        ApplicationName="changes",
        CurrentApplicationVersionId=1,
        ApplicationConfigurationUpdate={
            "EnvironmentPropertyUpdates": {"PropertyGroups": groups},
            "ApplicationCodeConfigurationUpdate": {
                "CodeContentUpdate": {"ZipFileContentUpdate": flink.archive(other="")}
            },
            "FlinkApplicationConfigurationUpdate": {
                "ParallelismConfigurationUpdate": {"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": 2}
            },
        },
    )["ApplicationDetail"]
    assert (answer["ApplicationVersionId"], answer["ApplicationStatus"]) == (2, "UPDATING")
    application.wait("RUNNING")
    application.until("started with 1")
    described = application.describe()["ApplicationConfigurationDescription"]
    assert described["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"] == groups
    assert len(processes(here)) == 1
    application.stop(Force=True)


def test_a_deleted_application_leaves_no_process_and_no_file(here):
    application = Application(here, "gone", "")
    application.start()
    created = application.describe()["CreateTimestamp"]
    application.client.delete_application(ApplicationName="gone", CreateTimestamp=created)
    deadline = time.monotonic() + 20
    while processes(here) or any(
        one["ApplicationName"] == "gone" for one in application.client.list_applications()["ApplicationSummaries"]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [one.name for one in (here.data / "flink").iterdir() if one.name != "code"] != ["gone"]


def test_code_comes_from_an_object_that_the_role_may_read(here):
    s3, client = here.client("s3"), here.client("kinesisanalyticsv2")
    s3.create_bucket(Bucket="flink-code")
    s3.put_object(Bucket="flink-code", Key="a.zip", Body=flink.archive(main=""))
    place = {"BucketARN": "arn:aws:s3:::flink-code", "FileKey": "a.zip"}
    configuration = flink.configuration(b"")
    configuration["ApplicationCodeConfiguration"]["CodeContent"] = {"S3ContentLocation": place}
    made = {"RuntimeEnvironment": "FLINK-2_3", "ApplicationConfiguration": configuration}
    blind = analytics.role(here, "blind", actions=("logs:*",))
    said = refusal(client.create_application, ApplicationName="code", ServiceExecutionRole=blind, **made)
    assert "Please check the role provided or validity of S3 location you provided" in said
    able = analytics.role(here, "able")
    detail = client.create_application(ApplicationName="code", ServiceExecutionRole=able, **made)["ApplicationDetail"]
    content = detail["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"]
    assert content["CodeContentDescription"]["S3ApplicationCodeLocationDescription"] == place
    s3.put_object(Bucket="flink-code", Key="a.zip", Body=b"no zip file")
    update = {"CodeContentUpdate": {"S3ContentLocationUpdate": {}}}
    changed = {"ApplicationName": "code", "CurrentApplicationVersionId": 1}
    said = refusal(
        client.update_application,
        **changed,
        ApplicationConfigurationUpdate={"ApplicationCodeConfigurationUpdate": update},
    )
    assert "is not a zip file" in said


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("VpcConfigurations", [{"SubnetIds": ["a"], "SecurityGroupIds": ["b"]}], "VpcConfigurations is refused"),
        ("ApplicationEncryptionConfiguration", {"KeyType": "AWS_OWNED_KEY"}, "is refused: what an application keeps"),
        ("SqlApplicationConfiguration", {}, "Flink applications do not have it"),
        ("ApplicationSystemRollbackConfiguration", {"RollbackEnabled": True}, "RollbackEnabled=true is refused"),
        (
            "ApplicationSnapshotConfiguration",
            {"SnapshotsEnabled": True, "SnapshotMode": "ENHANCED_SNAPSHOTS"},
            "SnapshotMode=ENHANCED_SNAPSHOTS is refused",
        ),
        (
            "FlinkApplicationConfiguration",
            {"MonitoringConfiguration": {"ConfigurationType": "CUSTOM", "MetricsLevel": "TASK"}},
            "MetricsLevel is refused",
        ),
        (
            "FlinkApplicationConfiguration",
            {"ParallelismConfiguration": {"ConfigurationType": "CUSTOM", "AutoScalingEnabled": True}},
            "AutoScalingEnabled=true is refused",
        ),
        (
            "FlinkApplicationConfiguration",
            {"CheckpointConfiguration": {"ConfigurationType": "DEFAULT", "CheckpointInterval": 1000}},
            "can only be set where ConfigurationType is CUSTOM",
        ),
    ],
)
def test_what_is_not_provided_is_refused_by_name(here, member, value, said):
    assert said in refusal(Application, here, f"refused-{abs(hash(said))}", "", **{member: value})


def test_an_application_without_a_program_in_python_and_other_versions_are_refused(here):
    client, role = here.client("kinesisanalyticsv2"), analytics.role(here, "versions")
    made = {"ApplicationName": "v", "ServiceExecutionRole": role}
    for runtime, said in (("FLINK-1_8", "lakemill runs FLINK-"), ("ZEPPELIN-FLINK-3_0", "notebooks are not provided")):
        assert said in refusal(client.create_application, RuntimeEnvironment=runtime, **made)
    configuration = flink.configuration(flink.archive(main=""))
    configuration["EnvironmentProperties"]["PropertyGroups"][0]["PropertyMap"] = {"jarfile": "a.jar"}
    assert "lakemill runs programs in Python" in refusal(
        client.create_application, RuntimeEnvironment="FLINK-2_3", ApplicationConfiguration=configuration, **made
    )
    configuration["EnvironmentProperties"]["PropertyGroups"][0]["PropertyMap"] = {"python": "absent.py"}
    assert "has no file absent.py" in refusal(
        client.create_application, RuntimeEnvironment="FLINK-2_3", ApplicationConfiguration=configuration, **made
    )


def test_what_belongs_to_sql_is_refused_for_a_flink_application_and_logging_options_are_not(here):
    application = Application(here, "apart", "")
    client, first = application.client, here.client("kinesisanalytics")
    named, version = {"ApplicationName": "apart"}, {"CurrentApplicationVersionId": 1}
    output = {
        "Name": "D",
        "KinesisStreamsOutput": {"ResourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s"},
        "DestinationSchema": {"RecordFormatType": "JSON"},
    }
    assert "Flink application, which has no outputs" in refusal(
        client.add_application_output, **named, **version, Output=output
    )
    for call in (first.describe_application, first.stop_application):
        assert refusal(call, **named).startswith("UnsupportedOperationException: apart is a Flink application")
    assert "apart" not in [one["ApplicationName"] for one in first.list_applications()["ApplicationSummaries"]]
    assert "SqlRunConfigurations is refused" in refusal(application.start, SqlRunConfigurations=[])
    changed = {"RuntimeEnvironmentUpdate": "SQL-1_0"}
    assert "a Flink application stays one" in refusal(client.update_application, **named, **version, **changed)
    latest = {"ApplicationRestoreConfiguration": {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"}}
    assert "RunConfigurationUpdate is refused" in refusal(
        client.update_application, **named, **version, RunConfigurationUpdate=latest
    )
    application.start()
    option = application.describe()["CloudWatchLoggingOptionDescriptions"][0]["CloudWatchLoggingOptionId"]
    client.delete_application_cloud_watch_logging_option(**named, **version, CloudWatchLoggingOptionId=option)
    application.wait("RUNNING")
    assert [one["SnapshotStatus"] for one in application.snapshots()] == ["READY"]
    application.stop(Force=True)


def test_a_change_can_begin_without_the_state_but_not_with_a_snapshot_that_is_not_there(here):
    application = Application(here, "lost", "")
    application.start()
    client, named = application.client, {"ApplicationName": "lost"}
    custom = {"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": "none"}
    run = {"ApplicationRestoreConfiguration": custom}
    said = refusal(client.update_application, **named, CurrentApplicationVersionId=1, RunConfigurationUpdate=run)
    assert said.startswith("ResourceNotFoundException: The application has no snapshot none")
    run = {"ApplicationRestoreConfiguration": {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}}
    client.update_application(**named, CurrentApplicationVersionId=1, RunConfigurationUpdate=run)
    application.until("started with 0", 2)
    application.wait("RUNNING")
    assert application.snapshots() == []
    application.stop(Force=True)
