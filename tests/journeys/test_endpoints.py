"""A trained model goes behind an endpoint, is asked, changed under load, killed and found again; with plain boto3."""

import contextlib
import threading
import time

import pytest
from botocore.exceptions import ClientError
from tests.journeys.studio import Studio, studio  # noqa: F401  (a fixture)

MODEL = "test-endpoints-model"


@pytest.fixture(scope="module")
def endpoint(studio):  # noqa: F811
    name = f"{studio.name}-live"
    studio.deploy(name, MODEL)
    yield name
    studio.delete(name)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        studio.sagemaker.describe_endpoint(EndpointName=name)


def test_a_model_answers_over_http(studio, endpoint):  # noqa: F811
    assert studio.score(endpoint, 0.9, 0.8) > 0.9
    assert studio.score(endpoint, 0.1, 0.2) < 0.1
    answer = studio.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=b"0.9,0.8\n0.1,0.1")
    assert answer["InvokedProductionVariant"] == f"v-{MODEL}"
    assert answer["ContentType"].startswith("text/csv")
    high, low = map(float, answer["Body"].read().split())
    assert high > 0.9 > 0.1 > low


def test_what_the_model_refuses_is_a_model_error(studio, endpoint):  # noqa: F811
    with pytest.raises(studio.runtime.exceptions.ModelError) as caught:
        studio.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="image/png", Body=b"no picture")
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 415
    assert "image/png" in response["OriginalMessage"]
    assert response["LogStreamArn"].endswith(f"log-group:/aws/sagemaker/Endpoints/{endpoint}")
    assert str(caught.value).count("from primary with message") == 1


def test_an_endpoint_that_is_not_there_is_a_validation_error(studio):  # noqa: F811
    with pytest.raises(ClientError, match=r"Endpoint none of account \d{12} not found\.") as caught:
        studio.runtime.invoke_endpoint(EndpointName="none", Body=b"x")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_a_body_above_the_limit_is_413(studio, endpoint):  # noqa: F811
    with pytest.raises(ClientError) as caught:
        studio.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=b"1" * 6_291_457)
    assert caught.value.response["Error"]["Code"] == "413"


def test_an_answer_is_streamed(studio, endpoint):  # noqa: F811
    answer = studio.runtime.invoke_endpoint_with_response_stream(
        EndpointName=endpoint, ContentType="text/csv", Body=b"0.9,0.8"
    )
    body = b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"])
    assert float(body) > 0.9


def test_the_log_of_the_process_is_in_cloudwatch(studio, endpoint):  # noqa: F811
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    stream = None
    for _ in range(100):
        with contextlib.suppress(studio.logs.exceptions.ResourceNotFoundException):  # Until the first line is there.
            (stream,) = studio.logs.describe_log_streams(logGroupName=group)["logStreams"] or [None]
        if stream:
            break
        time.sleep(0.1)
    assert stream
    assert stream["logStreamName"].startswith(f"v-{MODEL}/i-")
    events = studio.logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)[
        "events"
    ]
    assert any("Serving on" in event["message"] for event in events)


def test_the_permission_is_on_the_endpoint(studio, endpoint):  # noqa: F811
    iam = studio.lakemill.client("iam")
    iam.create_user(UserName="caller")
    arn = studio.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    iam.put_user_policy(
        UserName="caller",
        PolicyName="invoke",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sagemaker:InvokeEndpoint",'
        f'"Resource":"{arn}"}}]}}',
    )
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    caller = studio.lakemill.client("sagemaker-runtime", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert caller.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=b"0.9,0.8")
    with pytest.raises(ClientError) as caught:
        caller.invoke_endpoint(EndpointName="other", ContentType="text/csv", Body=b"0.9,0.8")
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_an_update_under_load_fails_no_request(studio, endpoint):  # noqa: F811
    studio.model("second")
    studio.config("journey-2", "second", count=2)
    seen, failures, going = [], [], True

    def keep_asking():
        client = studio.lakemill.client("sagemaker-runtime")
        while going:
            try:
                answer = client.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=b"0.9,0.8")
                answer["Body"].read()
                seen.append(answer["InvokedProductionVariant"])
            except Exception as error:
                failures.append(error)
            time.sleep(0.005)

    threads = [threading.Thread(target=keep_asking) for _ in range(3)]
    for thread in threads:
        thread.start()
    studio.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName="journey-2")
    assert studio.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Updating"
    studio.wait(endpoint)
    time.sleep(0.3)
    going = False
    for thread in threads:
        thread.join()
    assert failures == []
    assert seen[0] == f"v-{MODEL}"
    assert seen[-1] == "v-second"
    found = studio.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert found["EndpointConfigName"] == "journey-2"
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2


def test_a_model_without_a_network_answers_all_the_same(studio):  # noqa: F811
    studio.model("alone", EnableNetworkIsolation=True)
    studio.deploy("alone", "alone")
    assert studio.score("alone") > 0.9
    studio.delete("alone")


@pytest.mark.long
def test_endpoints_come_back_after_a_kill_and_after_a_restart(fresh):
    lakemill = fresh()
    studio = Studio(lakemill, "comeback")  # noqa: F811
    studio.model("m")
    studio.deploy("e", "m")
    before = studio.score("e")
    group = {"logGroupName": "/aws/sagemaker/Endpoints/e"}

    lakemill.kill()
    lakemill.start()
    assert any("Endpoint e is back: 1 of 1 instances still ran." in line for line in lakemill.lines)
    assert studio.score("e") == before
    assert studio.sagemaker.describe_endpoint(EndpointName="e")["EndpointStatus"] == "InService"
    assert len(studio.logs.describe_log_streams(**group)["logStreams"]) == 1

    assert lakemill.stop() == 0
    lakemill.start()
    assert studio.score("e") == before
    studio.delete("e")
