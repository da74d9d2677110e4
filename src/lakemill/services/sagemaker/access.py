"""What a job's role may do with S3: the rights are looked at as if the role itself read and wrote."""

import errno
from typing import Any

from lakemill.engines.identity import RoleRefused, RoleRights
from lakemill.engines.objects import Objects
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
    """One role. enforce=False lets everything pass, for a lakemill that decides no permissions."""

    def __init__(
        self, identity: Any, objects: Objects, role_arn: str, *, enforce: bool = True, region: str = "us-east-1"
    ) -> None:
        self._rights = RoleRights(identity, objects, SERVICE, SESSION, enforce=enforce)
        self.role_arn, self._region = role_arn, region

    def refusal(self, action: str, bucket: str, key: str | None = None, context: Any = None) -> str | None:
        """Why the role may not do this, or None if it may. key None means the bucket itself."""
        resource = f"arn:aws:s3:::{bucket}" + (f"/{key}" if key is not None else "")
        return self._rights.refusal(self.role_arn, self._region, action, resource, context=context)


def check_trust(identity: Any, role_arn: str) -> None:
    """Raise a ServiceError unless the role exists and trusts SageMaker."""
    try:
        identity.service_session(role_arn, SERVICE, SESSION)
    except RoleRefused as refused:
        raise invalid(str(refused)) from None
