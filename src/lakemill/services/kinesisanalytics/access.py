"""What an application's roles may do: decided as if the role itself asked."""

from typing import Any

from lakemill.engines.identity.errors import RoleRefused
from lakemill.engines.objects import BucketMissing, Objects
from lakemill.services.kinesisanalytics.errors import invalid

SERVICE = "kinesisanalytics.amazonaws.com"
SESSION = "KinesisAnalytics"


class RoleAccess:
    """enforce=False lets everything pass, for a lakemill that decides no permissions."""

    def __init__(self, identity: Any, objects: Objects, *, enforce: bool = True) -> None:
        self._identity, self._objects, self._enforce = identity, objects, enforce

    def check_trust(self, role_arn: str) -> None:
        """Raise a ServiceError unless the role exists and trusts the service."""
        if self._enforce:
            try:
                self._identity.service_session(role_arn, SERVICE, SESSION)
            except RoleRefused as reason:
                raise invalid(f"Please check the role provided or validity of resources: {reason}") from None

    def refusal(self, role_arn: str | None, region: str, action: str, resource: str) -> str | None:
        """Why the role may not do this, or None if it may."""
        if not self._enforce:
            return None
        if role_arn is None:
            return "there is no role to do it with"
        policy, owner = self._bucket(resource)
        try:
            principal = self._identity.service_session(role_arn, SERVICE, SESSION)
            context = self._identity.request_context(
                principal, region=region, source_ip="127.0.0.1", secure=True, user_agent=SERVICE
            )
            decision = self._identity.decide(
                principal, action, resource, context, resource_policy=policy, resource_account=owner
            )
        except RoleRefused as refused:
            return str(refused)
        return None if decision.allowed else f"{action}: {decision.reason}"

    def _bucket(self, resource: str) -> tuple[Any, str | None]:
        """(policy, owning account), where the resource is an object."""
        if not resource.startswith("arn:aws:s3:::"):
            return None, None
        bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        try:
            return self._objects.policy(bucket), self._objects.buckets.named(bucket).owner
        except BucketMissing:
            return None, None
