"""Objects go through a model in a batch, with plain boto3."""

import time

import pytest
from tests.journeys.studio import points, studio  # noqa: F401  (a fixture)

MODEL = "test-transform-model"


def transformed(studio, name, **changes):  # noqa: F811
    request = {
        "TransformJobName": name,
        "ModelName": MODEL,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{studio.bucket}/in/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{studio.bucket}/{name}",
            "AssembleWith": "Line",
            "Accept": "text/csv",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    } | changes
    studio.sagemaker.create_transform_job(**request)
    for _ in range(300):
        found = studio.sagemaker.describe_transform_job(TransformJobName=name)
        if found["TransformJobStatus"] not in ("InProgress", "Stopping"):
            return found
        time.sleep(0.1)
    raise AssertionError("the job did not end")


def output(studio, key):  # noqa: F811
    return studio.s3.get_object(Bucket=studio.bucket, Key=key)["Body"].read().decode().splitlines()


@pytest.fixture(scope="module")
def inputs(studio):  # noqa: F811
    rows = [f"{x:.5f},{y:.5f}" for x, y in points(3000, seed=5)]
    studio.s3.put_object(Bucket=studio.bucket, Key="in/many.csv", Body="\n".join(rows))
    studio.s3.put_object(Bucket=studio.bucket, Key="in/few/some.csv", Body="\n".join(rows[:3]) + "\n")
    return rows


def test_predictions_come_in_order_one_file_per_object(studio, inputs):  # noqa: F811
    found = transformed(studio, "plain", MaxPayloadInMB=1, MaxConcurrentTransforms=4)
    assert found["TransformJobStatus"] == "Completed", found
    scores = [float(line) for line in output(studio, "plain/many.csv.out")]
    assert len(scores) == 3000
    right = [(score > 0.5) == (sum(map(float, row.split(","))) > 1) for score, row in zip(scores, inputs, strict=True)]
    assert sum(right) > 2850
    assert [float(line) for line in output(studio, "plain/few/some.csv.out")] == scores[:3]


def test_an_id_column_is_kept_beside_the_prediction(studio, inputs):  # noqa: F811
    rows = "\n".join(f"id-{number},{row}" for number, row in enumerate(inputs[:200]))
    studio.s3.put_object(Bucket=studio.bucket, Key="named/a.csv", Body=rows)
    found = transformed(
        studio,
        "joined",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{studio.bucket}/named/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )
    assert found["TransformJobStatus"] == "Completed", found
    lines = output(studio, "joined/a.csv.out")
    assert [line.split(",")[0] for line in lines] == [f"id-{number}" for number in range(200)]
    assert all(0 <= float(line.split(",")[1]) <= 1 for line in lines)


def test_a_bad_object_fails_the_job_and_not_the_others(studio, inputs):  # noqa: F811
    studio.s3.put_object(Bucket=studio.bucket, Key="mixed/good.csv", Body=inputs[0])
    studio.s3.put_object(Bucket=studio.bucket, Key="mixed/bad.csv", Body="not,a,number,at,all")
    found = transformed(
        studio,
        "mixed",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{studio.bucket}/mixed/"}},
            "ContentType": "text/csv",
        },
    )
    assert found["TransformJobStatus"] == "Failed"
    assert found["FailureReason"] == "ClientError: See job logs for more information"
    assert len(output(studio, "mixed/good.csv.out")) >= 1
    listed = studio.s3.list_objects_v2(Bucket=studio.bucket, Prefix="mixed/bad.csv.out")
    assert listed["KeyCount"] == 0
    streams = studio.logs.describe_log_streams(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix="mixed/"
    )["logStreams"]
    (data_log,) = [one["logStreamName"] for one in streams if one["logStreamName"].endswith("/data-log")]
    events = studio.logs.get_log_events(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamName=data_log, startFromHead=True
    )["events"]
    assert any(f"{studio.bucket}/mixed/bad.csv: ClientError: 4" in event["message"] for event in events)


def test_a_finished_job_waits_no_longer(studio, inputs):  # noqa: F811
    waiter = studio.sagemaker.get_waiter("transform_job_completed_or_stopped")
    transformed(studio, "waited")
    waiter.wait(TransformJobName="waited")
