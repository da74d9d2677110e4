"""S3: buckets and objects over `engines.objects`.

API: https://docs.aws.amazon.com/AmazonS3/latest/API/. `buckets`, `policies`, `objects`, `copying`, `multipart` and
`listings` hold the handlers; `permissions` what each needs; `unconfigured` what is not provided yet;
`outside` and `postform` what browsers send beside the API.
"""

from typing import Any

from lakemill.engines.identity import Identity
from lakemill.engines.identity.errors import CredentialError
from lakemill.engines.identity.principal import Principal
from lakemill.engines.objects import Objects, ObjectsError
from lakemill.ports.clock import Clock, SystemClock
from lakemill.services.base import Call, HttpRequest, Need, Service, ServiceError
from lakemill.services.s3 import errors, outside, permissions
from lakemill.services.s3.buckets import BucketOperations
from lakemill.services.s3.copying import CopyOperations
from lakemill.services.s3.listings import ListingOperations
from lakemill.services.s3.multipart import MultipartOperations
from lakemill.services.s3.objects import ObjectOperations
from lakemill.services.s3.policies import POLICY_BYTES_MAX, PolicyOperations
from lakemill.services.s3.postform import FormUpload, trusted
from lakemill.services.s3.unconfigured import UnconfiguredOperations

__all__ = ["S3"]

XML_BYTES_MAX = 2 << 20
"""A DeleteObjects of 1000 keys of 1024 bytes each fits, and so do 10,000 parts."""


class S3(
    BucketOperations,
    PolicyOperations,
    ObjectOperations,
    CopyOperations,
    MultipartOperations,
    ListingOperations,
    UnconfiguredOperations,
    Service,
):
    """The service. auth: `on`, `soft` or `off`, as the gateway's; only `on` refuses anything here."""

    name = "s3"
    iam_prefix = "s3"

    def __init__(
        self, objects: Objects, identity: Identity, clock: Clock | None = None, *, auth: str = "on", account: str = ""
    ) -> None:
        self.objects = objects
        self._identity = identity
        self._auth = auth
        self._account = account
        self._forms = FormUpload(
            objects, clock or SystemClock(), self._secret, self.allows, account, verify=auth == "on"
        )

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return permissions.needs(self.objects, call, request)

    def body_limit(self, operation: str) -> tuple[int, ServiceError | None]:
        if operation == "PutBucketPolicy":
            return 4 * POLICY_BYTES_MAX, ServiceError("PolicyTooLarge", "The policy is too large", status=400)
        return XML_BYTES_MAX, errors.malformed_xml()

    def allows(self, call: Call, need: Need) -> str | None:
        """Why the caller may not do this, or None when it may."""
        if self._auth != "on" or call.principal.boundary_free:
            return None
        context = self._identity.request_context(
            call.principal,
            region=call.region,
            source_ip=call.http.client,
            secure=call.http.scheme == "https",
            user_agent=call.http.header("user-agent"),
            referer=call.http.header("referer"),
        )
        decision = self._identity.decide(
            call.principal,
            need.action,
            need.resource,
            {**context, **need.context},
            need.resource_policy,
            need.resource_account,
        )
        return None if decision.allowed else decision.reason or "Access Denied"

    def may_list(self, call: Call, bucket: str, key: str) -> bool:
        """Whether the caller may know that there is no such key."""
        need = permissions.list_need(self.objects, call, bucket, key)
        return need is None or self.allows(call, need) is None

    async def outside_the_model(self, http: HttpRequest, path: bytes, request_id: str) -> outside.Outside | None:
        """CORS preflights and browser forms; None for everything else."""
        if http.method == "OPTIONS":
            return outside.preflight(self.objects, http, path)
        kind = http.header("content-type") or ""
        if http.method == "POST" and kind.lower().startswith("multipart/form-data"):
            bucket, key = outside.place(path)
            if bucket and not key and not http.query_string:
                try:
                    region = self.objects.buckets.named(bucket).region
                    return await self._forms.take(http, bucket, region, request_id)
                except ObjectsError as error:
                    raise errors.of(error) from None
        return None

    def _secret(self, access_key_id: str, session_token: str | None) -> tuple[str, Principal]:
        try:
            credential = self._identity.credential(access_key_id, session_token)
        except CredentialError:
            if self._auth != "on":
                return "", trusted(self._account)
            text = "The AWS Access Key Id you provided does not exist in our records."
            raise ServiceError(
                "InvalidAccessKeyId", text, status=403, fields={"AWSAccessKeyId": access_key_id}
            ) from None
        return credential.secret, credential.principal
