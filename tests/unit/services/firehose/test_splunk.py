"""Splunk's event collector: events, acknowledgements, and what each answer means."""

import json

import pytest

from lakemill.engines.delivery.web import WebClient
from lakemill.ports.clock import ManualClock
from lakemill.services.firehose.splunk import Splunk, complete


class Collector:
    """Acknowledges after some questions."""

    def __init__(self, questions=0, status=200, said=None):
        self.questions, self.status, self.said = questions, status, said or {"text": "Success", "code": 0, "ackId": 7}
        self.asked = 0

    async def answer(self, request, body):
        if request.path.endswith("/ack"):
            self.asked += 1
            return 200, {}, json.dumps({"acks": {"7": self.asked > self.questions}}).encode()
        return self.status, {}, json.dumps(self.said).encode()


def sink(server, kind="Raw"):
    clock = ManualClock()

    async def pause(seconds):
        clock.advance(seconds)

    config = complete({"HECEndpoint": server.url, "HECEndpointType": kind, "HECToken": "t0ken"})
    return Splunk(WebClient(), config, clock.time, pause)


@pytest.mark.parametrize(("kind", "path"), [("Raw", "/services/collector/raw"), ("Event", "/services/collector/event")])
async def test_events_are_sent_and_acknowledged(server, load, kind, path):
    collector = Collector(questions=3)
    server.answer = collector.answer
    outcome = await sink(server, kind).deliver(load(b"one\n", b"two\n"))
    assert (outcome.remaining, outcome.code) == ([], "")
    request, body = server.requests[0]
    assert (request.path, body) == (path, b"one\ntwo\n")
    assert request.headers["Authorization"] == "Splunk t0ken"
    acknowledging, question = server.requests[1]
    assert acknowledging.headers["X-Splunk-Request-Channel"] == request.headers["X-Splunk-Request-Channel"]
    assert json.loads(question) == {"acks": [7]}
    assert collector.asked == 4


async def test_events_that_are_never_acknowledged_are_sent_again(server, load):
    server.answer = Collector(questions=10_000).answer
    outcome = await sink(server).deliver(given := load(b"one"))
    assert (outcome.remaining, outcome.code, outcome.final) == (given.records, "Splunk.AckTimeout", False)


@pytest.mark.parametrize(
    ("status", "said", "code", "final"),
    [
        (403, {"text": "Invalid token", "code": 4}, "Splunk.InvalidToken", False),
        (400, {"text": "Invalid data format", "code": 6}, "Splunk.InvalidDataFormat", True),
        (503, {"text": "Server is busy", "code": 9}, "Splunk.ServerBusy", False),
        (500, {"text": "?"}, "Splunk.ServerError", False),
        (200, {"text": "Success", "code": 0}, "Splunk.AckDisabled", False),
    ],
)
async def test_what_is_no_success_has_a_code(server, load, status, said, code, final):
    server.answer = Collector(status=status, said=said).answer
    outcome = await sink(server).deliver(given := load(b"one"))
    assert (outcome.remaining, outcome.code, outcome.final) == (given.records, code, final)
