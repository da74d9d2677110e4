"""Buckets: create, head, list, delete, and the settings lakemill honours."""

import base64
from typing import Any

from lakemill.engines.objects import BucketExists, BucketRecord, Objects
from lakemill.services.base import Call, ServiceError
from lakemill.services.s3 import cors, errors
from lakemill.services.s3.answers import owner_of
from lakemill.services.s3.attributes import tags_of
from lakemill.services.s3.handler import ALL_GRANTS, operation
from lakemill.services.s3.names import check_bucket_name

BUCKETS_PAGE_MAX = 10_000
BUCKET_TAGS_MAX = 50
PUBLIC_ACCESS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
OWNERSHIP = "BucketOwnerEnforced"
NO_ACLS = "The bucket does not allow ACLs"


class BucketOperations:
    """Mixed into the service."""

    objects: Objects

    @operation(
        "CreateBucket",
        refuses=ALL_GRANTS | {"ObjectLockEnabledForBucket": "Object Lock is not provided yet", "BucketNamespace": ""},
    )
    async def create_bucket(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name = request["Bucket"]
        check_bucket_name(name)
        if request.get("ACL", "private") != "private":
            raise ServiceError(
                "InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
                status=400,
            )
        _check_ownership(request.get("ObjectOwnership", OWNERSHIP))
        configuration = request.get("CreateBucketConfiguration") or {}
        for member in ("Location", "Bucket"):
            if member in configuration:
                raise errors.not_provided(f"directory buckets (CreateBucketConfiguration.{member})")
        try:
            await self.objects.buckets.create(
                name,
                call.account,
                _region(call, configuration.get("LocationConstraint")),
                ownership=OWNERSHIP,
                public_access=dict.fromkeys(PUBLIC_ACCESS, True),
                tags=tags_of(configuration.get("Tags", []), BUCKET_TAGS_MAX),
            )
        except BucketExists as error:
            if error.owner != call.account:
                raise ServiceError(
                    "BucketAlreadyExists",
                    "The requested bucket name is not available. The bucket namespace is shared by all users of the "
                    "system. Please select a different name and try again.",
                    status=409,
                    fields={"BucketName": name},
                ) from None
            if call.region != "us-east-1":  # There, creating it once more is no error.
                raise ServiceError(
                    "BucketAlreadyOwnedByYou",
                    "Your previous request to create the named bucket succeeded and you already own it.",
                    status=409,
                    fields={"BucketName": name},
                ) from None
        return {"Location": f"/{name}", "BucketArn": f"arn:aws:s3:::{name}"}

    @operation("HeadBucket")
    def head_bucket(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        bucket = self.objects.buckets.named(request["Bucket"])
        return {"BucketRegion": bucket.region, "BucketArn": f"arn:aws:s3:::{bucket.name}"}

    @operation("DeleteBucket")
    async def delete_bucket(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.objects.buckets.delete(request["Bucket"])
        return {}

    @operation("ListBuckets")
    def list_buckets(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        most = request.get("MaxBuckets", BUCKETS_PAGE_MAX)
        if not 1 <= most <= BUCKETS_PAGE_MAX:
            raise errors.invalid_argument(f"MaxBuckets must be between 1 and {BUCKETS_PAGE_MAX}.", "max-buckets", most)
        prefix, region = request.get("Prefix", ""), request.get("BucketRegion")
        after = _token_read(request["ContinuationToken"]) if request.get("ContinuationToken") else ""
        found = self.objects.buckets.owned_by(call.account, prefix, after)
        if region:
            found = [bucket for bucket in found if bucket.region == region]
        page, more = found[:most], len(found) > most
        answer: dict[str, Any] = {
            "Owner": owner_of(call.account),
            "Buckets": [
                {
                    "Name": bucket.name,
                    "CreationDate": bucket.created,
                    "BucketRegion": bucket.region,
                    "BucketArn": f"arn:aws:s3:::{bucket.name}",
                }
                for bucket in page
            ],
        }
        if prefix:
            answer["Prefix"] = prefix
        if more:
            answer["ContinuationToken"] = _token(page[-1].name)
        return answer

    @operation("GetBucketLocation")
    def get_bucket_location(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        region = self.objects.buckets.named(request["Bucket"]).region
        return {} if region == "us-east-1" else {"LocationConstraint": region}

    # Versioning

    @operation("PutBucketVersioning", refuses={"MFA": "MFA delete is not provided yet"})
    async def put_bucket_versioning(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        configuration = request["VersioningConfiguration"]
        if configuration.get("MFADelete") == "Enabled":
            raise errors.not_provided("MFA delete (VersioningConfiguration.MFADelete)")
        status = configuration.get("Status")
        if status not in ("Enabled", "Suspended"):
            raise ServiceError(
                "IllegalVersioningConfigurationException",
                "The Versioning element must be specified",
                status=400,
            )
        await self._set(request, versioning=status)
        return {}

    @operation("GetBucketVersioning")
    def get_bucket_versioning(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        status = self.objects.buckets.named(request["Bucket"]).versioning
        return {"Status": status} if status else {}

    # Tags

    @operation("PutBucketTagging")
    async def put_bucket_tagging(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._set(request, tags=tags_of(request["Tagging"]["TagSet"], BUCKET_TAGS_MAX))
        return {}

    @operation("GetBucketTagging")
    def get_bucket_tagging(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        tags = self.objects.buckets.named(request["Bucket"]).tags
        if not tags:
            raise _not_found("NoSuchTagSet", "The TagSet does not exist", request)
        return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}

    @operation("DeleteBucketTagging")
    async def delete_bucket_tagging(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._set(request, tags={})
        return {}

    # Who owns objects, and who may be public

    @operation("PutBucketOwnershipControls")
    async def put_bucket_ownership_controls(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        rules = request["OwnershipControls"]["Rules"]
        if len(rules) != 1:
            raise errors.malformed_xml()
        _check_ownership(rules[0]["ObjectOwnership"])
        await self._set(request, ownership=OWNERSHIP)
        return {}

    @operation("GetBucketOwnershipControls")
    def get_bucket_ownership_controls(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        ownership = self.objects.buckets.named(request["Bucket"]).ownership
        if not ownership:
            text = "The bucket ownership controls were not found"
            raise _not_found("OwnershipControlsNotFoundError", text, request)
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}

    @operation("GetBucketAcl")
    def get_bucket_acl(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return full_control(self.objects.buckets.named(request["Bucket"]))

    @operation("PutBucketAcl", refuses=ALL_GRANTS | {"AccessControlPolicy": NO_ACLS})
    def put_bucket_acl(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self.objects.buckets.named(request["Bucket"])
        raise ServiceError("AccessControlListNotSupported", NO_ACLS, status=400)

    @operation("PutPublicAccessBlock")
    async def put_public_access_block(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        given = request["PublicAccessBlockConfiguration"]
        await self._set(request, public_access={name: bool(given.get(name)) for name in PUBLIC_ACCESS})
        return {}

    @operation("GetPublicAccessBlock")
    def get_public_access_block(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        block = self.objects.buckets.named(request["Bucket"]).public_access
        if block is None:
            text = "The public access block configuration was not found"
            raise _not_found("NoSuchPublicAccessBlockConfiguration", text, request)
        return {"PublicAccessBlockConfiguration": block}

    @operation("DeletePublicAccessBlock")
    async def delete_public_access_block(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._set(request, public_access=None)
        return {}

    # Cross-origin rules

    @operation("PutBucketCors")
    async def put_bucket_cors(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        rules = request["CORSConfiguration"]["CORSRules"]
        cors.check_rules(rules)
        await self._set(request, cors=rules)
        return {}

    @operation("GetBucketCors")
    def get_bucket_cors(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        rules = self.objects.buckets.named(request["Bucket"]).cors
        if not rules:
            raise _not_found("NoSuchCORSConfiguration", "The CORS configuration does not exist", request)
        return {"CORSRules": rules}

    @operation("DeleteBucketCors")
    async def delete_bucket_cors(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._set(request, cors=[])
        return {}

    async def _set(self, request: dict[str, Any], **settings: Any) -> None:
        def change(bucket: BucketRecord) -> None:
            for name, value in settings.items():
                setattr(bucket, name, value)

        await self.objects.buckets.update(request["Bucket"], change)


def full_control(bucket: BucketRecord) -> dict[str, Any]:
    """The access control list of everything in a bucket without ACLs: its owner may do all."""
    owner = owner_of(bucket.owner)
    return {"Owner": owner, "Grants": [{"Grantee": {**owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}]}


def _check_ownership(ownership: str) -> None:
    if ownership != OWNERSHIP:
        raise errors.not_provided(f"ACLs (ObjectOwnership {ownership}); {OWNERSHIP} is how every bucket works")


def _region(call: Call, constraint: str | None) -> str:
    """Where a new bucket lies; what the request says must go with the endpoint it was sent to."""
    if call.region == "us-east-1":
        return {"EU": "eu-west-1", None: "us-east-1", "": "us-east-1"}.get(constraint, constraint or "")
    if constraint != call.region and not (constraint == "EU" and call.region == "eu-west-1"):
        named = constraint or "unspecified"
        text = (
            f"The {named} location constraint is incompatible for the region specific endpoint this request was "
            "sent to."
        )
        raise ServiceError("IllegalLocationConstraintException", text, status=400)
    return call.region


def _not_found(code: str, message: str, request: dict[str, Any]) -> ServiceError:
    return ServiceError(code, message, status=404, fields={"BucketName": request["Bucket"]})


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _token_read(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        raise errors.invalid_argument(
            "The continuation token provided is incorrect", "continuation-token", token
        ) from None
