"""Records in."""

from typing import Any

from lakemill.engines.delivery import Delivery, NotDirect, NotReady
from lakemill.engines.resources import ResourceMissing
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.firehose.errors import invalid, missing

RECORD_BYTES_MAX = 1_024_000
BATCH_BYTES_MAX = 4 << 20


class Puts:
    """Mixin. Needs self.delivery."""

    delivery: Delivery

    @operation("PutRecord")
    async def put_record(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        ids = await self._put(call, request["DeliveryStreamName"], [request["Record"]["Data"]])
        return {"RecordId": ids[0], "Encrypted": False}

    @operation("PutRecordBatch")
    async def put_record_batch(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        values = [record["Data"] for record in request["Records"]]
        if sum(map(len, values)) > BATCH_BYTES_MAX:
            raise invalid("Records size exceeds 4 MB limit")
        ids = await self._put(call, request["DeliveryStreamName"], values)
        return {"FailedPutCount": 0, "Encrypted": False, "RequestResponses": [{"RecordId": one} for one in ids]}

    async def _put(self, call: Call, name: str, values: list[bytes]) -> list[str]:
        try:
            return await self.delivery.put(f"{call.account}/{call.region}", name, values)
        except ResourceMissing:
            raise missing(name, call.account) from None
        except NotDirect:
            raise invalid("This operation is not permitted on KinesisStreamAsSource delivery stream type.") from None
        except NotReady as waiting:
            raise ServiceError(
                "ServiceUnavailableException", f"Firehose {name} is {waiting.status}; try again.", status=503
            ) from None
