"""Transformation: the event, the answer, and what each fault is called."""

import base64
import json

import pytest

from lakemill.engines.delivery import Record
from lakemill.engines.delivery.rows import Rows
from lakemill.engines.functions import FunctionFailed, FunctionMissing, FunctionThrottled, FunctionTimeout
from lakemill.services.firehose.processing import Lot
from lakemill.services.firehose.transformation import Transformation

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
STREAM = "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks"
SOURCE = "arn:aws:kinesis:us-east-1:000000000000:stream/s"


class Functions:
    """Answers events by a function of Python; errors first."""

    def __init__(self, answer, errors=()):
        self.answer, self.errors, self.events = answer, list(errors), []

    async def invoke(self, scope, name, payload, timeout_s):
        self.events.append(json.loads(payload))
        if self.errors:
            raise self.errors.pop(0)
        answer = self.answer(self.events[-1])
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def echo(event, **changes):
    records = [{"recordId": one["recordId"], "result": "Ok", "data": one["data"]} | changes for one in event["records"]]
    return {"records": records}


async def transform(functions, *values, **options):
    step = Transformation(functions, "000000000000/us-east-1", FUNCTION, STREAM, again_s=0, **options)
    records = [Record(data, 1000 + n, n, "shard-1", "key") for n, data in enumerate(values)]
    lots, failures = await step([Lot({}, Rows.of(records))])
    data = [record.data for lot in lots for record in lot.records]
    return data, [(one.code, one.attempts) for one in failures], lots, failures


async def test_the_function_gets_the_records_and_gives_others():
    functions = Functions(lambda event: echo(event, data=base64.b64encode(b"new").decode()))
    data, failed, _, _ = await transform(functions, b"a", b"b")
    assert (data, failed) == ([b"new", b"new"], [])
    event = functions.events[0]
    assert (event["deliveryStreamArn"], event["region"]) == (STREAM, "us-east-1")
    assert "sourceKinesisStreamArn" not in event
    first = event["records"][0]
    assert (base64.b64decode(first["data"]), first["approximateArrivalTimestamp"]) == (b"a", 1000)


async def test_records_of_a_data_stream_say_where_they_were():
    functions = Functions(echo)
    await transform(functions, b"a", source_arn=SOURCE)
    assert functions.events[0]["sourceKinesisStreamArn"] == SOURCE
    assert functions.events[0]["records"][0]["kinesisRecordMetadata"] == {
        "sequenceNumber": "0",
        "subsequenceNumber": 0,
        "partitionKey": "key",
        "shardId": "shard-1",
        "approximateArrivalTimestamp": 1000,
    }


async def test_keys_come_with_the_records():
    functions = Functions(lambda event: echo(event, metadata={"partitionKeys": {"a": "1", "b": "2"}}))
    _, _, lots, _ = await transform(functions, b"a", names=["a", "c"])
    assert [lot.keys for lot in lots] == [{"partitionKeyFromLambda:a": "1"}]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda event: echo(event, result="ProcessingFailed"), "Lambda.ProcessingFailedStatus"),
        (lambda event: echo(event, result="Fine"), "Lambda.FunctionError"),
        (lambda event: echo(event, data=None), "Lambda.FunctionError"),
        (lambda event: echo(event, data="%"), "Lambda.FunctionError"),
        (lambda event: echo(event, metadata={"partitionKeys": {"a": 1}}), "Lambda.FunctionError"),
        (lambda event: {"records": []}, "Lambda.MissingRecordId"),
        (lambda event: {"records": echo(event)["records"] * 2}, "Lambda.DuplicatedRecordId"),
        (lambda event: b"nothing", "Lambda.JsonProcessingException"),
        (lambda event: {"result": 1}, "Lambda.JsonProcessingException"),
    ],
)
async def test_an_answer_that_breaks_the_rules_fails_the_record(answer, code):
    data, failed, _, failures = await transform(Functions(answer), b"a")
    assert (data, failed) == ([], [(code, 1)])
    assert failures[0].details == {"lambdaArn": FUNCTION}


async def test_dropped_records_are_gone_without_a_fault():
    data, failed, _, _ = await transform(Functions(lambda event: echo(event, result="Dropped")), b"a")
    assert (data, failed) == ([], [])


async def test_an_invocation_that_fails_is_made_again():
    functions = Functions(echo, [FunctionFailed("E", "x"), FunctionThrottled("f")])
    data, failed, _, _ = await transform(functions, b"a")
    assert (data, failed, len(functions.events)) == ([b"a"], [], 3)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FunctionFailed("E", "x"), "Lambda.FunctionError"),
        (FunctionThrottled("f"), "Lambda.InvokeLimitExceeded"),
        (FunctionTimeout("f", 300), "Lambda.FunctionTimedOut"),
        (FunctionMissing("f"), "Lambda.ResourceNotFound"),
    ],
)
async def test_after_the_last_attempt_all_records_fail(error, code):
    functions = Functions(echo, [error] * 9)
    data, failed, _, _ = await transform(functions, b"a", b"b", retries=2)
    assert (data, failed, len(functions.events)) == ([], [(code, 3)] * 2, 3)


async def test_a_role_that_may_not_invoke_fails_all_records():
    functions = Functions(echo)
    _, failed, _, _ = await transform(functions, b"a", refusal=lambda: "not allowed")
    assert (failed, functions.events) == ([("Lambda.InvokeAccessDenied", 1)], [])


async def test_an_event_is_never_larger_than_a_function_takes():
    functions = Functions(echo)
    data, _, _, _ = await transform(functions, *[b"x" * 1_000_000] * 9)
    assert len(data) == 9
    assert len(functions.events) == 3
    assert all(len(json.dumps(event)) < 6_000_000 for event in functions.events)
