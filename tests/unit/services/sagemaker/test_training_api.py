import asyncio
import datetime

import pytest
from training_world import ROLE, World, channel

from lakemill.services.base import ServiceError


@pytest.fixture
async def world(tmp_path):
    made = await World(tmp_path).start()
    yield made
    await made.close()


async def refused(world, **changes):
    with pytest.raises(ServiceError) as caught:
        await world.create(**changes)
    assert caught.value.code == "ValidationException"
    return caught.value.message


ALGORITHM = {
    "TrainingImage": "1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1",
    "TrainingInputMode": "File",
}
RESOURCES = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}
SOURCE = {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"AlgorithmSpecification": {"AlgorithmName": "mine", "TrainingInputMode": "File"}}, "AlgorithmName"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "TrainingImage"),
        ({"AlgorithmSpecification": ALGORITHM | {"ContainerEntrypoint": ["sh"]}}, "ContainerEntrypoint"),
        ({"AlgorithmSpecification": ALGORITHM | {"ContainerArguments": ["x"]}}, "ContainerArguments"),
        (
            {"AlgorithmSpecification": ALGORITHM | {"MetricDefinitions": [{"Name": "a", "Regex": "b"}]}},
            "can't override the metric definitions",
        ),
        (
            {"AlgorithmSpecification": ALGORITHM | {"TrainingImageConfig": {"TrainingRepositoryAccessMode": "Vpc"}}},
            "TrainingImageConfig",
        ),
        ({"ResourceConfig": None}, "ResourceConfig"),
        ({"ResourceConfig": RESOURCES | {"InstanceCount": 17}}, "at most 16"),
        (
            {"ResourceConfig": RESOURCES | {"InstanceCount": 2}, "EnableNetworkIsolation": True},
            "EnableNetworkIsolation with InstanceCount",
        ),
        ({"CheckpointConfig": {"S3Uri": "https://data/c"}}, "CheckpointConfig.S3Uri"),
        ({"CheckpointConfig": {"S3Uri": "s3://data/c", "LocalPath": "/tmp/c"}}, "below /opt/ml"),
        ({"CheckpointConfig": {"S3Uri": "s3://data/c", "LocalPath": "/opt/ml/model/c"}}, "must not be in"),
        ({"ResourceConfig": RESOURCES | {"InstanceCount": 0}}, "at least 1"),
        ({"ResourceConfig": RESOURCES | {"VolumeSizeInGB": 0}}, "VolumeSizeInGB"),
        ({"ResourceConfig": RESOURCES | {"VolumeKmsKeyId": "k"}}, "VolumeKmsKeyId"),
        ({"ResourceConfig": RESOURCES | {"KeepAlivePeriodInSeconds": 60}}, "KeepAlivePeriodInSeconds"),
        ({"ResourceConfig": {"InstanceGroups": [{}]}}, "InstanceGroups"),
        ({"EnableManagedSpotTraining": True}, "EnableManagedSpotTraining"),
        ({"StoppingCondition": {"MaxWaitTimeInSeconds": 60}}, "MaxWaitTimeInSeconds"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 29 * 86400}}, "28 days"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://data/out", "KmsKeyId": "k"}}, "KmsKeyId"),
        ({"OutputDataConfig": {"S3OutputPath": "https://s3.amazonaws.com/data/out"}}, "S3OutputPath"),
        ({"InputDataConfig": [channel("a", "s3://b/"), channel("a", "s3://b/")]}, "unique channel names"),
        ({"InputDataConfig": [channel("a", "s3://b/", S3DataType="AugmentedManifestFile")]}, "AugmentedManifestFile"),
        ({"InputDataConfig": [channel("a", "s3://b/", S3DataType="Converse")]}, "Converse"),
        (
            {"InputDataConfig": [channel("a", "s3://b/", S3DataType="ManifestFile", InputMode="FastFile")]},
            "S3Prefix only",
        ),
        ({"InputDataConfig": [channel("a", "s3://b/", CompressionType="Gzip")]}, "CompressionType"),
        ({"InputDataConfig": [channel("a", "s3://b/", RecordWrapperType="RecordIO")]}, "RecordWrapperType"),
        ({"InputDataConfig": [channel("a", "s3://b/", ShuffleConfig={"Seed": 1})]}, "ShuffleConfig"),
        (
            {"InputDataConfig": [{"ChannelName": "a", "DataSource": {"FileSystemDataSource": {"FileSystemId": "f"}}}]},
            "FileSystemDataSource",
        ),
        (
            {
                "InputDataConfig": [
                    {"ChannelName": "a", "DataSource": {"S3DataSource": SOURCE | {"AttributeNames": ["x"]}}}
                ]
            },
            "AttributeNames",
        ),
        ({"RemoteDebugConfig": {"EnableRemoteDebug": True}}, "EnableRemoteDebug"),
        ({"InfraCheckConfig": {"EnableInfraCheck": True}}, "EnableInfraCheck"),
        ({"SessionChainingConfig": {"EnableSessionTagChaining": True}}, "EnableSessionTagChaining"),
        (
            {"DebugHookConfig": {"S3OutputPath": "s3://b", "CollectionConfigurations": [{"CollectionName": "x"}]}},
            "DebugHookConfig",
        ),
        ({"DebugRuleConfigurations": [{"RuleConfigurationName": "r"}]}, "DebugRuleConfigurations"),
        ({"ProfilerRuleConfigurations": [{"RuleConfigurationName": "r"}]}, "ProfilerRuleConfigurations"),
        ({"ProfilerConfig": {"ProfilingParameters": {"a": "b"}}}, "ProfilingParameters"),
        ({"Tags": [{"Key": "aws:mine", "Value": "x"}]}, "aws:"),
    ],
)
async def test_what_is_not_honoured_is_refused_by_name(world, changes, named):
    assert named in await refused(world, **changes)


