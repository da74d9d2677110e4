"""Endpoint configurations and endpoints, over a real engine."""

import pytest
from tests.unit.services.sagemaker.hosting_world import ARN, IMAGE, HostingWorld, refused, variant


@pytest.fixture
async def world(tmp_path):
    made = await HostingWorld(tmp_path).start()
    await made.model()
    yield made
    await made.close()


async def test_a_configuration_is_described_as_it_was_made(world):
    assert await world.config() == {"EndpointConfigArn": f"{ARN}:endpoint-config/c"}
    found = await world.ask("DescribeEndpointConfig", EndpointConfigName="c")
    assert found["ProductionVariants"] == [variant() | {"InitialVariantWeight": 1.0}]
    listed = await world.ask("ListEndpointConfigs")
    assert [one["EndpointConfigName"] for one in listed["EndpointConfigs"]] == ["c"]
    exists = await refused(world.config())
    assert exists == f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/c".'
    await world.ask("DeleteEndpointConfig", EndpointConfigName="c")
    for operation in ("DescribeEndpointConfig", "DeleteEndpointConfig"):
        missing = await refused(world.ask(operation, EndpointConfigName="c"))
        assert missing == f'Could not find endpoint configuration "{ARN}:endpoint-config/c".'


@pytest.mark.parametrize(
    ("variants", "named"),
    [
        ([variant(model="none")], f'Could not find model "{ARN}:model/none".'),
        ([variant(), variant()], "unique"),
        ([variant(InitialVariantWeight=0.0)], "InitialVariantWeight"),
        ([variant(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1})], "ServerlessConfig"),
        ([variant(ManagedInstanceScaling={"Status": "ENABLED"})], "ManagedInstanceScaling"),
        ([variant(RoutingConfig={"RoutingStrategy": "KV_AWARE"})], "RoutingStrategy=KV_AWARE"),
        ([variant(ModelName=None)], "ModelName"),
        ([variant(InstanceType=None)], "InstanceType"),
    ],
)
async def test_variants_that_are_wrong_or_later_are_refused(world, variants, named):
    assert named in await refused(world.config("x", *variants))


async def test_more_instances_than_a_machine_can_hold_are_refused(world):
    message = await refused(world.config("x", variant(count=21)), code="ResourceLimitExceeded")
    assert "20 instances" in message


