"""Transform jobs from request to output, over real engines."""

import asyncio
import gzip
import json

import pytest
from tests.unit.services.sagemaker.hosting_world import ARN, HostingWorld, refused

GROUP = "/aws/sagemaker/TransformJobs"


@pytest.fixture
async def world(tmp_path):
    made = await HostingWorld(tmp_path).start()
    await made.model(environment={"PREFIX": "p"})
    await made.put("in/a.csv", b"1\n2\n3\n")
    await made.put("in/deep/b.csv", b"4\n")
    await made.put("in/marker/", b"")
    yield made
    await made.close()


def given(uri="s3://data/in/", kind="S3Prefix", **members):
    source = {"DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}}, "ContentType": "text/csv"}
    return source | {"SplitType": "Line"} | members


async def test_a_prefix_becomes_one_output_per_object(world):
    found = await world.transformed()
    assert found["TransformJobStatus"] == "Completed", found
    assert found["TransformStartTime"] <= found["TransformEndTime"]
    assert world.keys("out/") == ["out/a.csv.out", "out/deep/b.csv.out"]
    assert world.output("out/a.csv.out") == b"p1\np2\np3\n"
    assert found["TransformJobArn"] == f"{ARN}:transform-job/t"
    assert found["TransformInput"]["SplitType"] == "Line"


async def test_a_single_object_keeps_its_base_name(world):
    await world.transformed(TransformInput=given("s3://data/in/deep/b.csv"))
    assert world.keys("out/") == ["out/b.csv.out"]


async def test_a_manifest_names_the_objects(world):
    await world.put("list.json", json.dumps([{"prefix": "s3://data/in/"}, "deep/b.csv"]).encode())
    await world.transformed(TransformInput=given("s3://data/list.json", "ManifestFile"))
    assert world.keys("out/") == ["out/deep/b.csv.out"]


async def test_the_container_is_told_that_it_is_a_batch(world):
    await world.put("in2/x", b"env")
    await world.transformed(
        TransformInput=given("s3://data/in2/", SplitType="None"),
        Environment={"MINE": "1", "PREFIX": "other"},
        MaxPayloadInMB=2,
        BatchStrategy="SingleRecord",
    )
    told = json.loads(world.output("out/x.out"))
    assert told["SAGEMAKER_BATCH"] == "true"
    assert (told["SAGEMAKER_MAX_PAYLOAD_IN_MB"], told["SAGEMAKER_BATCH_STRATEGY"]) == ("2", "SINGLE_RECORD")
    assert (told["MINE"], told["PREFIX"], told["AWS_REGION"]) == ("1", "other", "us-east-1")
    assert "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS" not in told


async def test_records_are_filtered_joined_and_filtered_again(world):
    await world.put("in3/a.csv.gz", gzip.compress(b"id1,10\nid2,20\n"))
    found = await world.transformed(
        TransformInput=given("s3://data/in3/", CompressionType="Gzip"),
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )
    assert found["TransformJobStatus"] == "Completed", found
    assert world.output("out/a.csv.gz.out") == b"id1,p10\nid2,p20\n"


async def test_what_the_container_recommends_counts_unless_the_request_says_otherwise(world):
    advice = json.dumps({"MaxConcurrentTransforms": 4, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 3})
    await world.transformed("one", Environment={"EXECUTION_PARAMETERS": advice})
    await world.transformed(
        "two", Environment={"EXECUTION_PARAMETERS": advice}, MaxConcurrentTransforms=2, MaxPayloadInMB=5
    )
    logs = world.logged(GROUP)
    first = {stream.split("/")[0]: lines[0] for stream, lines in logs.items() if stream.endswith("/data-log")}
    assert first["one"].endswith(
        "[sagemaker logs]: MaxConcurrentTransforms=4, MaxPayloadInMB=3, BatchStrategy=SINGLE_RECORD"
    )
    assert first["two"].endswith("MaxConcurrentTransforms=2, MaxPayloadInMB=5, BatchStrategy=SINGLE_RECORD")
    assert any(lines[0] == "serving" for stream, lines in logs.items() if not stream.endswith("/data-log"))


async def test_an_object_that_fails_does_not_take_others_with_it(world):
    await world.put("in/bad.csv", b"status 415 cannot read this\n")
    found = await world.transformed()
    assert (found["TransformJobStatus"], found["FailureReason"]) == (
        "Failed",
        "ClientError: See job logs for more information",
    )
    assert world.keys("out/") == ["out/a.csv.out", "out/deep/b.csv.out"]
    (lines,) = [lines for stream, lines in world.logged(GROUP).items() if stream.endswith("/data-log")]
    told = [line.split("[sagemaker logs]: ")[1] for line in lines[1:]]
    where = "data/in/bad.csv: "
    assert told == [f"{where}ClientError: 415", where, f"{where}Message:", f"{where}cannot read this"]


async def test_a_failing_container_is_an_algorithm_error(world):
    await world.put("in/bad.csv", b"status 500 oops\n")
    found = await world.transformed(ModelClientConfig={"InvocationsMaxRetries": 0})
    assert found["FailureReason"] == "AlgorithmError: See job logs for more information"


async def test_a_container_that_does_not_start_fails_the_job(world):
    found = await world.transformed(Environment={"BEHAVIOUR": "exit"})
    assert found["FailureReason"] == (
        "AlgorithmError: Model container failed to respond to ping. Please ensure /ping endpoint is implemented and "
        "responds with an HTTP 200 status code"
    )
    assert "TransformStartTime" not in found


async def test_no_input_fails_the_job(world):
    found = await world.transformed(TransformInput=given("s3://data/none/"))
    assert found["FailureReason"].startswith("ClientError: Data download failed: No S3 objects found under")


async def test_rights_the_role_does_not_have_fail_the_objects(world):
    world.identity.denied.append(("s3:PutObject", "arn:aws:s3:::data/out/deep"))
    found = await world.transformed()
    assert found["TransformJobStatus"] == "Failed"
    assert world.keys("out/") == ["out/a.csv.out"]


async def test_a_job_is_stopped(world):
    await world.put("in/slow", b"slow 30\n")
    await world.transform(ModelClientConfig={"InvocationsTimeoutInSeconds": 60})
    while "TransformStartTime" not in await world.ask("DescribeTransformJob", TransformJobName="t"):
        await asyncio.sleep(0.02)
    await world.ask("StopTransformJob", TransformJobName="t")
    assert (await world.ask("DescribeTransformJob", TransformJobName="t"))["TransformJobStatus"] == "Stopping"
    async with asyncio.timeout(5):
        while (await world.ask("DescribeTransformJob", TransformJobName="t"))["TransformJobStatus"] != "Stopped":
            await asyncio.sleep(0.02)
    assert "in status Stopped" in await refused(world.ask("StopTransformJob", TransformJobName="t"))


async def test_a_job_goes_on_after_a_restart(tmp_path):
    world = await HostingWorld(tmp_path).start()
    await world.model()
    await world.put("in/a", b"slow 1\n")
    await world.transform()
    while "TransformStartTime" not in await world.ask("DescribeTransformJob", TransformJobName="t"):
        await asyncio.sleep(0.02)
    await world.close()
    world = await HostingWorld(tmp_path).start()
    assert any("begun again" in sentence for sentence in world.recovered)
    async with asyncio.timeout(15):
        while (await world.ask("DescribeTransformJob", TransformJobName="t"))["TransformJobStatus"] != "Completed":
            await asyncio.sleep(0.05)
    assert world.output("out/a.out") == b"at last\n"
    await world.close()


async def test_names_are_used_once_and_found_again(world):
    await world.transformed()
    message = await refused(world.transform(), code="ResourceInUse")
    assert "already exists" in message
    listed = await world.ask("ListTransformJobs", StatusEquals="Completed")
    assert [one["TransformJobName"] for one in listed["TransformJobSummaries"]] == ["t"]
    missing = await refused(world.ask("DescribeTransformJob", TransformJobName="none"))
    assert missing.startswith("Could not find")
    gone = await refused(world.transform("u", ModelName="none"))
    assert gone == f'Could not find model "{ARN}:model/none".'


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"TransformInput": given(kind="AugmentedManifestFile")}, "AugmentedManifestFile"),
        ({"TransformOutput": {"S3OutputPath": "s3://data/out", "KmsKeyId": "k"}}, "KmsKeyId"),
        ({"MaxPayloadInMB": 0}, "MaxPayloadInMB=0"),
        ({"MaxPayloadInMB": 101}, "at most 100"),
        ({"MaxPayloadInMB": 50, "MaxConcurrentTransforms": 3}, "50 = 150"),
        ({"DataProcessing": {"InputFilter": "$..x"}}, "InputFilter"),
        ({"DataProcessing": {"InputFilter": "$.x"}}, "by index"),
        ({"DataProcessing": {"JoinSource": "Input"}, "TransformInput": given(SplitType="None")}, "SplitType Line"),
        ({"DataProcessing": {"JoinSource": "Input"}, "TransformInput": given(ContentType="text/x")}, "ContentType"),
        (
            {"DataProcessing": {"JoinSource": "Input"}, "TransformOutput": {"S3OutputPath": "s3://data/out"}},
            "Accept",
        ),
    ],
)
async def test_what_is_wrong_or_not_honoured_is_refused_by_name(world, changes, named):
    assert named in await refused(world.transform(**changes))
