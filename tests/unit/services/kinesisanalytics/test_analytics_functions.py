"""What Lambda functions are asked by an application, and what becomes of their answers."""

import base64
import json

import pytest

from lakemill.engines.analytics import Unreachable
from lakemill.engines.functions.errors import FunctionThrottled
from lakemill.services.kinesisanalytics import functions
from lakemill.services.kinesisanalytics.functions import FunctionOutput, Invoker, Preprocessor

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
APPLICATION = "arn:aws:kinesisanalytics:us-east-1:000000000000:application/a"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"


class Functions:
    """Answers with `answer(event)`; keeps the events."""

    def __init__(self, answer):
        self.answer, self.events = answer, []

    async def invoke(self, scope, name, payload, timeout_s=None):
        assert (scope, name) == ("000000000000/us-east-1", ARN)
        self.events.append(json.loads(payload))
        answer = self.answer(self.events[-1])
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(functions, "PAUSE_S", 0)


def invoker(answer, refusal=None):
    made = Functions(answer)
    return made, Invoker(made, ARN, lambda: refusal)


def answering(**by_data):
    """A function that answers by a record's text; the default is what came in, in upper case."""

    def answer(event):
        records = []
        for record in event["records"]:
            text = base64.b64decode(record["data"]).decode()
            usual = {"result": "Ok", "data": base64.b64encode(text.upper().encode()).decode()}
            records.append({"recordId": record["recordId"]} | by_data.get(text, usual))
        return {"records": records}

    return answer


def raw(text):
    return [text.encode(), 1_700_000_000_000, "key", "4957", "shardId-000000000003"]


async def test_records_come_back_changed_dropped_or_as_faults():
    asked, one = invoker(
        answering(drop={"result": "Dropped"}, fail={"result": "ProcessingFailed"}, bad={"result": "Ok", "data": "*"})
    )
    found = await Preprocessor(one, APPLICATION, STREAM, "stream")([raw(text) for text in ("a", "drop", "fail", "bad")])
    assert found[0] == [b"A", *raw("a")[1:]]
    assert [record[:5] for record in found[1:]] == [raw("fail"), raw("bad")]
    assert [record[5] for record in found[1:]] == [
        "The function's answer for the record was: ProcessingFailed",
        "The function's answer for the record was: its data is not base64",
    ]
    event = asked.events[0]
    assert (event["applicationArn"], event["streamArn"]) == (APPLICATION, STREAM)
    assert event["records"][0]["kinesisStreamRecordMetadata"] == {
        "sequenceNumber": "4957", "partitionKey": "key", "shardId": "shardId-000000000003",
        "approximateArrivalTimestamp": 1_700_000_000_000,
    }  # fmt: skip


async def test_records_of_delivery_streams_have_their_own_form():
    asked, one = invoker(answering())
    await Preprocessor(one, APPLICATION, STREAM, "delivery")([raw("a")])
    (record,) = asked.events[0]["records"]
    assert record["kinesisFirehoseRecordMetadata"] == {"approximateArrivalTimestamp": 1_700_000_000_000}


async def test_records_that_the_answer_leaves_out_are_faults():
    _, one = invoker(lambda event: {"records": []})
    (found,) = await Preprocessor(one, APPLICATION, STREAM, "stream")([raw("a")])
    assert found[5] == "The function's answer for the record was: None"


async def test_many_bytes_go_in_several_invocations():
    asked, one = invoker(answering())
    records = [raw("x" * 1_000_000) for _ in range(7)]
    assert len(await Preprocessor(one, APPLICATION, STREAM, "stream")(records)) == 7
    assert [len(event["records"]) for event in asked.events] == [3, 3, 1]


def raises(event):
    raise FunctionThrottled("f")


@pytest.mark.parametrize(
    "answer", [raises, lambda e: b"no json", lambda e: {"rows": []}, lambda e: [], lambda e: {"records": [1]}]
)
async def test_a_function_that_fails_three_times_is_unreachable(answer):
    asked, one = invoker(answer)
    with pytest.raises(Unreachable, match=ARN):
        await Preprocessor(one, APPLICATION, STREAM, "stream")([raw("a")])
    assert len(asked.events) == 3


async def test_a_function_that_may_not_be_invoked_is_not():
    asked, one = invoker(answering(), "lambda:InvokeFunction: no policy allows it")
    with pytest.raises(Unreachable, match="no policy allows it"):
        await FunctionOutput(one, APPLICATION)([b"a"])
    assert asked.events == []


async def test_rows_that_were_not_delivered_are_sent_again_with_a_hint():
    asked, one = invoker(answering(b={"result": "DeliveryFailed"}))
    output = FunctionOutput(one, APPLICATION)
    assert await output([b"a", b"b"]) == [b"b"]
    assert await output([b"b"]) == [b"b"]
    assert await output([b"c"]) == []
    hints = [event["records"][0]["lambdaDeliveryRecordMetadata"]["retryHint"] for event in asked.events]
    assert hints == [0, 1, 2]