async def test_an_endpoint_comes_into_service_and_goes(world):
    await world.config()
    created = await world.ask("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    assert created == {"EndpointArn": f"{ARN}:endpoint/e"}
    found = await world.ask("DescribeEndpoint", EndpointName="e")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("Creating", "c")
    found = await world.settled()
    assert found["EndpointStatus"] == "InService"
    (one,) = found["ProductionVariants"]
    images = one.pop("DeployedImages")
    assert images[0]["SpecifiedImage"] == images[0]["ResolvedImage"] == IMAGE
    assert one == {
        "VariantName": "main",
        "CurrentWeight": 1.0,
        "DesiredWeight": 1.0,
        "CurrentInstanceCount": 1,
        "DesiredInstanceCount": 1,
    }
    again = await refused(world.ask("CreateEndpoint", EndpointName="e", EndpointConfigName="c"))
    assert again == f'Cannot create already existing endpoint "{ARN}:endpoint/e".'
    await world.ask("DeleteEndpoint", EndpointName="e")
    assert (await world.ask("ListEndpoints", StatusEquals="InService"))["Endpoints"] == []
    await world.hosting._works.get((f"{'0' * 12}/us-east-1", "e"))
    missing = f'Could not find endpoint "{ARN}:endpoint/e".'
    assert await refused(world.ask("DescribeEndpoint", EndpointName="e")) == missing
    assert await refused(world.ask("DeleteEndpoint", EndpointName="e")) == missing


async def test_an_endpoint_needs_its_configuration_and_models(world):
    missing = await refused(world.ask("CreateEndpoint", EndpointName="e", EndpointConfigName="none"))
    assert missing == f'Could not find endpoint configuration "{ARN}:endpoint-config/none".'
    await world.config()
    await world.ask("DeleteModel", ModelName="m")
    gone = await refused(world.ask("CreateEndpoint", EndpointName="e", EndpointConfigName="c"))
    assert gone == f'Could not find model "{ARN}:model/m".'


async def test_an_endpoint_that_is_never_healthy_says_so_in_awss_words(world):
    await world.model("ill", environment={"BEHAVIOUR": "exit"})
    await world.config("c", variant("v", "ill"))
    found = await world.endpoint()
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"] == (
        "The primary container for production variant v did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )
    assert found["EndpointConfigName"] == "c"
    message = await refused(world.ask("UpdateEndpoint", EndpointName="e", EndpointConfigName="c"))
    assert "only be deleted" in message
    (stream, *_) = world.logged("/aws/sagemaker/Endpoints/e")
    assert stream.startswith("v/i-")


async def test_a_role_that_lost_its_rights_fails_the_endpoint(world):
    await world.config()
    world.identity.denied.append(("s3:GetObject", "arn:aws:s3:::data/m/"))
    found = await world.endpoint()
    assert found["FailureReason"].startswith("Failed to download model data for the primary container")
    assert "is not authorized" in found["FailureReason"]


async def test_a_model_that_is_no_archive_fails_the_endpoint(world):
    await world.put("bad.tar.gz", b"no archive")
    await world.model("bad", "s3://data/bad.tar.gz")
    await world.config("c", variant(model="bad"))
    assert (await world.endpoint())["FailureReason"].startswith("Failed to extract model data archive")


async def test_an_update_is_described_while_it_lasts(world):
    await world.config()
    await world.endpoint()
    await world.config("d", variant("other", InitialVariantWeight=2.0))
    await world.ask("UpdateEndpoint", EndpointName="e", EndpointConfigName="d")
    found = await world.ask("DescribeEndpoint", EndpointName="e")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("Updating", "c")
    assert found["PendingDeploymentSummary"]["EndpointConfigName"] == "d"
    assert found["PendingDeploymentSummary"]["ProductionVariants"][0]["DesiredWeight"] == 2.0
    busy = await refused(world.ask("UpdateEndpoint", EndpointName="e", EndpointConfigName="d"))
    assert busy == f'Cannot update in-progress endpoint "{ARN}:endpoint/e".'
    found = await world.settled()
    assert (found["EndpointConfigName"], "PendingDeploymentSummary" in found) == ("d", False)
    assert [one["VariantName"] for one in found["ProductionVariants"]] == ["other"]


async def test_a_failed_update_keeps_serving_and_says_why(world):
    await world.config()
    await world.endpoint()
    await world.model("ill", environment={"BEHAVIOUR": "exit"})
    await world.config("d", variant("v", "ill"))
    await world.ask("UpdateEndpoint", EndpointName="e", EndpointConfigName="d")
    found = await world.settled()
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "c")
    assert "production variant v did not pass" in found["FailureReason"]


async def test_weights_and_counts_are_changed_and_retained(world):
    await world.config("c", variant("a"), variant("b"))
    await world.endpoint()
    changes = [{"VariantName": "a", "DesiredWeight": 3.0}, {"VariantName": "b", "DesiredInstanceCount": 2}]
    await world.ask("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=changes)
    found = await world.settled()
    assert [(one["CurrentWeight"], one["CurrentInstanceCount"]) for one in found["ProductionVariants"]] == [
        (3.0, 1),
        (1.0, 2),
    ]
    await world.ask(
        "UpdateEndpoint",
        EndpointName="e",
        EndpointConfigName="c",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredInstanceCount"}],
    )
    found = await world.settled()
    assert [(one["CurrentWeight"], one["CurrentInstanceCount"]) for one in found["ProductionVariants"]] == [
        (3.0, 1),
        (1.0, 1),
    ]
    wrong = [{"VariantName": "none", "DesiredWeight": 1.0}]
    message = await refused(
        world.ask("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=wrong)
    )
    assert 'Could not find variant "none"' in message


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"RollingUpdatePolicy": {"MaximumBatchSize": {}}}, "RollingUpdatePolicy"),
        ({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY"}}}, "CANARY"),
        ({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "LINEAR"}}}, "LINEAR"),
        ({"BlueGreenUpdatePolicy": {"TerminationWaitInSeconds": 60}}, "TerminationWaitInSeconds"),
        ({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}, "AutoRollbackConfiguration"),
    ],
)
async def test_deployments_in_steps_are_refused(world, config, named):
    await world.config()
    message = await refused(
        world.ask("CreateEndpoint", EndpointName="e", EndpointConfigName="c", DeploymentConfig=config)
    )
    assert named in message


async def test_endpoints_are_listed(world):
    await world.config()
    await world.endpoint("one")
    await world.endpoint("two")
    listed = await world.ask("ListEndpoints", SortBy="Name", SortOrder="Ascending", StatusEquals="InService")
    assert [one["EndpointName"] for one in listed["Endpoints"]] == ["one", "two"]
    assert set(listed["Endpoints"][0]) == {
        "EndpointName",
        "EndpointArn",
        "EndpointStatus",
        "CreationTime",
        "LastModifiedTime",
    }
