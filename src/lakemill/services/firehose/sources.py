"""Where a delivery stream's records come from, as requests and descriptions say it."""

import datetime
from typing import Any

from lakemill.engines.streams import Streams
from lakemill.services.firehose.errors import invalid, refused

DIRECT, KINESIS = "DirectPut", "KinesisStreamAsSource"


def of(request: dict[str, Any], streams: Streams) -> tuple[dict[str, Any], tuple[str, str] | None]:
    """What is kept of the source, and scope and name of the data stream, if it is one. Raises ServiceError."""
    kind = request.get("DeliveryStreamType", DIRECT)
    if kind not in (DIRECT, KINESIS):
        raise refused(f"DeliveryStreamType={kind}", "records come from producers or from a data stream")
    for member, owner in (("KinesisStreamSourceConfiguration", KINESIS), ("DirectPutSourceConfiguration", DIRECT)):
        if member in request and kind != owner:
            raise invalid(f"{member} is allowed only with DeliveryStreamType {owner}.")
    if kind == DIRECT:
        hint = request.get("DirectPutSourceConfiguration")
        return {"type": kind, "hint": hint}, None
    source = request.get("KinesisStreamSourceConfiguration")
    if source is None:
        raise invalid("KinesisStreamSourceConfiguration must be given for KinesisStreamAsSource.")
    _, _, _, region, account, path = source["KinesisStreamARN"].split(":", 5)
    scope, name = f"{account}/{region}", path.rpartition("/")[2]
    if streams.find(scope, name) is None:
        raise invalid(f"Kinesis stream {source['KinesisStreamARN']} not found.")
    return {"type": kind, "kinesis": source}, (scope, name)


def described(document: dict[str, Any]) -> dict[str, Any]:
    """The description's Source, where there is something to tell."""
    if document["type"] == KINESIS:
        began: datetime.datetime = document["created"]
        return {"Source": {"KinesisStreamSourceDescription": document["kinesis"] | {"DeliveryStartTimestamp": began}}}
    if document["hint"]:
        return {"Source": {"DirectPutSourceDescription": document["hint"]}}
    return {}