async def test_an_unknown_image_is_refused_with_what_is_known(world):
    image = {"TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.0"}
    message = await refused(world, AlgorithmSpecification=image | {"TrainingInputMode": "File"})
    assert "pytorch-training:2.0" in message
    assert "sagemaker-xgboost" in message


async def test_a_role_that_does_not_trust_sagemaker_is_refused(world):
    message = await refused(world, RoleArn="arn:aws:iam::000000000000:role/other")
    assert message.startswith("Could not assume role arn:aws:iam::000000000000:role/other.")


async def test_a_name_is_never_given_twice_not_even_after_a_failure(world):
    await world.trained("once", "raise SystemExit(1)")
    with pytest.raises(ServiceError) as caught:
        await world.create("once")
    assert caught.value.code == "ResourceInUse"
    assert "arn:aws:sagemaker:us-east-1:000000000000:training-job/once" in caught.value.message


async def test_an_unknown_job_is_a_validation_exception(world):
    for operation in ("DescribeTrainingJob", "StopTrainingJob"):
        with pytest.raises(ServiceError, match=r"^Requested resource not found\.$") as caught:
            await world.ask(operation, TrainingJobName="nobody")
        assert caught.value.code == "ValidationException"


async def test_stopping_a_finished_job_is_refused(world):
    await world.trained()
    with pytest.raises(ServiceError, match="rejected because the training job is in status Completed"):
        await world.ask("StopTrainingJob", TrainingJobName="job")


async def test_describe_gives_back_what_was_asked(world):
    found = await world.trained(
        EnableNetworkIsolation=False,
        DebugHookConfig={"S3OutputPath": "s3://data/out", "CollectionConfigurations": []},
        ProfilerConfig={"DisableProfiler": True},
    )
    assert found["RoleArn"] == ROLE
    assert found["ResourceConfig"] == RESOURCES
    assert found["DebugHookConfig"] == {"S3OutputPath": "s3://data/out", "CollectionConfigurations": []}
    assert found["ProfilingStatus"] == "Disabled"
    assert found["AlgorithmSpecification"]["MetricDefinitions"]
    assert found["StoppingCondition"] == {"MaxRuntimeInSeconds": 60}
    # The SDK's Estimator.attach reads members that nobody sent.
    assert found["OutputDataConfig"] == {"S3OutputPath": "s3://data/out", "KmsKeyId": "", "CompressionType": "GZIP"}
    (train,) = found["InputDataConfig"]
    assert train["CompressionType"] == train["RecordWrapperType"] == "None"


