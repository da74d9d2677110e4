"""What a caller must be allowed: IAM action, resource and condition keys of every operation.

Actions are named after what they allow, not after the operation: HEAD and GET are both s3:GetObject, all of an upload
in parts is s3:PutObject, and acting on one version has an action of its own.
"""

from collections.abc import Callable
from typing import Any

from lakemill.engines.objects import BucketMissing, BucketRecord, Objects, ObjectsError
from lakemill.services.base import Call, Need
from lakemill.services.s3.attributes import header_tags
from lakemill.services.s3.names import copy_source
from lakemill.services.s3.policies import effective

# Operations on a bucket whose action is not named like them.
BUCKET_ACTIONS = {
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketMetricsConfiguration": "GetMetricsConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "ListBucketAnalyticsConfigurations": "GetAnalyticsConfiguration",
    "ListBucketIntelligentTieringConfigurations": "GetIntelligentTieringConfiguration",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "ListBucketMetricsConfigurations": "GetMetricsConfiguration",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketMetricsConfiguration": "PutMetricsConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}

# Operations on an object: their action, and the one when they name a version.
OBJECT_ACTIONS = {
    "AbortMultipartUpload": ("AbortMultipartUpload", None),
    "CompleteMultipartUpload": ("PutObject", None),
    "CopyObject": ("PutObject", None),
    "CreateMultipartUpload": ("PutObject", None),
    "DeleteObject": ("DeleteObject", "DeleteObjectVersion"),
    "DeleteObjectTagging": ("DeleteObjectTagging", "DeleteObjectVersionTagging"),
    "GetObject": ("GetObject", "GetObjectVersion"),
    "GetObjectAcl": ("GetObjectAcl", "GetObjectVersionAcl"),
    "GetObjectAttributes": ("GetObjectAttributes", "GetObjectVersionAttributes"),
    "GetObjectLegalHold": ("GetObjectLegalHold", None),
    "GetObjectRetention": ("GetObjectRetention", None),
    "GetObjectTagging": ("GetObjectTagging", "GetObjectVersionTagging"),
    "HeadObject": ("GetObject", "GetObjectVersion"),
    "ListParts": ("ListMultipartUploadParts", None),
    "PutObject": ("PutObject", None),
    "PutObjectAcl": ("PutObjectAcl", "PutObjectVersionAcl"),
    "PutObjectLegalHold": ("PutObjectLegalHold", None),
    "PutObjectRetention": ("PutObjectRetention", None),
    "PutObjectTagging": ("PutObjectTagging", "PutObjectVersionTagging"),
    "RestoreObject": ("RestoreObject", None),
    "UploadPart": ("PutObject", None),
    "UploadPartCopy": ("PutObject", None),
}

# Request members that are condition keys as they are.
CONDITIONS = {
    "ACL": "s3:x-amz-acl",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "StorageClass": "s3:x-amz-storage-class",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "CopySource": "s3:x-amz-copy-source",
    "WebsiteRedirectLocation": "s3:x-amz-website-redirect-location",
    "VersionId": "s3:VersionId",
    "Prefix": "s3:prefix",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
    "ObjectOwnership": "s3:x-amz-object-ownership",
}
READS_TAGS = {"GetObject", "HeadObject", "GetObjectTagging", "GetObjectAcl", "GetObjectAttributes", "DeleteObject",
              "PutObjectTagging", "DeleteObjectTagging", "PutObjectAcl", "RestoreObject"}  # fmt: skip
POLICY_OPERATIONS = {"GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"}


def needs(objects: Objects, call: Call, request: dict[str, Any]) -> list[Need]:
    """Everything the caller must be allowed."""
    if "Bucket" not in request:
        return [Need("s3:ListAllMyBuckets", "*")]
    name, operation = request["Bucket"], call.operation
    bucket = _bucket(objects, name)
    if operation == "DeleteObjects":
        return []  # Each key is decided on its own, and refused in the answer.
    if operation in OBJECT_ACTIONS:
        return _object_needs(objects, call, request, bucket)
    context = _context(request)
    if operation in POLICY_OPERATIONS and bucket and _is_owner_root(call, bucket):
        # The owner's root can always mend a policy that locks everybody out.
        return [Need(f"s3:{operation}", f"arn:aws:s3:::{name}", context)]
    if operation == "CreateBucket":  # Whoever has a bucket of that name already has no say in it.
        return [Need("s3:CreateBucket", f"arn:aws:s3:::{name}", context)]
    action = f"s3:{BUCKET_ACTIONS.get(operation, operation)}"
    return [_need(call, action, f"arn:aws:s3:::{name}", context, bucket)]


