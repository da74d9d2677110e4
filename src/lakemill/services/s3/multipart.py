"""Multipart uploads."""

from typing import Any
from urllib.parse import quote

from lakemill.engines.objects import Objects, checksums
from lakemill.engines.objects.intake import Digests
from lakemill.engines.objects.multipart import PART_NUMBER_MAX, ListedPart
from lakemill.engines.objects.records import UploadRecord
from lakemill.services.base import Call
from lakemill.services.s3 import errors
from lakemill.services.s3.answers import CHECKSUMS, checksum_members, given_checksums, owner_of
from lakemill.services.s3.attributes import attributes_of, expected_digests, write_conditions
from lakemill.services.s3.handler import CUSTOMER_KEY, WRITE, operation
from lakemill.services.s3.listings import encoder, page_size
from lakemill.services.s3.names import check_key, quoted, unquoted
from lakemill.services.s3.objects import PUT_BYTES_MAX, body_of, check_acl

COMPOSITE_ONLY = ("SHA1", "SHA256", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128")
"""Nothing tells the checksum of a whole from these of its parts."""


class MultipartOperations:
    """Mixed into the service."""

    objects: Objects
    version_member: Any

    @operation("CreateMultipartUpload", refuses=WRITE)
    async def create_multipart_upload(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        check_key(request["Key"])
        check_acl(request)
        algorithm, kind = _checksum(request)
        upload = await self.objects.uploads.begin(
            request["Bucket"],
            request["Key"],
            attributes_of(call, request),
            algorithm=algorithm,
            kind=kind,
            initiator="" if call.principal.kind == "root" else call.principal.arn,
        )
        answer = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}
        if algorithm:
            answer |= {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
        return answer

    @operation("UploadPart", refuses=CUSTOMER_KEY)
    async def upload_part(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        number = request["PartNumber"]
        check_part_number(number)
        upload = self.objects.uploads.named(request["Bucket"], request["Key"], request["UploadId"])
        body, size, trailers = body_of(request)
        if size is not None and size > PUT_BYTES_MAX:
            raise errors.entity_too_large(size, PUT_BYTES_MAX)
        expected = expected_digests(call, request, trailers)
        if upload.algorithm and expected.algorithm not in (None, upload.algorithm):
            raise errors.invalid_request(
                f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, "
                f"actual checksum Type: {expected.algorithm.lower()}"
            )
        algorithms = (expected.algorithm,) if expected.algorithm else ()
        part = await self.objects.uploads.put_part(upload, number, body, algorithms=algorithms, check=expected.check)
        told = upload.algorithm or expected.algorithm
        return {"ETag": quoted(part.etag), **({CHECKSUMS[told]: part.checksums[told]} if told else {})}

    @operation("CompleteMultipartUpload", refuses=CUSTOMER_KEY)
    async def complete_multipart_upload(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        bucket, key = request["Bucket"], request["Key"]
        parts = (request.get("MultipartUpload") or {}).get("Parts")
        if not parts:
            raise errors.malformed_xml()
        record = await self.objects.uploads.complete(
            bucket,
            key,
            request["UploadId"],
            [_listed(part) for part in parts],
            conditions=write_conditions(request),
            size=request.get("MpuObjectSize"),
            check_whole=_check_whole(request),
        )
        return {
            "Location": f"{call.http.scheme}://{call.http.header('host') or 's3'}/{bucket}/{quote(key)}",
            "Bucket": bucket,
            "Key": key,
            "ETag": quoted(record.etag),
            **checksum_members(record.checksum),
            **self.version_member(record),
        }

    @operation("AbortMultipartUpload", refuses={"IfMatchInitiatedTime": ""})
    async def abort_multipart_upload(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.objects.uploads.abort(request["Bucket"], request["Key"], request["UploadId"])
        return {}

    @operation("ListParts", refuses=CUSTOMER_KEY)
    def list_parts(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        upload = self.objects.uploads.named(request["Bucket"], request["Key"], request["UploadId"])
        most = page_size(request, "MaxParts", "max-parts")
        after = int(request.get("PartNumberMarker") or 0)
        found = self.objects.uploads.parts(upload, after, most + 1)
        page = found[:most]
        answer: dict[str, Any] = {
            "Bucket": upload.bucket,
            "Key": upload.key,
            "UploadId": upload.upload_id,
            "PartNumberMarker": str(after),
            "NextPartNumberMarker": str(page[-1].number if page else after),
            "MaxParts": most,
            "IsTruncated": len(found) > most,
            **self._people(upload),
        }
        algorithm = upload.algorithm
        if algorithm:
            answer |= {"ChecksumAlgorithm": algorithm, "ChecksumType": upload.kind}
        if page:
            answer["Parts"] = [
                {
                    "PartNumber": part.number,
                    "LastModified": part.last_modified,
                    "ETag": quoted(part.etag),
                    "Size": part.size,
                    **({CHECKSUMS[algorithm]: part.checksums[algorithm]} if algorithm else {}),
                }
                for part in page
            ]
        return answer

    @operation("ListMultipartUploads")
    def list_multipart_uploads(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        encode = encoder(request)
        most = page_size(request, "MaxUploads", "max-uploads")
        key_marker = request.get("KeyMarker") or ""
        upload_marker = (request.get("UploadIdMarker") or "") if key_marker else ""
        prefix, delimiter = request.get("Prefix") or "", request.get("Delimiter") or ""
        page = self.objects.upload_page(
            request["Bucket"],
            prefix=prefix,
            delimiter=delimiter,
            after=key_marker,
            after_upload=upload_marker,
            limit=most,
        )
        answer: dict[str, Any] = {
            "Bucket": request["Bucket"],
            "KeyMarker": encode(key_marker),
            "UploadIdMarker": upload_marker,
            "Prefix": encode(prefix),
            "MaxUploads": most,
            "IsTruncated": page.last is not None,
        }
        if page.last is not None:
            answer |= {"NextKeyMarker": encode(page.last[0]), "NextUploadIdMarker": page.last[1]}
        if delimiter:
            answer["Delimiter"] = encode(delimiter)
        if request.get("EncodingType"):
            answer["EncodingType"] = request["EncodingType"]
        if page.prefixes:
            answer["CommonPrefixes"] = [{"Prefix": encode(one)} for one in page.prefixes]
        if page.entries:
            answer["Uploads"] = [self._upload(upload, encode) for upload in page.entries]
        return answer

    def _upload(self, upload: UploadRecord, encode: Any) -> dict[str, Any]:
        entry = {
            "Key": encode(upload.key),
            "UploadId": upload.upload_id,
            "Initiated": upload.initiated,
            **self._people(upload),
        }
        if upload.algorithm:
            entry |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.kind}
        return entry

    def _people(self, upload: UploadRecord) -> dict[str, Any]:
        owner = owner_of(self.objects.buckets.named(upload.bucket).owner)
        return {
            "Owner": owner,
            "Initiator": {"ID": upload.initiator or owner["ID"]},
            "StorageClass": upload.attributes.storage_class,
        }


def check_part_number(number: int) -> None:
    if not 1 <= number <= PART_NUMBER_MAX:
        message = f"Part number must be an integer between 1 and {PART_NUMBER_MAX}, inclusive"
        raise errors.invalid_argument(message, "partNumber", number)


def _checksum(request: dict[str, Any]) -> tuple[str, str]:
    """Algorithm and type of the checksum of a new upload."""
    algorithm, kind = request.get("ChecksumAlgorithm") or "", request.get("ChecksumType")
    if not algorithm:
        if kind:
            raise errors.invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )
        return "", "FULL_OBJECT"
    if algorithm not in checksums.ALGORITHMS:
        raise errors.invalid_request("Checksum algorithm provided is unsupported.")
    kind = kind or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
    if (kind == "FULL_OBJECT" and algorithm in COMPOSITE_ONLY) or (kind == "COMPOSITE" and algorithm == "CRC64NVME"):
        raise errors.invalid_request(
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        )
    return algorithm, kind


def _listed(part: dict[str, Any]) -> ListedPart:
    if "PartNumber" not in part or "ETag" not in part:
        raise errors.malformed_xml()
    check_part_number(part["PartNumber"])
    return ListedPart(part["PartNumber"], unquoted(part["ETag"]), given_checksums(part))


def _check_whole(request: dict[str, Any]) -> Any:
    """A checksum of the whole object that the completing request gives."""
    given = given_checksums(request)

    def check(digests: Digests) -> None:
        for name, value in given.items():
            actual = digests.checksums.get(name)
            if actual is None:
                raise errors.invalid_request(
                    f"The checksum you provided is of type {name.lower()}, the upload's is not."
                )
            if actual.split("-")[0] != value.split("-")[0]:
                raise errors.bad_digest(name, value, actual)

    return check if given else None
