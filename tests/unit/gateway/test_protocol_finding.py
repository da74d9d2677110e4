"""From a request to client, protocol and operation; and what that costs to set up."""

import subprocess
import sys

import pytest

from lakemill.gateway import models, protocols
from lakemill.gateway.protocols.routes import Routes, template
from lakemill.services.base import HttpRequest, ServiceError

CLIENTS = (
    *("s3", "kinesis", "firehose", "glue", "athena", "sagemaker", "sagemaker-runtime", "iam", "sts", "kms", "logs"),
    *("cloudwatch", "lambda", "quicksight", "ecr", "emr", "redshift", "redshift-data", "datapipeline", "sqs", "sns"),
    *("application-autoscaling", "kinesisanalytics", "kinesisanalyticsv2", "kinesisvideo", "lakeformation", "dynamodb"),
    *("events", "sagemaker-featurestore-runtime"),
)
DASHBOARDS = b"/service/GraniteServiceVersion20100801/operation/ListDashboards"


@pytest.fixture(scope="module")
def finder():
    return models.Finder(CLIENTS)


def request(method="POST", path=b"/", query=b"", **headers):
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpRequest(method, path, query, named, "http", "", None)


@pytest.mark.parametrize("client", CLIENTS)
def test_metadata_read_from_the_head_of_a_file_is_the_models(client):
    assert models.metadata(client) == models.service_model(client).metadata


@pytest.mark.parametrize("client", ["s3", "sagemaker", "kinesis"])
def test_a_model_has_every_operation_and_shape_of_botocores_own(client):
    from botocore.loaders import Loader

    theirs = Loader().load_service_model(client, "service-2")
    ours = models.service_model(client)
    assert list(theirs["operations"]) == ours.operation_names
    assert list(theirs["shapes"]) == ours.shape_names
    for name in ours.operation_names:
        assert theirs["operations"][name]["http"] == ours.operation_model(name).http


def test_documentation_is_dropped_but_members_called_so_are_kept():
    model = models.service_model("apigateway")
    assert "documentation" not in model._service_description["operations"]["GetApiKey"]
    kept = models._without_documentation({"documentation": "text", "members": {"documentation": {"shape": "S"}}})
    assert kept == {"members": {"documentation": {"shape": "S"}}}


def test_a_client_nobody_knows_is_named():
    with pytest.raises(models.ModelMissing, match="'nonsense'"):
        models.service_model("nonsense")


@pytest.mark.parametrize(
    ("name", "clients"),
    [
        ("monitoring", ("cloudwatch",)),
        ("elasticmapreduce", ("emr",)),
        ("kinesisanalytics", ("kinesisanalytics", "kinesisanalyticsv2")),
        ("sagemaker", ("sagemaker", "sagemaker-runtime", "sagemaker-featurestore-runtime")),
        ("api.ecr", ("ecr",)),
        ("cloudwatch", ("cloudwatch",)),
        ("ec2", ()),
    ],
)
def test_signing_names_endpoint_prefixes_and_client_names_lead_to_clients(finder, name, clients):
    assert finder.named(name) == clients


@pytest.mark.parametrize(
    ("target", "client"),
    [
        ("Kinesis_20131202.PutRecord", "kinesis"),
        ("SageMaker.CreateModel", "sagemaker"),
        ("KinesisAnalytics_20180523.ListApplications", "kinesisanalyticsv2"),
        ("AnyScaleFrontendService.PutScalingPolicy", "application-autoscaling"),
        ("Nonsense.Op", None),
    ],
)
def test_targets_lead_to_clients(finder, target, client):
    assert finder.targeted(target) == client


def test_services_that_share_a_signing_name_are_told_apart_by_target_and_path(finder):
    target = request(x_amz_target="SageMaker.ListModels", content_type="application/x-amz-json-1.1")
    assert finder.find("sagemaker", target).client == "sagemaker"
    invoke = request(path=b"/endpoints/e/invocations")
    assert finder.find("sagemaker", invoke).operation.name == "InvokeEndpoint"
    record = request("GET", b"/FeatureGroup/g", b"RecordIdentifierValueAsString=1")
    assert finder.find("sagemaker", record).client == "sagemaker-featurestore-runtime"


