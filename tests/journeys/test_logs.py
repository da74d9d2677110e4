"""CloudWatch Logs through boto3."""

import time

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def logs(lakemill):
    return lakemill.client("logs")


@pytest.fixture
def group(logs, request):
    name = f"/test/{request.node.name}"
    logs.create_log_group(logGroupName=name, tags={"team": "a"})
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    return name


def put(logs, group, *messages, stream="one"):
    now = int(time.time() * 1000)
    events = [{"timestamp": now + i, "message": message} for i, message in enumerate(messages)]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_what_was_put_is_read_until_the_token_repeats(logs, group):
    put(logs, group, "a", "b", "c")
    first = logs.get_log_events(logGroupName=group, logStreamName="one", startFromHead=True, limit=2)
    assert [event["message"] for event in first["events"]] == ["a", "b"]
    following = {"logGroupName": group, "logStreamName": "one", "startFromHead": True}
    second = logs.get_log_events(nextToken=first["nextForwardToken"], **following)
    assert [event["message"] for event in second["events"]] == ["c"]
    third = logs.get_log_events(nextToken=second["nextForwardToken"], **following)
    assert third["events"] == []
    assert third["nextForwardToken"] == second["nextForwardToken"]


def test_the_newest_page_comes_first_without_start_from_head(logs, group):
    put(logs, group, *"abcde")
    page = logs.get_log_events(logGroupName=group, logStreamName="one", limit=2)
    assert [event["message"] for event in page["events"]] == ["d", "e"]
    earlier = logs.get_log_events(logGroupName=group, logStreamName="one", limit=2, nextToken=page["nextBackwardToken"])
    assert [event["message"] for event in earlier["events"]] == ["b", "c"]


def test_filter_log_events_finds_pages_and_ids(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="two")
    put(logs, group, "ERROR 1", "fine", "ERROR 2")
    put(logs, group, "ERROR 3", stream="two")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern="ERROR", PaginationConfig={"PageSize": 2}
    )
    events = [event for page in pages for event in page["events"]]
    assert sorted(event["message"] for event in events) == ["ERROR 1", "ERROR 2", "ERROR 3"]
    assert len({event["eventId"] for event in events}) == 3


def test_no_token_comes_with_the_last_page_of_streams(logs, group):
    answer = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="one", limit=1)
    assert "nextToken" not in answer
    assert [stream["logStreamName"] for stream in answer["logStreams"]] == ["one"]
    assert "lastEventTimestamp" not in answer["logStreams"][0]


def test_events_out_of_order_are_refused(logs, group):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": "b"}, {"timestamp": now - 5, "message": "a"}]
    with pytest.raises(ClientError, match="chronological") as caught:
        logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


def test_events_too_old_are_reported_and_dropped(logs, group):
    now = int(time.time() * 1000)
    old = now - 20 * 24 * 3600 * 1000
    answer = logs.put_log_events(
        logGroupName=group, logStreamName="one", logEvents=[{"timestamp": old, "message": "old"}]
    )
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert logs.get_log_events(logGroupName=group, logStreamName="one")["events"] == []


def test_missing_and_existing_groups_have_aws_codes(logs, group):
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.describe_log_streams(logGroupName="/no/such")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_events(logGroupName=group, logStreamName="missing")


def test_retention_and_tags_are_kept(logs, group):
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    described = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
    assert described["retentionInDays"] == 7
    assert logs.list_tags_for_resource(resourceArn=described["logGroupArn"])["tags"] == {"team": "a"}
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_retention_policy(logGroupName=group, retentionInDays=8)
