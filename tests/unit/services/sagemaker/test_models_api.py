"""CreateModel and its sisters."""

import pytest
from tests.unit.services.sagemaker.hosting_world import ARN, IMAGE, ROLE, HostingWorld, refused


@pytest.fixture
async def world(tmp_path):
    made = await HostingWorld(tmp_path).start()
    yield made
    await made.close()


async def test_a_model_is_described_as_it_was_made(world):
    assert await world.model(environment={"A": "1"}) == {"ModelArn": f"{ARN}:model/m"}
    found = await world.ask("DescribeModel", ModelName="m")
    assert found.pop("CreationTime").tzinfo is not None
    assert found == {
        "ModelName": "m",
        "ModelArn": f"{ARN}:model/m",
        "ExecutionRoleArn": ROLE,
        "EnableNetworkIsolation": False,
        "PrimaryContainer": {
            "Mode": "SingleModel",
            "Image": IMAGE,
            "ModelDataUrl": "s3://data/m/model.tar.gz",
            "Environment": {"A": "1"},
        },
    }


async def test_a_list_of_one_container_is_a_model(world):
    await world.model(PrimaryContainer=None, Containers=[{"Image": IMAGE}])
    assert (await world.ask("DescribeModel", ModelName="m"))["Containers"][0]["Image"] == IMAGE


async def test_sdks_probe_by_these_texts(world):
    await world.model()
    exists = await refused(world.model())
    assert exists == f'Cannot create already existing model "{ARN}:model/m".'
    await world.ask("DeleteModel", ModelName="m")
    missing = f'Could not find model "{ARN}:model/m".'
    assert await refused(world.ask("DescribeModel", ModelName="m")) == missing
    assert await refused(world.ask("DeleteModel", ModelName="m")) == missing


async def test_data_that_is_not_there_is_refused(world):
    message = await refused(world.model(url="s3://data/none.tar.gz"))
    assert message == "Could not find model data at s3://data/none.tar.gz."
    assert "no-bucket" in await refused(world.model(url="s3://no-bucket/m.tar.gz"))


async def test_data_the_role_may_not_read_is_refused(world):
    world.identity.denied.append(("s3:GetObject", "arn:aws:s3:::data/m/"))
    message = await refused(world.model())
    assert message.startswith("Could not access model data at s3://data/m/model.tar.gz.")
    assert "is not authorized to perform: s3:GetObject" in message


async def test_a_role_that_does_not_trust_us_is_refused(world):
    assert "Could not assume role" in await refused(world.model(ExecutionRoleArn=ROLE + "-other"))
    assert "ExecutionRoleArn" in await refused(world.model(ExecutionRoleArn=None))


def source(uri, kind, compression, **members):
    data = {"S3Uri": uri, "S3DataType": kind, "CompressionType": compression} | members
    return {"Image": IMAGE, "ModelDataSource": {"S3DataSource": data}}


async def test_model_data_may_be_an_object_or_a_prefix(world):
    await world.model("a", PrimaryContainer=source("s3://data/m/model.tar.gz", "S3Object", "Gzip"))
    await world.model("b", PrimaryContainer=source("s3://data/m/", "S3Prefix", "None"))
    missing = world.model("c", PrimaryContainer=source("s3://data/none/", "S3Prefix", "None"))
    assert await refused(missing) == "Could not find model data at s3://data/none/."
    assert "forward slash" in await refused(
        world.model("d", PrimaryContainer=source("s3://data/m", "S3Prefix", "None"))
    )
    mixed = world.model("e", PrimaryContainer=source("s3://data/m/", "S3Prefix", "Gzip"))
    assert "S3Object when CompressionType is Gzip" in await refused(mixed)


@pytest.mark.parametrize(
    ("container", "named"),
    [
        ({"Image": "me/mine:1"}, "Image"),
        ({"Image": IMAGE, "Mode": "MultiModel"}, "multi-model"),
        ({"Image": IMAGE, "ModelPackageName": "p"}, "ModelPackageName"),
        ({"Image": IMAGE, "ImageConfig": {"RepositoryAccessMode": "Vpc"}}, "ImageConfig"),
        ({"Image": IMAGE, "AdditionalModelDataSources": [{"ChannelName": "x"}]}, "AdditionalModelDataSources"),
        ({"Image": IMAGE, "ModelDataUrl": "https://data/m.tar.gz"}, "ModelDataUrl"),
        (source("s3://data/m/", "S3Prefix", "None", ModelAccessConfig={"AcceptEula": True}), "ModelAccessConfig"),
        ({"ModelDataUrl": "s3://data/m/model.tar.gz"}, "Image"),
    ],
)
async def test_what_is_not_honoured_is_refused_by_name(world, container, named):
    assert named in await refused(world.model(PrimaryContainer=container))


async def test_pipelines_are_refused(world):
    message = await refused(world.model(PrimaryContainer=None, Containers=[{"Image": IMAGE}] * 2))
    assert "inference pipelines" in message
    assert "Exactly one" in await refused(world.model(PrimaryContainer=None))


async def test_models_are_listed_by_name_and_time(world):
    for name in ("b-1", "a-1", "a-2"):
        await world.model(name)
    first = await world.ask("ListModels", SortBy="Name", SortOrder="Ascending", MaxResults=2)
    assert [one["ModelName"] for one in first["Models"]] == ["a-1", "a-2"]
    rest = await world.ask("ListModels", SortBy="Name", SortOrder="Ascending", NextToken=first["NextToken"])
    assert [one["ModelName"] for one in rest["Models"]] == ["b-1"]
    newest = await world.ask("ListModels", NameContains="A-")
    assert [one["ModelName"] for one in newest["Models"]] == ["a-2", "a-1"]
