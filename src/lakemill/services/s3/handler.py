"""The decorator of S3's handlers: checks that every operation makes, and errors in S3's words."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lakemill.engines.objects import BucketMissing, ObjectMissing, ObjectsError
from lakemill.services import base
from lakemill.services.base import Call
from lakemill.services.s3 import cors, errors

ENCRYPTION = {
    "ServerSideEncryption": "objects are not encrypted at rest yet",
    "SSEKMSKeyId": "encryption with KMS keys is not provided yet",
    "SSEKMSEncryptionContext": "encryption with KMS keys is not provided yet",
    "BucketKeyEnabled": "encryption with KMS keys is not provided yet",
    "SSECustomerAlgorithm": "encryption with customer keys is not provided yet",
    "SSECustomerKey": "encryption with customer keys is not provided yet",
    "SSECustomerKeyMD5": "encryption with customer keys is not provided yet",
}
CUSTOMER_KEY = {name: reason for name, reason in ENCRYPTION.items() if name.startswith("SSECustomer")}
SOURCE_CUSTOMER_KEY = {f"CopySource{name}": reason for name, reason in CUSTOMER_KEY.items()}
LOCK = dict.fromkeys(
    (
        "ObjectLockMode",
        "ObjectLockRetainUntilDate",
        "ObjectLockLegalHoldStatus",
        "ObjectLockEventHold",
        "ObjectLockEventHoldDurationDays",
        "ObjectLockEventHoldDurationYears",
    ),
    "Object Lock is not provided yet",
)
BYPASS = {"BypassGovernanceRetention": "Object Lock is not provided yet"}
_NO_ACLS = "ACLs are disabled: every bucket's owner owns its objects (BucketOwnerEnforced)"
GRANTS = dict.fromkeys(("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP"), _NO_ACLS)
ALL_GRANTS = GRANTS | {"GrantWrite": _NO_ACLS}
WRITE = ENCRYPTION | LOCK | GRANTS
"""What no write of an object may ask for yet."""

WITHOUT_EFFECT = {
    "RequestPayer": "no bucket makes its requesters pay, and on such buckets AWS too takes it and does nothing",
    "OptionalObjectAttributes": "asks listings for RestoreStatus, which only archived objects have",
    "SkipDestinationValidation": "only the empty notification configuration is taken, which has no destinations",
}
"""Members that are rightly taken and change nothing."""


def operation(name: str, *, refuses: Mapping[str, str] | Iterable[str] = ()) -> Callable[[Any], Any]:
    """`base.operation` for S3."""

    def mark(handler: Any) -> Any:
        @functools.wraps(handler)
        async def run(self: Any, call: Call, request: dict[str, Any]) -> Any:
            try:
                _check_owner(self, request)
                if "Bucket" in request and (origin := call.http.header("origin")):
                    cors.answer(self.objects, call, request["Bucket"], origin)
                answer = handler(self, call, request)
                return await answer if inspect.isawaitable(answer) else answer
            except ObjectMissing as error:
                if not self.may_list(call, error.bucket, error.key):
                    raise errors.access_denied() from None
                raise errors.of(error) from None
            except ObjectsError as error:
                raise errors.of(error) from None

        return base.operation(name, refuses=refuses)(run)

    return mark


def _check_owner(service: Any, request: dict[str, Any]) -> None:
    """x-amz-expected-bucket-owner must be the bucket's owner."""
    for member, bucket in (("ExpectedBucketOwner", "Bucket"),):
        expected = request.get(member)
        if expected and bucket in request:
            try:
                owner = service.objects.buckets.named(request[bucket]).owner
            except BucketMissing as error:
                raise errors.of(error) from None
            if owner != expected:
                raise errors.access_denied()
