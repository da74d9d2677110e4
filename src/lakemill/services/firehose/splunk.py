"""Splunk's HTTP event collector: what the configuration must say, and the protocol with acknowledgements.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/create-destination.html,
https://docs.splunk.com/Documentation/Splunk/latest/Data/AboutHECIDXAck
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from lakemill.engines.delivery import Hints, Load, Outcome, Record
from lakemill.engines.delivery.web import Answer, TooLate, Unreachable, WebClient
from lakemill.services.firehose import s3
from lakemill.services.firehose.errors import invalid, refused

Config = dict[str, Any]
FAILED = "splunk-failed"
ALL = "AllEvents"
TIMEOUT_S = 180.0
POLL_S, POLL_S_MAX = 1.0, 10.0
CODES = {4: "Splunk.InvalidToken", 1: "Splunk.DisabledToken", 6: "Splunk.InvalidDataFormat"}
"""What Splunk's own codes are called."""
CODES |= {7: "Splunk.InvalidIndex", 12: "Splunk.InvalidEvent", 13: "Splunk.InvalidEvent", 9: "Splunk.ServerBusy"}


def complete(config: Config) -> Config:
    """The configuration with its defaults. Raises ServiceError."""
    whole: Config = {
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 60},
        "HECAcknowledgmentTimeoutInSeconds": 180,
        "RetryOptions": {"DurationInSeconds": 300},
        "S3BackupMode": "FailedEventsOnly",
    } | config
    if whole.get("SecretsManagerConfiguration", {}).get("Enabled"):
        raise refused("SecretsManagerConfiguration", "there is no Secrets Manager; give HECToken")
    if not whole.get("HECToken"):
        raise invalid("HECToken must be given.")
    parts = urlsplit(whole["HECEndpoint"])
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(f"HECEndpoint is no address of a server: {whole['HECEndpoint']}.")
    return whole


def hints(config: Config) -> Hints:
    """When events are sent."""
    return s3.hints_of(config, (5, 60))


class Splunk:
    """The sink. clock: seconds; pause: sleeps between looks for an acknowledgement."""

    error = FAILED

    def __init__(
        self,
        web: WebClient,
        config: Config,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._web, self._clock, self._pause = web, clock, pause
        parts = urlsplit(config["HECEndpoint"])
        self._base = f"{parts.scheme}://{parts.netloc}/services/collector"
        self._raw = config["HECEndpointType"] == "Raw"
        self._token, self._ack_s = config["HECToken"], config["HECAcknowledgmentTimeoutInSeconds"]
        self._channel = str(uuid.uuid4())
        self.retry_s = float(config["RetryOptions"].get("DurationInSeconds", 300))

    async def deliver(self, load: Load) -> Outcome:
        """Send events and wait until Splunk has indexed them."""
        body = b"".join([record.data for record in load.records])
        try:
            answer = await self._post("raw" if self._raw else "event", body)
            said = _said(answer)
            if answer.status != 200:
                return _failed(load, answer, said)
            if not isinstance(said.get("ackId"), int):
                message = "Splunk took the events, but acknowledges none: enable acknowledgement for the token"
                return Outcome(remaining=load.records, code="Splunk.AckDisabled", message=message)
            if await self._acknowledged(said["ackId"]):
                return Outcome()
        except TooLate as late:
            return Outcome(remaining=load.records, code="Splunk.ConnectionTimeout", message=str(late))
        except Unreachable as gone:
            return Outcome(remaining=load.records, code="Splunk.ConnectionFailed", message=str(gone))
        message = f"Splunk did not acknowledge the events within {self._ack_s} seconds"
        return Outcome(remaining=load.records, code="Splunk.AckTimeout", message=message)

    async def _acknowledged(self, number: int) -> bool:
        """Ask until it is so, or time is over. Raises Unreachable."""
        until_s, pause_s = self._clock() + self._ack_s, POLL_S
        question = msgspec.json.encode({"acks": [number]})
        while True:
            said = _said(await self._post("ack", question))
            acks = said.get("acks")
            if isinstance(acks, dict) and acks.get(str(number)) is True:
                return True
            if self._clock() + pause_s > until_s:
                return False
            await self._pause(pause_s)
            pause_s = min(2 * pause_s, POLL_S_MAX)

    async def _post(self, what: str, body: bytes) -> Answer:
        headers = {"Authorization": f"Splunk {self._token}", "X-Splunk-Request-Channel": self._channel}
        return await self._web.post(f"{self._base}/{what}", headers, body, timeout_s=TIMEOUT_S)


def _said(answer: Answer) -> Config:
    try:
        said = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _failed(load: Load, answer: Answer, said: Config) -> Outcome:
    """An answer that is none of success. Events that are malformed stay so."""
    code = CODES.get(said.get("code", -1), "Splunk.ServerError")
    message = f"Splunk answered {answer.status}: {said.get('text', '')}"
    final = answer.status == 400 and code != "Splunk.ServerError"
    return Outcome(remaining=load.records, code=code, message=message, final=final)


def details(record: Record) -> Config:
    """What is written down of a record that failed, beside what all have."""
    return {"EventId": f"{record.sequence}.{record.sub}"}
