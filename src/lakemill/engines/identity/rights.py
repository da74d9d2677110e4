"""What a role may do while a service works in its name: decided as if the role itself asked."""

from typing import Any

from lakemill.engines.identity.engine import Identity
from lakemill.engines.identity.errors import RoleRefused
from lakemill.engines.identity.principal import Principal
from lakemill.engines.objects import BucketMissing, Objects

OBJECTS = "arn:aws:s3:::"


class RoleRights:
    """The roles that one service takes.

    service: its principal (`firehose.amazonaws.com`). session: the name of the sessions it takes them in.
    enforce=False lets everything pass, for a lakemill that decides no permissions.
    """

    def __init__(
        self, identity: Identity, objects: Objects, service: str, session: str, *, enforce: bool = True
    ) -> None:
        self._identity, self._objects = identity, objects
        self.service, self._session, self.enforced = service, session, enforce

    def taken(self, role_arn: str) -> Principal:
        """The role's session. Raises RoleRefused when the role is gone or does not trust the service."""
        return self._identity.service_session(role_arn, self.service, self._session)

    def refusal(
        self,
        role_arn: str,
        region: str,
        action: str,
        resource: str,
        *,
        policy: Any = None,
        owner: str | None = None,
        strict: bool = False,
        context: dict[str, Any] | None = None,
    ) -> str | None:
        """Why the role may not do this, or None if it may.

        policy, owner: the resource's own policy and its account; those of a bucket are looked up. strict: the policy
        must allow it in any case. context: condition keys beyond the global ones.
        """
        if not self.enforced:
            return None
        if resource.startswith(OBJECTS):
            policy, owner = self._bucket(resource.removeprefix(OBJECTS).partition("/")[0])
        try:
            principal = self.taken(role_arn)
            asked = self._identity.request_context(
                principal, region=region, source_ip="127.0.0.1", secure=True, user_agent=self.service
            )
            decision = self._identity.decide(
                principal, action, resource, asked | (context or {}), policy, owner, strict=strict
            )
        except RoleRefused as refused:
            return str(refused)
        return None if decision.allowed else decision.reason

    def _bucket(self, bucket: str) -> tuple[Any, str | None]:
        """(policy, owning account)."""
        try:
            return self._objects.policy(bucket), self._objects.buckets.named(bucket).owner
        except BucketMissing:
            return None, None