def test_cloudwatch_is_understood_in_all_its_forms(finder):
    target = "GraniteServiceVersion20100801.ListDashboards"
    json = request(x_amz_target=target, content_type="application/x-amz-json-1.0")
    query = request(content_type="application/x-www-form-urlencoded")
    cbor = request(path=DASHBOARDS, smithy_protocol="rpc-v2-cbor")
    body = b"Action=ListDashboards&Version=2010-08-01"
    found = [finder.find("monitoring", json), finder.find("monitoring", query, body), finder.find("monitoring", cbor)]
    assert [one.protocol for one in found] == [protocols.JSON_1_0, protocols.QUERY, protocols.RPC_V2_CBOR]
    assert {one.operation.name for one in found} == {"ListDashboards"}


def test_a_smithy_path_finds_its_service_without_a_signing_name(finder):
    cbor = request(path=DASHBOARDS, smithy_protocol="rpc-v2-cbor")
    assert finder.find("", cbor).client == "cloudwatch"


def test_what_nobody_provides_is_refused(finder):
    with pytest.raises(ServiceError) as caught:
        finder.find("ec2", request())
    assert caught.value.code == "UnknownOperationException"
    assert finder.protocol("ec2", request()) is None


def test_a_path_may_be_given_in_place_of_the_one_sent(finder):
    found = finder.find("s3", request("GET", b"/key"), path=b"/bucket/key")
    assert found.operation.name == "GetObject"
    assert found.protocol.decode(found.operation, request("GET", b"/key"), b"", b"/bucket/key") == {
        "Bucket": "bucket",
        "Key": "key",
    }


def test_templates_are_taken_apart():
    assert template("/") == ([], ())
    assert template("/{Bucket}/{Key+}?uploads") == (["{Bucket}", "{Key+}"], (("uploads", None),))
    assert template("/a/{B}/c?x=1&x-id=Op") == (["a", "{B}", "c"], (("x", "1"),))


@pytest.mark.parametrize("client", ["quicksight", "lambda", "batch", "lakeformation", "apigateway", "iot", "eks"])
def test_every_operation_can_be_reached_by_its_own_template(client):
    service = models.service_model(client)
    routes = Routes(service)
    reached = 0
    for name in service.operation_names:
        operation = service.operation_model(name)
        segments, fixed = template(operation.http["requestUri"])
        path = "/" + "/".join("x-y" if segment.startswith("{") else segment for segment in segments)
        members = operation.input_shape.members if operation.input_shape else {}
        required = operation.input_shape.required_members if operation.input_shape else []
        query = {key: value or "" for key, value in fixed}
        query |= {
            members[m].serialization.get("name", m): "v"
            for m in required
            if members[m].serialization.get("location") == "querystring"
        }
        reached += routes.find(operation.http["method"], path.encode(), query, {}) == name
    # A handful share method, path and query with another (deprecated) operation.
    assert reached >= len(service.operation_names) - 2


def test_streams_are_told_apart_from_bodies():
    def of(client, name):
        operation = models.operation_model(client, name)
        return protocols.takes_stream(operation), protocols.gives_stream(operation)

    assert of("s3", "PutObject") == (True, False)
    assert of("s3", "GetObject") == (False, True)
    assert of("s3", "DeleteObjects") == (False, False)
    assert of("kinesis", "SubscribeToShard") == (False, True)
    assert of("sagemaker-runtime", "InvokeEndpoint") == (False, False)
    assert of("lexv2-runtime", "StartConversation") == (True, True)


def test_routing_loads_no_model_and_nothing_of_botocores_clients():
    script = (
        "import sys\n"
        "from lakemill.gateway import models\n"
        f"finder = models.Finder({CLIENTS!r})\n"
        "assert not [name for name in sys.modules if name.startswith('botocore')], sorted(sys.modules)\n"
        "models.service_model('s3')\n"
        "assert not {'botocore.client', 'botocore.session', 'boto3'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
