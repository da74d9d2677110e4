"""What a delivery stream's role may do."""

from typing import Any

from lakemill.engines.identity import RoleRefused, RoleRights
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

    def keys(self, role_arn: str) -> tuple[str, str, str | None]:
        """Access key id, secret and token of a session of the role; those of the root where nothing is enforced and
        there is no such role. Blocks. Raises RoleRefused."""
        try:
            session = self._identity.service_credentials(role_arn, self.service, self._session)
        except RoleRefused:
            if self.enforced:
                raise
            root = self._identity.root_key()
            return root.access_key_id, root.secret, None
        return session.access_key_id, session.secret, session.session_token

    def may_write(self, role_arn: str, region: str, bucket: str, key: str) -> tuple[str, str] | None:
        """None, or code and message of the error that writing an object meets."""
        reason = self.refusal(role_arn, region, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
        return None if reason is None else ("S3.AccessDenied", f"Access was denied. {reason}")
