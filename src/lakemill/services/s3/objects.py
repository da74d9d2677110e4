"""Objects: put, get, head, delete, tags, attributes, ACL reads."""

from email.utils import format_datetime
from typing import Any

from lakemill.engines.objects import ObjectRecord, Objects, ObjectsError, checksums
from lakemill.engines.objects.records import Checksum
from lakemill.engines.objects.rows import NULL_VERSION
from lakemill.services.base import BodyReader, Call, FileBody, ServiceError
from lakemill.services.s3 import errors, permissions
from lakemill.services.s3.answers import CHECKSUMS, checksum_members
from lakemill.services.s3.attributes import (
    attributes_of,
    expected_digests,
    tags_of,
    told_metadata,
    write_conditions,
)
from lakemill.services.s3.buckets import NO_ACLS, full_control
from lakemill.services.s3.handler import ALL_GRANTS, BYPASS, CUSTOMER_KEY, WRITE, operation
from lakemill.services.s3.names import check_key, quoted
from lakemill.services.s3.reading import ByteRange, byte_range, not_modified

PUT_BYTES_MAX = 5 << 30
DELETE_MAX = 1000
RESPONSE_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
}


class ObjectOperations:
    """Mixed into the service."""

    objects: Objects
    allows: Any

    @operation("PutObject", refuses=WRITE | {"WriteOffsetBytes": "appending needs a directory bucket"})
    async def put_object(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        bucket, key = request["Bucket"], request["Key"]
        check_key(key)
        check_acl(request)
        body, size, trailers = body_of(request)
        if size is not None and size > PUT_BYTES_MAX:
            raise errors.entity_too_large(size, PUT_BYTES_MAX)
        attributes = attributes_of(call, request)
        expected = expected_digests(call, request, trailers)
        record = await self.objects.put(
            bucket,
            key,
            body,
            attributes,
            conditions=write_conditions(request),
            algorithm=expected.algorithm or checksums.DEFAULT_ALGORITHM,
            check=expected.check,
        )
        return {"ETag": quoted(record.etag), **checksum_members(record.checksum), **self.version_member(record)}

    @operation("GetObject", refuses=CUSTOMER_KEY)
    def get_object(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        record, part, members = self._found(call, request)
        if call.status == 304:
            return members
        members["Body"] = self._body(record, part)
        return members

    @operation("HeadObject", refuses=CUSTOMER_KEY)
    def head_object(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return self._found(call, request)[2]

    def _found(self, call: Call, request: dict[str, Any]) -> tuple[ObjectRecord, ByteRange | None, dict[str, Any]]:
        """The record, the part of it to send, and everything the answer tells but the bytes."""
        record = self.objects.head(request["Bucket"], request["Key"], request.get("VersionId"))
        if not_modified(request, record):
            call.status = 304
            members = {"ETag": quoted(record.etag), "LastModified": record.last_modified}
            return record, None, members | self.version_member(record)
        part, told = self._part(call, request, record)
        members = {
            "AcceptRanges": "bytes",
            "LastModified": record.last_modified,
            "ContentLength": part.length if part else record.size,
            "ETag": quoted(record.etag),
            "ContentType": record.content_type,
            **self.version_member(record),
            **{name: value for name, value in record.attributes.headers.items() if name != "Expires"},
            **told,
        }
        if record.attributes.metadata:
            members["Metadata"] = told_metadata(record.attributes.metadata)
        if record.attributes.storage_class != "STANDARD":
            members["StorageClass"] = record.attributes.storage_class
        if record.attributes.tags:
            members["TagCount"] = len(record.attributes.tags)
        if part:
            call.status = 206
            members["ContentRange"] = part.header(record.size)
        if expires := record.attributes.headers.get("Expires"):
            call.headers["Expires"] = expires
        _override(call, request, members)
        return record, part, members

    def _part(
        self, call: Call, request: dict[str, Any], record: ObjectRecord
    ) -> tuple[ByteRange | None, dict[str, Any]]:
        """Which bytes are asked for, and the checksum and part members that go with them."""
        number, text = request.get("PartNumber"), request.get("Range")
        wanted = request.get("ChecksumMode", "").upper() == "ENABLED"
        if number is None:
            part = byte_range(text, record.size)
            # A checksum of the whole would not fit a range.
            return part, checksum_members(record.checksum) if wanted and part is None else {}
        if text:
            raise errors.invalid_request("Cannot specify both Range header and partNumber query parameter")
        if not record.part_count:
            if number != 1:
                raise ServiceError("InvalidPartNumber", "The requested partnumber is not satisfiable", status=416)
            whole = ByteRange(0, record.size) if record.size else None
            return whole, checksum_members(record.checksum) if wanted else {}
        offset = 0
        for part_record in self.objects.data.parts(record):
            if part_record.number == number:
                told: dict[str, Any] = {"PartsCount": record.part_count}
                kept = record.checksum
                if wanted and kept and kept.kind == "COMPOSITE":
                    value = part_record.checksums[kept.algorithm]
                    told |= checksum_members(Checksum(kept.algorithm, value, kept.kind))
                return ByteRange(offset, part_record.size), told
            offset += part_record.size
        raise ServiceError(
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
            status=416,
            fields={"PartNumberRequested": str(number), "ActualPartCount": str(record.part_count)},
        )

    def _body(self, record: ObjectRecord, part: ByteRange | None) -> Any:
        offset, length = part or (0, record.size)
        inline = self.objects.data.inline(record, offset, length)
        if inline is not None:
            return inline
        path = self.objects.data.file(record)
        if path is not None:
            return FileBody(path, offset, length, whole=length == record.size)
        return self.objects.data.stream(record, offset, length)

    @operation("DeleteObject", refuses=BYPASS | {"MFA": "", "IfMatchLastModifiedTime": "", "IfMatchSize": ""})
    async def delete_object(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        check_key(request["Key"])
        deleted = await self.objects.delete(
            request["Bucket"], request["Key"], request.get("VersionId"), write_conditions(request)
        )
        answer: dict[str, Any] = {}
        if deleted.marker:
            answer["DeleteMarker"] = True
        if deleted.version_id is not None:
            answer["VersionId"] = deleted.version_id
        return answer

    @operation("DeleteObjects", refuses=BYPASS | {"MFA": ""})
    async def delete_objects(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        listed = request["Delete"]["Objects"]
        if not 1 <= len(listed) <= DELETE_MAX:
            raise errors.malformed_xml()
        failures: list[dict[str, Any]] = []
        bucket = self.objects.buckets.named(request["Bucket"])
        wanted = []
        for one in listed:
            need = permissions.delete_need(call, bucket, one["Key"], one.get("VersionId"))
            denial = self.allows(call, need)
            if "LastModifiedTime" in one or "Size" in one:
                failures.append(_failure(one, errors.not_provided("deleting by time or size")))
            elif denial is not None:
                failures.append(_failure(one, errors.access_denied(denial)))
            else:
                wanted.append(one)
        outcomes = await self.objects.delete_many(
            bucket.name,
            [(one["Key"], one.get("VersionId"), write_conditions({"IfMatch": one.get("ETag")})) for one in wanted],
        )
        done: list[dict[str, Any]] = []
        for one, outcome in zip(wanted, outcomes, strict=True):
            if isinstance(outcome, ObjectsError):
                failures.append(_failure(one, errors.of(outcome)))
            elif isinstance(outcome, Exception):
                raise outcome
            else:
                done.append(_deleted(one, outcome))
        answer: dict[str, Any] = {}
        if done and not request["Delete"].get("Quiet"):
            answer["Deleted"] = done
        if failures:
            answer["Errors"] = failures
        return answer

    # Tags

    @operation("GetObjectTagging")
    def get_object_tagging(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        record = self.objects.head(request["Bucket"], request["Key"], request.get("VersionId"))
        tags = [{"Key": key, "Value": value} for key, value in record.attributes.tags.items()]
        return {"TagSet": tags, **self.version_member(record)}

    @operation("PutObjectTagging")
    async def put_object_tagging(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        tags = tags_of(request["Tagging"]["TagSet"])
        record = await self.objects.set_tags(request["Bucket"], request["Key"], request.get("VersionId"), tags)
        return self.version_member(record)

    @operation("DeleteObjectTagging")
    async def delete_object_tagging(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        record = await self.objects.set_tags(request["Bucket"], request["Key"], request.get("VersionId"), {})
        return self.version_member(record)

    # Attributes and access

    @operation("GetObjectAttributes", refuses=CUSTOMER_KEY)
    def get_object_attributes(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        record = self.objects.head(request["Bucket"], request["Key"], request.get("VersionId"))
        wanted = {name.strip() for one in request["ObjectAttributes"] for name in one.split(",")}
        answer: dict[str, Any] = {"LastModified": record.last_modified, **self.version_member(record)}
        if "ETag" in wanted:
            answer["ETag"] = record.etag
        if "Checksum" in wanted and record.checksum:
            answer["Checksum"] = checksum_members(record.checksum)
        if "ObjectParts" in wanted and record.part_count:
            answer["ObjectParts"] = self._parts(record, request)
        if "StorageClass" in wanted:
            answer["StorageClass"] = record.attributes.storage_class
        if "ObjectSize" in wanted:
            answer["ObjectSize"] = record.size
        return answer

    def _parts(self, record: ObjectRecord, request: dict[str, Any]) -> dict[str, Any]:
        after, most = int(request.get("PartNumberMarker") or 0), min(request.get("MaxParts", 1000), 1000)
        parts = [part for part in self.objects.data.parts(record) if part.number > after]
        page = parts[:most]
        algorithm = record.checksum.algorithm if record.checksum else ""
        return {
            "TotalPartsCount": record.part_count,
            "PartNumberMarker": str(after),
            "NextPartNumberMarker": str(page[-1].number if page else after),
            "MaxParts": most,
            "IsTruncated": len(parts) > most,
            "Parts": [
                {"PartNumber": part.number, "Size": part.size, CHECKSUMS[algorithm]: part.checksums[algorithm]}
                for part in page
            ],
        }

    @operation("GetObjectAcl")
    def get_object_acl(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self.objects.head(request["Bucket"], request["Key"], request.get("VersionId"))
        return full_control(self.objects.buckets.named(request["Bucket"]))

    @operation("PutObjectAcl", refuses=ALL_GRANTS | {"AccessControlPolicy": NO_ACLS})
    def put_object_acl(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self.objects.head(request["Bucket"], request["Key"], request.get("VersionId"))
        check_acl(request)
        return {}

    @operation("GetObjectRetention")
    def get_object_retention(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return self._no_lock(request)

    @operation("GetObjectLegalHold")
    def get_object_legal_hold(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return self._no_lock(request)

    def _no_lock(self, request: dict[str, Any]) -> dict[str, Any]:
        self.objects.head(request["Bucket"], request["Key"], request.get("VersionId"))
        raise errors.invalid_request("Bucket is missing Object Lock Configuration")

    def version_member(self, record: ObjectRecord) -> dict[str, str]:
        """The version id, where the bucket is or was versioned."""
        if record.version_id == NULL_VERSION and not self.objects.buckets.named(record.bucket).versioning:
            return {}
        return {"VersionId": record.version_id}


def body_of(request: dict[str, Any]) -> tuple[Any, int | None, dict[str, str]]:
    """The body, its length as far as it is known, and where its trailers will be."""
    body = request.get("Body", b"")
    if isinstance(body, BodyReader):
        size = body.length if body.length is not None else request.get("ContentLength")
        return body, size, body.trailers
    return body, len(body), {}


def check_acl(request: dict[str, Any]) -> None:
    """Without ACLs only what gives the bucket's owner full control may be asked for."""
    if request.get("ACL") not in (None, "bucket-owner-full-control"):
        raise ServiceError("AccessControlListNotSupported", NO_ACLS, status=400)


def _override(call: Call, request: dict[str, Any], members: dict[str, Any]) -> None:
    """response-content-type and its like; only in signed requests."""
    given = [name for name in (*RESPONSE_OVERRIDES, "ResponseExpires") if request.get(name)]
    if not given:
        return
    if call.principal.kind == "anonymous":
        raise errors.invalid_request("Request specific response headers cannot be used for anonymous GET requests.")
    for name in given:
        if name == "ResponseExpires":
            moment = request[name]
            call.headers["Expires"] = moment if isinstance(moment, str) else format_datetime(moment, usegmt=True)
        else:
            members[RESPONSE_OVERRIDES[name]] = request[name]


def _failure(one: dict[str, Any], error: ServiceError) -> dict[str, Any]:
    failure = {"Key": one["Key"], "Code": error.code, "Message": error.message}
    if one.get("VersionId"):
        failure["VersionId"] = one["VersionId"]
    return failure


def _deleted(one: dict[str, Any], outcome: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"Key": one["Key"]}
    if one.get("VersionId"):
        told["VersionId"] = one["VersionId"]
    if outcome.marker:
        told |= {"DeleteMarker": True, "DeleteMarkerVersionId": outcome.version_id}
    return told
