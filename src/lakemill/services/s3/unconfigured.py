"""Settings lakemill does not provide yet, read as AWS reads them on a bucket that has none.

What sets them is no operation of ours and refused by the gateway; only where setting can mean "nothing" (an empty
notification configuration), it is taken for that. Deleting what is not there succeeds, as it does at AWS.
"""

from collections.abc import Callable
from typing import Any

from lakemill.engines.objects import Objects
from lakemill.services.base import Call, ServiceError
from lakemill.services.s3 import errors
from lakemill.services.s3.handler import operation

Answer = Callable[[Any, Call, dict[str, Any]], dict[str, Any]]


def _absent(code: str, message: str) -> Answer:
    def handler(self: Any, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self.objects.buckets.named(request["Bucket"])
        fields = {"BucketName": request["Bucket"]} | ({"Id": request["Id"]} if "Id" in request else {})
        raise ServiceError(code, message, status=404, fields=fields)

    return handler


def _empty(answer: dict[str, Any]) -> Answer:
    def handler(self: Any, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self.objects.buckets.named(request["Bucket"])
        return dict(answer)

    return handler


def _refused(what: str, unless: Callable[[dict[str, Any]], bool]) -> Answer:
    def handler(self: Any, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self.objects.buckets.named(request["Bucket"])
        if not unless(request):
            raise errors.not_provided(what)
        return {}

    return handler


NO_CONFIGURATION = ("NoSuchConfiguration", "The specified configuration does not exist.")


class UnconfiguredOperations:
    """Mixed into the service."""

    objects: Objects

    get_lifecycle = operation("GetBucketLifecycleConfiguration")(
        _absent("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
    )
    delete_lifecycle = operation("DeleteBucketLifecycle")(_empty({}))

    # AWS answers AES256 here for every bucket; we encrypt nothing yet, and say so in the protocol's own words.
    get_encryption = operation("GetBucketEncryption")(
        _absent(
            "ServerSideEncryptionConfigurationNotFoundError",
            "The server side encryption configuration was not found",
        )
    )
    delete_encryption = operation("DeleteBucketEncryption")(_empty({}))

    get_website = operation("GetBucketWebsite")(
        _absent("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")
    )
    delete_website = operation("DeleteBucketWebsite")(_empty({}))

    get_replication = operation("GetBucketReplication")(
        _absent("ReplicationConfigurationNotFoundError", "The replication configuration was not found")
    )
    delete_replication = operation("DeleteBucketReplication")(_empty({}))

    get_notification = operation("GetBucketNotificationConfiguration")(_empty({}))
    put_notification = operation("PutBucketNotificationConfiguration")(
        _refused("event notifications", lambda request: not any(request["NotificationConfiguration"].values()))
    )

    get_logging = operation("GetBucketLogging")(_empty({}))
    put_logging = operation("PutBucketLogging")(
        _refused("access logs", lambda request: not request["BucketLoggingStatus"].get("LoggingEnabled"))
    )

    get_accelerate = operation("GetBucketAccelerateConfiguration")(_empty({}))

    get_payment = operation("GetBucketRequestPayment")(_empty({"Payer": "BucketOwner"}))
    put_payment = operation("PutBucketRequestPayment")(
        _refused("requester pays", lambda request: request["RequestPaymentConfiguration"]["Payer"] == "BucketOwner")
    )

    get_lock = operation("GetObjectLockConfiguration")(
        _absent("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
    )

    get_analytics = operation("GetBucketAnalyticsConfiguration")(_absent(*NO_CONFIGURATION))
    list_analytics = operation("ListBucketAnalyticsConfigurations")(_empty({"IsTruncated": False}))
    get_inventory = operation("GetBucketInventoryConfiguration")(_absent(*NO_CONFIGURATION))
    list_inventories = operation("ListBucketInventoryConfigurations")(_empty({"IsTruncated": False}))
    get_metrics = operation("GetBucketMetricsConfiguration")(_absent(*NO_CONFIGURATION))
    list_metrics = operation("ListBucketMetricsConfigurations")(_empty({"IsTruncated": False}))
    get_tiering = operation("GetBucketIntelligentTieringConfiguration")(_absent(*NO_CONFIGURATION))
    list_tierings = operation("ListBucketIntelligentTieringConfigurations")(_empty({"IsTruncated": False}))
