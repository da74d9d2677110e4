"""Keys the platform makes for its services when they are first asked for: `alias/aws/kinesis` and the like.

They need no writing before they can be used: id and material are derived from the master key, the scope and the name
of the service. So `resolve` can give one at once, and what was encrypted with it can be opened even if the platform
died before the key was listed.
"""

import hashlib
import uuid

from lakemill.engines.keys.key import Key, Version
from lakemill.engines.keys.master import MasterKey

PREFIX = "alias/aws/"
SERVICES = (
    *("athena", "cloudwatch", "dynamodb", "ebs", "elasticmapreduce", "firehose", "glue", "kinesis", "kinesisanalytics"),
    *("kinesisvideo", "lambda", "logs", "redshift", "s3", "sagemaker", "secretsmanager", "sns", "sqs", "ssm"),
)


class ManagedKeys:
    """Derives them."""

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._namespace = uuid.UUID(bytes=master.derived("managed keys", 16))

    def named(self, scope: str, alias: str, now_s: float) -> Key | None:
        """The key of `alias/aws/<service>`; None if there is no such service."""
        service = alias.removeprefix(PREFIX)
        if not alias.startswith(PREFIX) or service not in SERVICES:
            return None
        key_id = str(uuid.uuid5(self._namespace, f"{scope}/{service}"))
        version = Version(1, hashlib.sha256(key_id.encode()).hexdigest(), now_s, b"")
        text = f"Default key that protects my {service} data when no other key is defined"
        return Key(
            scope,
            key_id,
            description=text,
            created_s=now_s,
            rotated_s=now_s,
            managed_for=service,
            versions=(version,),
        )

    def with_id(self, scope: str, key_id: str, now_s: float) -> Key | None:
        """The same by its id."""
        keys = (self.named(scope, PREFIX + service, now_s) for service in SERVICES)
        return next((key for key in keys if key is not None and key.id == key_id), None)

    def material(self, key: Key, version: Version) -> bytes:
        """The secret of one."""
        return self._master.derived(f"managed key {key.scope}/{key.managed_for} {version.number}")