async def test_the_runtime_limit_is_a_day_when_none_is_given(world):
    found = await world.trained(StoppingCondition=None)
    assert found["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}


async def test_every_transition_has_a_message_and_all_but_a_running_one_an_end(world):
    found = await world.trained()
    statuses = [one["Status"] for one in found["SecondaryStatusTransitions"]]
    assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(
        one["StatusMessage"] and one["EndTime"] >= one["StartTime"] for one in found["SecondaryStatusTransitions"]
    )
    assert found["CreationTime"] <= found["TrainingStartTime"] <= found["TrainingEndTime"] == found["LastModifiedTime"]


class TestList:
    @pytest.fixture
    async def four(self, world):
        for name in ("churn-1", "fraud-1", "churn-2", "fraud-2"):
            await world.create(name, "raise SystemExit(1)" if name == "fraud-2" else "")
        for name in ("churn-1", "fraud-1", "churn-2", "fraud-2"):
            await world.ended(name)
        return world

    @staticmethod
    async def names(world, **request):
        answer = await world.ask("ListTrainingJobs", **request)
        return [one["TrainingJobName"] for one in answer["TrainingJobSummaries"]]

    async def test_the_default_is_oldest_first(self, four):
        assert await self.names(four) == ["churn-1", "fraud-1", "churn-2", "fraud-2"]
        assert await self.names(four, SortOrder="Descending") == ["fraud-2", "churn-2", "fraud-1", "churn-1"]

    async def test_sorting_by_name_and_status(self, four):
        assert await self.names(four, SortBy="Name") == ["churn-1", "churn-2", "fraud-1", "fraud-2"]
        assert (await self.names(four, SortBy="Status", SortOrder="Descending"))[0] == "fraud-2"

    async def test_filters(self, four):
        assert await self.names(four, NameContains="churn") == ["churn-1", "churn-2"]
        assert await self.names(four, StatusEquals="Failed") == ["fraud-2"]
        middle = (await four.ask("DescribeTrainingJob", TrainingJobName="churn-2"))["CreationTime"]
        assert await self.names(four, CreationTimeAfter=middle) == ["churn-2", "fraud-2"]
        before = middle - datetime.timedelta(microseconds=1)
        assert await self.names(four, CreationTimeBefore=before) == ["churn-1", "fraud-1"]
        assert await self.names(four, LastModifiedTimeBefore=before) == []
        assert len(await self.names(four, LastModifiedTimeAfter=before)) == 4

    async def test_pages_join_to_the_whole(self, four):
        found, token = [], None
        for _ in range(4):
            answer = await four.ask("ListTrainingJobs", MaxResults=1, **({"NextToken": token} if token else {}))
            found += [one["TrainingJobName"] for one in answer["TrainingJobSummaries"]]
            token = answer.get("NextToken")
        assert found == ["churn-1", "fraud-1", "churn-2", "fraud-2"]
        assert token is None

    async def test_another_region_has_none_of_them(self, four):
        four.region = "eu-west-1"
        assert await self.names(four) == []


class TestTags:
    ARN = "arn:aws:sagemaker:us-east-1:000000000000:training-job/job"

    async def test_tags_are_added_overwritten_listed_and_removed(self, world):
        await world.create(Tags=[{"Key": "team", "Value": "a"}])
        added = await world.ask("AddTags", ResourceArn=self.ARN, Tags=[{"Key": "team", "Value": "b"}])
        assert added == {"Tags": [{"Key": "team", "Value": "b"}]}
        await world.ask("AddTags", ResourceArn=self.ARN, Tags=[{"Key": "cost", "Value": ""}])
        await world.ask("DeleteTags", ResourceArn=self.ARN, TagKeys=["team", "absent"])
        assert await world.ask("ListTags", ResourceArn=self.ARN) == {"Tags": [{"Key": "cost", "Value": ""}]}
        await world.ended()

    async def test_a_missing_resource_has_no_tags(self, world):
        with pytest.raises(ServiceError, match="Could not find resource"):
            await world.ask("ListTags", ResourceArn=self.ARN)

    async def test_resources_of_another_region_are_not_found(self, world):
        await world.create()
        world.region = "eu-west-1"
        with pytest.raises(ServiceError, match="Could not find resource"):
            await world.ask("AddTags", ResourceArn=self.ARN, Tags=[])
        world.region = "us-east-1"
        await world.ended()

    async def test_tags_keep_to_their_pages(self, world):
        await world.create(Tags=[{"Key": f"k{i:02d}", "Value": "v"} for i in range(50)])
        one = await world.ask("ListTags", ResourceArn=self.ARN, MaxResults=30)
        two = await world.ask("ListTags", ResourceArn=self.ARN, MaxResults=30, NextToken=one["NextToken"])
        assert (len(one["Tags"]), len(two["Tags"])) == (30, 20)
        assert "NextToken" not in two
        await world.ended()


class TestNeeds:
    def needs(self, world, operation, **request):
        return world.sagemaker.needs(world.call(operation), request)

    async def test_creating_needs_the_action_the_tags_and_the_role(self, world):
        found = self.needs(
            world,
            "CreateTrainingJob",
            TrainingJobName="a",
            RoleArn=ROLE,
            Tags=[{"Key": "team", "Value": "x"}],
            ResourceConfig={"InstanceType": "ml.m5.large"},
            EnableNetworkIsolation=True,
        )
        arn = "arn:aws:sagemaker:us-east-1:000000000000:training-job/a"
        assert [(need.action, need.resource) for need in found] == [
            ("sagemaker:CreateTrainingJob", arn),
            ("sagemaker:AddTags", arn),
            ("iam:PassRole", ROLE),
        ]
        assert found[0].context["sagemaker:InstanceTypes"] == ["ml.m5.large"]
        assert found[0].context["aws:RequestTag/team"] == "x"
        assert found[0].context["aws:TagKeys"] == ["team"]
        assert found[2].context["iam:PassedToService"] == "sagemaker.amazonaws.com"
        assert found[2].resource_account == "000000000000"

    async def test_an_existing_job_brings_its_tags(self, world):
        await world.create(Tags=[{"Key": "team", "Value": "x"}])
        (need,) = self.needs(world, "StopTrainingJob", TrainingJobName="job")
        assert need.context["aws:ResourceTag/team"] == "x"
        await world.ended()

    async def test_lists_are_about_everything(self, world):
        (need,) = self.needs(world, "ListTrainingJobs")
        assert (need.action, need.resource) == ("sagemaker:ListTrainingJobs", "*")


async def test_many_jobs_at_once_all_complete(world):
    await asyncio.gather(*(world.create(f"job-{i}") for i in range(8)))
    found = await asyncio.gather(*(world.ended(f"job-{i}") for i in range(8)))
    assert {one["TrainingJobStatus"] for one in found} == {"Completed"}
