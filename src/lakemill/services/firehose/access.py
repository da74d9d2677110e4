"""What a delivery stream's role may do: decided as if the role itself asked."""

from typing import Any

from lakemill.engines.identity.errors import RoleRefused
from lakemill.engines.keys import Key
from lakemill.engines.objects import BucketMissing, Objects
from lakemill.services.firehose.errors import invalid

SERVICE = "firehose.amazonaws.com"
SESSION = "AmazonFirehose"


class RoleAccess:
    """Roles of the delivery streams. enforce=False lets everything pass, for a lakemill that decides no permissions."""

    def __init__(self, identity: Any, objects: Objects, *, enforce: bool = True) -> None:
        self._identity, self._objects, self._enforce = identity, objects, enforce

    def check_trust(self, role_arn: str) -> None:
        """Raise a ServiceError unless the role exists and trusts the service."""
        if self._enforce:
            try:
                self._identity.service_session(role_arn, SERVICE, SESSION)
            except RoleRefused:
                raise invalid(
                    f"Firehose is unable to assume role {role_arn}. Please check the role provided."
                ) from None

    def refusal(
        self,
        role_arn: str,
        region: str,
        action: str,
        resource: str,
        policy: Any = None,
        owner: str | None = None,
        *,
        strict: bool = False,
    ) -> str | None:
        """Why the role may not do this, or None if it may.

        policy, owner: the resource's own policy, and its account. strict: the policy must allow it in any case.
        """
        if not self._enforce:
            return None
        try:
            principal = self._identity.service_session(role_arn, SERVICE, SESSION)
            context = self._identity.request_context(
                principal, region=region, source_ip="127.0.0.1", secure=True, user_agent=SERVICE
            )
            decision = self._identity.decide(principal, action, resource, context, policy, owner, strict=strict)
        except RoleRefused as refused:
            return str(refused)
        return None if decision.allowed else decision.reason

    def may_write(self, role_arn: str, region: str, bucket: str, key: str) -> tuple[str, str] | None:
        """None, or code and message of the error that writing an object meets."""
        reason = self.refusal(role_arn, region, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", *self._bucket(bucket))
        return None if reason is None else ("S3.AccessDenied", f"Access was denied. {reason}")

    def may_decrypt(self, role_arn: str, key: Key) -> str | None:
        """Why the role may not open what is encrypted with a key; keys of the platform's own are open to services."""
        if key.managed_for:
            return None
        account, region = key.scope.split("/")
        arn = f"arn:aws:kms:{region}:{account}:key/{key.id}"
        policy = key.policy or None
        return self.refusal(role_arn, region, "kms:Decrypt", arn, policy, account, strict=policy is not None)

    def _bucket(self, bucket: str) -> tuple[Any, str | None]:
        """(policy, owning account)."""
        try:
            return self._objects.policy(bucket), self._objects.buckets.named(bucket).owner
        except BucketMissing:
            return None, None
