"""What a job's role may do with S3: the rights are looked at as if the role itself read and wrote."""

import errno
import functools
from typing import Any

from lakemill.engines.identity.errors import RoleRefused
from lakemill.engines.identity.principal import Principal
from lakemill.engines.objects import BucketMissing, Objects
from lakemill.services.sagemaker.errors import invalid

SERVICE = "sagemaker.amazonaws.com"
SESSION = "SageMaker"


DISK_FULL = "CapacityError: The disk that holds the data is full. Delete objects, or give it more room."
"""FailureReason of a job that found no room."""


def disk_is_full(error: Exception) -> bool:
    """Whether that is what an error says."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


class ClientFailure(Exception):
    """The user can mend it: the job fails with `ClientError: <text>`."""


class RoleAccess:
    """A role's session. enforce=False lets everything pass, for a lakemill that decides no permissions."""

    def __init__(
        self, identity: Any, objects: Objects, role_arn: str, *, enforce: bool = True, region: str = "us-east-1"
    ) -> None:
        self._identity, self._objects, self._enforce = identity, objects, enforce
        self.role_arn, self._region = role_arn, region
        self._policies: dict[str, tuple[Any, str | None]] = {}

    @functools.cached_property
    def principal(self) -> Principal:
        """Raises RoleRefused when the role is gone or does not trust SageMaker."""
        return self._identity.service_session(self.role_arn, SERVICE, SESSION)

    @functools.cached_property
    def _context(self) -> dict[str, Any]:
        """The global condition keys of what the service asks S3 in the role's name, encrypted as on AWS."""
        return self._identity.request_context(
            self.principal, region=self._region, source_ip="127.0.0.1", secure=True, user_agent=SERVICE
        )

    def refusal(self, action: str, bucket: str, key: str | None = None, context: Any = None) -> str | None:
        """Why the role may not do this, or None if it may. key None means the bucket itself."""
        if not self._enforce:
            return None
        resource = f"arn:aws:s3:::{bucket}" + (f"/{key}" if key is not None else "")
        policy, owner = self._bucket(bucket)
        try:
            asked = self._context | (context or {})
            decision = self._identity.decide(
                self.principal, action, resource, asked, resource_policy=policy, resource_account=owner
            )
        except RoleRefused as refused:
            return str(refused)
        return None if decision.allowed else decision.reason

    def _bucket(self, bucket: str) -> tuple[Any, str | None]:
        """(policy, owning account), looked up once."""
        if bucket not in self._policies:
            try:
                self._policies[bucket] = self._objects.policy(bucket), self._objects.buckets.named(bucket).owner
            except BucketMissing:
                self._policies[bucket] = None, None
        return self._policies[bucket]


def check_trust(identity: Any, role_arn: str) -> None:
    """Raise a ServiceError unless the role exists and trusts SageMaker."""
    try:
        identity.service_session(role_arn, SERVICE, SESSION)
    except RoleRefused as refused:
        raise invalid(str(refused)) from None
