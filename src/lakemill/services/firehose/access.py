"""What a delivery stream's role may do."""

from typing import Any

from lakemill.engines.identity import RoleRefused, RoleRights
from lakemill.engines.keys import Key
from lakemill.engines.objects import Objects
from lakemill.services.firehose.errors import invalid

SERVICE = "firehose.amazonaws.com"
SESSION = "AmazonFirehose"


class RoleAccess(RoleRights):
    """Roles of the delivery streams."""

    def __init__(self, identity: Any, objects: Objects, *, enforce: bool = True) -> None:
        super().__init__(identity, objects, SERVICE, SESSION, enforce=enforce)

    def check_trust(self, role_arn: str) -> None:
        """Raise a ServiceError unless the role exists and trusts the service."""
        if self.enforced:
            try:
                self.taken(role_arn)
            except RoleRefused:
                raise invalid(
                    f"Firehose is unable to assume role {role_arn}. Please check the role provided."
                ) from None

    def may_write(self, role_arn: str, region: str, bucket: str, key: str) -> tuple[str, str] | None:
        """None, or code and message of the error that writing an object meets."""
        reason = self.refusal(role_arn, region, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
        return None if reason is None else ("S3.AccessDenied", f"Access was denied. {reason}")

    def may_decrypt(self, role_arn: str, key: Key) -> str | None:
        """Why the role may not open what is encrypted with a key; keys of the platform's own are open to services."""
        if key.managed_for:
            return None
        account, region = key.scope.split("/")
        arn = f"arn:aws:kms:{region}:{account}:key/{key.id}"
        policy = key.policy or None
        return self.refusal(
            role_arn, region, "kms:Decrypt", arn, policy=policy, owner=account, strict=policy is not None
        )
