"""Faults of delivery, written to CloudWatch Logs where the stream's configuration asks for it."""

import json
from typing import Any

from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import Clock


class FaultLog:
    """Writes the faults of one stream. places: channel -> (options, what the channel delivers to)."""

    def __init__(
        self,
        loglines: LogLines,
        clock: Clock,
        scope: str,
        arn: str,
        version: int,
        places: dict[str, tuple[dict[str, Any], str]],
        refusal: Any,
    ) -> None:
        self._loglines, self._clock, self._scope = loglines, clock, scope
        self._arn, self._version, self._places, self._refusal = arn, version, places, refusal

    async def say(self, channel: str, code: str, message: str) -> None:
        """One fault; nothing happens where none are to be written, or the role may not write them."""
        options, destination = self._places.get(channel, ({}, ""))
        if not options.get("Enabled"):
            return
        group, stream = options["LogGroupName"], options["LogStreamName"]
        account, region = self._scope.split("/")
        resource = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"
        if self._refusal("logs:PutLogEvents", resource) is not None:
            return
        line = {
            "deliveryStreamARN": self._arn,
            "destination": destination,
            "deliveryStreamVersionId": self._version,
            "message": message,
            "errorCode": code,
        }
        await self._loglines.put(self._scope, group, stream, [(int(self._clock.time() * 1000), json.dumps(line))])
