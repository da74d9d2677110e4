"""Records in."""

from typing import Any

from lakemill.engines.delivery import Delivery, NotDirect, NotReady
from lakemill.engines.keys import KeysError
from lakemill.engines.resources import ResourceMissing
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.firehose.encryption import key_refused
from lakemill.services.firehose.errors import invalid, missing

BATCH_BYTES_MAX = 4 << 20


class Puts:
    """Mixin. Needs self.delivery."""

    delivery: Delivery

    @operation("PutRecord")
    async def put_record(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        ids, encrypted = await self._put(call, request["DeliveryStreamName"], [request["Record"]["Data"]])
        return {"RecordId": ids[0], "Encrypted": encrypted}

    @operation("PutRecordBatch")
    async def put_record_batch(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        values = [record["Data"] for record in request["Records"]]
        if sum(map(len, values)) > BATCH_BYTES_MAX:
            raise invalid("Records size exceeds 4 MB limit")
        ids, encrypted = await self._put(call, request["DeliveryStreamName"], values)
        return {"FailedPutCount": 0, "Encrypted": encrypted, "RequestResponses": [{"RecordId": one} for one in ids]}

    async def _put(self, call: Call, name: str, values: list[bytes]) -> tuple[list[str], bool]:
        scope = f"{call.account}/{call.region}"
        try:
            encrypted = self.delivery.get(scope, name)["key"] is not None
            return await self.delivery.put(scope, name, values), encrypted
        except KeysError as error:
            raise key_refused(error) from None
        except ResourceMissing:
            raise missing(name, call.account) from None
        except NotDirect:
            raise invalid("This operation is not permitted on KinesisStreamAsSource delivery stream type.") from None
        except NotReady as waiting:
            raise ServiceError(
                "ServiceUnavailableException", f"Firehose {name} is {waiting.status}; try again.", status=503
            ) from None
