"""Encryption of the records that wait for delivery."""

from collections.abc import Callable
from typing import Any

from lakemill.engines.delivery import Delivery
from lakemill.engines.keys import Key, Keys
from lakemill.engines.keys.errors import KeyDisabled, KeyMissing, KeysError, KeyStateInvalid
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, Need, ServiceError, operation
from lakemill.services.firehose.errors import invalid
from lakemill.services.keyaccess import key_need

OWNED, CUSTOMER = "AWS_OWNED_CMK", "CUSTOMER_MANAGED_CMK"
OWNED_KEY = "alias/aws/firehose"
CHANGES_MAX, CHANGES_S = 25, 24 * 3600
CODES: dict[type[Exception], str] = {
    KeyMissing: "KMS.NotFoundException",
    KeyDisabled: "KMS.DisabledException",
    KeyStateInvalid: "KMS.InvalidStateException",
}

Document = dict[str, Any]


def key_refused(error: Exception) -> ServiceError:
    """InvalidKMSResourceException, with KMS's own code."""
    code = CODES.get(type(error), "KMS.InvalidKeyUsageException")
    return ServiceError("InvalidKMSResourceException", str(error), fields={"code": code})


def wanted(request: Document) -> tuple[str, str] | None:
    """Type and key of a request's encryption, None where there is none. Raises ServiceError."""
    configuration = request.get("DeliveryStreamEncryptionConfigurationInput")
    if configuration is None:
        return None
    kind, key = configuration["KeyType"], configuration.get("KeyARN")
    if (kind == CUSTOMER) != (key is not None):
        raise invalid("KeyARN must be given with KeyType CUSTOMER_MANAGED_CMK, and only then.")
    return kind, key or OWNED_KEY


def needs(keys: Keys, request: Document) -> list[Need]:
    """A customer's own key is used in the name of whoever names it here."""
    configuration = request.get("DeliveryStreamEncryptionConfigurationInput", {})
    if "KeyARN" not in configuration:
        return []
    arn = configuration["KeyARN"]
    _, _, _, region, account, _ = arn.split(":", 5)
    try:
        key: Key | None = keys.resolve(f"{account}/{region}", arn)
    except KeyMissing:
        key = None
    if key is None:
        return [Need("kms:CreateGrant", arn, resource_account=account)]
    return [key_need(keys, key, "CreateGrant", via="firehose")]


def described(document: Document) -> Document:
    """DeliveryStreamEncryptionConfiguration."""
    kept = document.get("encryption")
    if kept is None:
        return {"Status": "DISABLED"}
    return {"Status": "ENABLED", "KeyType": kept["type"]} | ({"KeyARN": kept["arn"]} if kept["arn"] else {})


class Encryption:
    """Mixin. Needs self.delivery, self.clock, self._named."""

    delivery: Delivery
    clock: Clock
    _named: Callable[[Call, Document], Document]

    @operation("StartDeliveryStreamEncryption")
    async def start_delivery_stream_encryption(self, call: Call, request: Document) -> Document:
        self._named(call, request)
        kind, key = wanted(request) or (OWNED, OWNED_KEY)
        await self._lock(call, request, key, {"type": kind, "arn": key if kind == CUSTOMER else None})
        return {}

    @operation("StopDeliveryStreamEncryption")
    async def stop_delivery_stream_encryption(self, call: Call, request: Document) -> Document:
        self._named(call, request)
        await self._lock(call, request, None, None)
        return {}

    async def _lock(self, call: Call, request: Document, key: str | None, kept: Document | None) -> None:
        now_s = self.clock.time()

        def change(document: Document) -> None:
            if document["source"] is not None:
                raise invalid("Only a Firehose of the type DirectPut can be encrypted; encrypt its Kinesis stream.")
            recent = [moment for moment in document.get("encryption_changes", []) if moment > now_s - CHANGES_S]
            if len(recent) >= CHANGES_MAX:
                raise ServiceError(
                    "LimitExceededException", f"Encryption can be changed {CHANGES_MAX} times in 24 hours."
                )
            document["encryption_changes"] = [*recent, now_s]
            document["encryption"] = kept

        try:
            await self.delivery.lock(f"{call.account}/{call.region}", request["DeliveryStreamName"], key, change)
        except KeysError as error:
            raise key_refused(error) from None
