"""Bucket policies: checked when put, public or not, and what the public access block leaves of them."""

import functools
import json
from typing import Any

from lakemill.engines.identity.errors import PolicyMalformed
from lakemill.engines.identity.policy import compile_policy
from lakemill.engines.objects import BucketRecord, Objects
from lakemill.services.base import Call, ServiceError
from lakemill.services.s3 import errors
from lakemill.services.s3.handler import operation

POLICY_BYTES_MAX = 20 << 10

# Condition keys that, held to fixed values, keep a policy with Principal * from being public.
_FIXING_KEYS = {
    "aws:principalorgid",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceip",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
}
_FIXING_OPERATORS = {
    "stringequals",
    "stringlike",
    "stringequalsignorecase",
    "arnequals",
    "arnlike",
    "ipaddress",
}
_NARROW_PREFIX = 8
"""An IPv4 range wider than this counts as everybody."""


class PolicyOperations:
    """Mixed into the service."""

    objects: Objects

    @operation("PutBucketPolicy", refuses={"ConfirmRemoveSelfBucketAccess": ""})
    async def put_bucket_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        text = request["Policy"]
        document = checked(request["Bucket"], text)

        def change(bucket: BucketRecord) -> None:
            if (bucket.public_access or {}).get("BlockPublicPolicy") and is_public(document):
                raise errors.access_denied(
                    f"User: {call.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "
                    f'"arn:aws:s3:::{bucket.name}" because public policies are prevented by the BlockPublicPolicy '
                    "setting in S3 Block Public Access."
                )
            bucket.policy = text

        await self.objects.buckets.update(request["Bucket"], change)
        return {}

    @operation("GetBucketPolicy")
    def get_bucket_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"Policy": self._policy(request["Bucket"])}

    @operation("DeleteBucketPolicy")
    async def delete_bucket_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        def change(bucket: BucketRecord) -> None:
            bucket.policy = ""

        await self.objects.buckets.update(request["Bucket"], change)
        return {}

    @operation("GetBucketPolicyStatus")
    def get_bucket_policy_status(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"PolicyStatus": {"IsPublic": is_public(parsed(self._policy(request["Bucket"])))}}

    def _policy(self, name: str) -> str:
        policy = self.objects.buckets.named(name).policy
        if not policy:
            text = "The bucket policy does not exist"
            raise ServiceError("NoSuchBucketPolicy", text, status=404, fields={"BucketName": name})
        return policy


@functools.lru_cache(maxsize=1024)
def parsed(text: str) -> dict[str, Any]:
    """A stored policy's document; not to be changed."""
    return json.loads(text)


def effective(bucket: BucketRecord, *, insider: bool) -> str | None:
    """The text of the policy that counts for a caller of the bucket's own account (insider) or another.

    RestrictPublicBuckets takes a public policy's allowances from everybody outside.
    """
    if not bucket.policy:
        return None
    if not insider and (bucket.public_access or {}).get("RestrictPublicBuckets") and _public(bucket.policy):
        return _denials(bucket.policy)
    return bucket.policy


@functools.lru_cache(maxsize=1024)
def _public(text: str) -> bool:
    return is_public(parsed(text))


@functools.lru_cache(maxsize=1024)
def _denials(text: str) -> str | None:
    document = parsed(text)
    denials = [statement for statement in _listed(document["Statement"]) if statement["Effect"] == "Deny"]
    return json.dumps({**document, "Statement": denials}) if denials else None


def checked(bucket: str, text: str) -> dict[str, Any]:
    """The document, if S3 takes it as this bucket's policy. Raises MalformedPolicy, PolicyTooLarge."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        size = f"The policy must be at most {POLICY_BYTES_MAX} bytes"
        raise ServiceError("PolicyTooLarge", size, status=400)
    try:
        compile_policy(text, "resource")
    except PolicyMalformed as error:
        raise malformed(str(error)) from None
    document = json.loads(text)
    for statement in _listed(document["Statement"]):
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise malformed("Missing required field Principal")
        for action in _listed(statement.get("Action", statement.get("NotAction", []))):
            if action != "*" and not action.lower().startswith("s3:"):
                raise malformed("Policy has invalid action")
        resources = _listed(statement.get("Resource", statement.get("NotResource", [])))
        if not resources:
            raise malformed("Missing required field Resource")
        for resource in resources:
            if not _inside(resource, bucket):
                raise malformed("Policy has invalid resource")
    return document


def malformed(message: str) -> ServiceError:
    return ServiceError("MalformedPolicy", message, status=400)


def _inside(resource: str, bucket: str) -> bool:
    own = f"arn:aws:s3:::{bucket}"
    return resource == own or resource.startswith((f"{own}/", f"{own}*"))


def is_public(document: dict[str, Any]) -> bool:
    """Whether S3 calls a policy public: it allows everybody without holding them to fixed values."""
    return any(
        statement["Effect"] == "Allow" and _everybody(statement) and not _fixed(statement.get("Condition") or {})
        for statement in _listed(document["Statement"])
    )


def _everybody(statement: dict[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        return True
    principal = statement["Principal"]
    return principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS", [])))


def _fixed(conditions: dict[str, dict[str, Any]]) -> bool:
    for operator, tests in conditions.items():
        if operator.lower().split(":")[-1] not in _FIXING_OPERATORS:
            continue
        for key, values in tests.items():
            name = key.lower()
            if name in _FIXING_KEYS and all(_one_value(name, str(value)) for value in _listed(values)):
                return True
    return False


def _one_value(key: str, value: str) -> bool:
    if key == "aws:sourceip":
        address, _, width = value.partition("/")
        return not width or ":" in address or int(width) >= _NARROW_PREFIX
    if key == "aws:userid":
        return not value.startswith("*")
    return "*" not in value and "?" not in value and "${" not in value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
