"""Configurations of workgroups."""

import pytest

from lakemill.services.athena.workgroups import changed, is_managed, prefix_of
from lakemill.services.base import ServiceError

PLACE = {"OutputLocation": "s3://lake/a/", "ExpectedBucketOwner": "000000000000"}


def test_changes_leave_the_rest_as_it_is():
    before = changed({}, {"ResultConfiguration": PLACE, "BytesScannedCutoffPerQuery": 10**7})
    after = changed(before, {"ResultConfigurationUpdates": {"OutputLocation": "s3://lake/b/"}})
    assert after["ResultConfiguration"] == PLACE | {"OutputLocation": "s3://lake/b/"}
    assert after["BytesScannedCutoffPerQuery"] == 10**7
    assert before["ResultConfiguration"] == PLACE


def test_what_is_removed_is_gone():
    before = changed({}, {"ResultConfiguration": PLACE, "BytesScannedCutoffPerQuery": 10**7})
    removed = {"RemoveOutputLocation": True, "RemoveExpectedBucketOwner": True}
    gone = {"ResultConfigurationUpdates": removed, "RemoveBytesScannedCutoffPerQuery": True}
    assert changed(before, gone) == {"ResultConfiguration": {}}


@pytest.mark.parametrize(
    "given",
    [
        {"PublishCloudWatchMetricsEnabled": True},
        {"ManagedQueryResultsConfiguration": {"Enabled": True, "EncryptionConfiguration": {"KmsKey": "k"}}},
        {"ResultConfiguration": PLACE, "ManagedQueryResultsConfiguration": {"Enabled": True}},
        {"EnableMinimumEncryptionConfiguration": True},
        {"ExecutionRole": "arn:aws:iam::000000000000:role/spark"},
        {"ResultConfiguration": {"AclConfiguration": {"S3AclOption": "BUCKET_OWNER_FULL_CONTROL"}}},
        {"ResultConfigurationUpdates": {"EncryptionConfiguration": {"EncryptionOption": "SSE_KMS"}}},
        {"EngineVersion": {"SelectedEngineVersion": "PySpark engine version 3"}},
    ],
)
def test_what_is_not_honoured_is_refused_by_its_name(given):
    with pytest.raises(ServiceError) as caught:
        changed({}, given)
    assert any(name in caught.value.message for name in (*given, *(n for one in given.values() for n in _names(one))))


def test_results_may_be_managed_and_no_more():
    managed = changed({}, {"ManagedQueryResultsConfiguration": {"Enabled": True}})
    assert is_managed(managed)
    assert not is_managed(changed(managed, {"ManagedQueryResultsConfigurationUpdates": {"Enabled": False}}))


def _names(value):
    return value if isinstance(value, dict) else ()


def test_what_is_switched_off_anyway_may_be_said():
    given = {"PublishCloudWatchMetricsEnabled": False, "ManagedQueryResultsConfiguration": {"Enabled": False}}
    assert changed({}, given) == {"ManagedQueryResultsConfiguration": {"Enabled": False}}


@pytest.mark.parametrize(("location", "prefix"), [("s3://lake", "s3://lake/"), ("s3://lake/a/", "s3://lake/a/")])
def test_a_location_ends_in_a_slash(location, prefix):
    assert prefix_of(location) == prefix


@pytest.mark.parametrize("location", ["lake/a", "s3:/lake", "s3a://lake/", "s3://", "s3://UPPER/x", ""])
def test_what_is_no_location_is_refused(location):
    with pytest.raises(ServiceError, match="outputLocation is not a valid S3 path"):
        prefix_of(location)