def list_need(objects: Objects, call: Call, name: str, key: str) -> Need | None:
    """What makes the difference between "no such key" and "access denied"; None where the bucket is missing."""
    bucket = _bucket(objects, name)
    return None if bucket is None else _need(call, "s3:ListBucket", f"arn:aws:s3:::{name}", {"s3:prefix": key}, bucket)


def delete_need(call: Call, bucket: BucketRecord, key: str, version_id: str | None) -> Need:
    """For one key of DeleteObjects."""
    action = "s3:DeleteObjectVersion" if version_id else "s3:DeleteObject"
    context = {"s3:VersionId": version_id} if version_id else {}
    return _need(call, action, f"arn:aws:s3:::{bucket.name}/{key}", context, bucket)


def _object_needs(objects: Objects, call: Call, request: dict[str, Any], bucket: BucketRecord | None) -> list[Need]:
    name, key, operation = request["Bucket"], request["Key"], call.operation
    plain, versioned = OBJECT_ACTIONS[operation]
    action = versioned if versioned and request.get("VersionId") else plain
    context = _context(request)
    if operation in READS_TAGS:
        context |= _existing_tags(objects, name, key, request.get("VersionId"))
    resource = f"arn:aws:s3:::{name}/{key}"

    def one(action: str) -> Need:
        return _need(call, f"s3:{action}", resource, context, bucket)

    found = [one(action)]
    if operation == "GetObjectAttributes":
        found.append(one("GetObjectVersion" if request.get("VersionId") else "GetObject"))
    if request.get("Tagging") and operation in ("PutObject", "CreateMultipartUpload", "CopyObject"):
        found.append(one("PutObjectTagging"))
    if request.get("ACL") and operation in ("PutObject", "CreateMultipartUpload", "CopyObject"):
        found.append(one("PutObjectAcl"))
    if "CopySource" in request:
        found += _source_needs(objects, call, request)
    return found


def _source_needs(objects: Objects, call: Call, request: dict[str, Any]) -> list[Need]:
    """Reading what is copied."""
    source = copy_source(request["CopySource"])
    bucket = _bucket(objects, source.bucket)
    tags = _existing_tags(objects, source.bucket, source.key, source.version_id)
    context = tags | ({"s3:VersionId": source.version_id} if source.version_id else {})
    resource = f"arn:aws:s3:::{source.bucket}/{source.key}"
    version = "Version" if source.version_id else ""
    found = [_need(call, f"s3:GetObject{version}", resource, context, bucket)]
    if call.operation == "CopyObject" and tags and request.get("TaggingDirective", "COPY") == "COPY":
        found.append(_need(call, f"s3:GetObject{version}Tagging", resource, context, bucket))
    return found


def _need(call: Call, action: str, resource: str, context: dict[str, Any], bucket: BucketRecord | None) -> Need:
    if bucket is None:  # The handler says that there is none; whose it would be nobody knows.
        return Need(action, resource, context)
    insider = call.principal.kind != "anonymous" and call.principal.account == bucket.owner
    insider = insider or call.principal.kind == "service"
    return Need(action, resource, context, effective(bucket, insider=insider), bucket.owner)


def _context(request: dict[str, Any]) -> dict[str, Any]:
    context = {key: request[member] for member, key in CONDITIONS.items() if request.get(member) not in (None, "")}
    if "Prefix" in request:
        context["s3:prefix"] = request["Prefix"]
    tagging = request.get("Tagging")
    tags: dict[str, str] = {}
    if isinstance(tagging, str):
        tags = header_tags(tagging)
    elif isinstance(tagging, dict):
        tags = {tag["Key"]: tag["Value"] for tag in tagging.get("TagSet", ())}
    if tags:
        context |= {f"s3:RequestObjectTag/{key}": value for key, value in tags.items()}
        context["s3:RequestObjectTagKeys"] = list(tags)
    return context


def _existing_tags(objects: Objects, bucket: str, key: str, version_id: str | None) -> dict[str, Any]:
    try:
        tags = objects.head(bucket, key, version_id).attributes.tags
    except ObjectsError:
        return {}
    return {f"s3:ExistingObjectTag/{name}": value for name, value in tags.items()}


def _bucket(objects: Objects, name: str) -> BucketRecord | None:
    try:
        return objects.buckets.named(name)
    except BucketMissing:
        return None


def _is_owner_root(call: Call, bucket: BucketRecord) -> bool:
    return call.principal.kind == "root" and call.principal.account == bucket.owner


Decide = Callable[[Call, Need], str | None]
"""None when allowed, else the reason."""
