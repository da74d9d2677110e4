"""Uploads from a browser's form: `POST /bucket`, multipart/form-data."""

import hmac
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from lakemill.engines.identity.principal import Principal, anonymous
from lakemill.engines.objects import ObjectRecord, Objects, checksums
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, HttpRequest, Need, ServiceError
from lakemill.services.s3 import errors, permissions, postpolicy
from lakemill.services.s3.answers import CHECKSUMS
from lakemill.services.s3.attributes import attributes_of, expected_digests, tags_of
from lakemill.services.s3.formdata import FormData
from lakemill.services.s3.names import check_key, quoted
from lakemill.services.s3.objects import check_acl
from lakemill.services.s3.outside import Outside
from lakemill.services.s3.postpolicy import SizeRange

Secret = Callable[[str, str | None], tuple[str, Principal]]
"""From access key id and session token to secret and bearer; raises ServiceError."""
Allows = Callable[[Call, Need], str | None]

# Form fields that are members of PutObject.
MEMBERS = {
    "acl": "ACL",
    "cache-control": "CacheControl",
    "content-type": "ContentType",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "expires": "Expires",
    "x-amz-storage-class": "StorageClass",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
    "content-md5": "ContentMD5",
    **{f"x-amz-checksum-{name.lower()}": member for name, member in CHECKSUMS.items()},
}
REFUSED = (
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
)


class FormUpload:
    """Takes forms. allows: the reason why a caller may not do something, or None. verify: look at signatures."""

    def __init__(
        self, objects: Objects, clock: Clock, secret: Secret, allows: Allows, account: str, *, verify: bool = True
    ) -> None:
        self._verify = verify
        self._objects = objects
        self._clock = clock
        self._secret = secret
        self._allows = allows
        self._account = account

    async def take(self, http: HttpRequest, bucket: str, region: str, request_id: str) -> Outside:
        """Store the form's file and answer as the form asks. Raises ServiceError and the engine's errors."""
        form = FormData(http.header("content-type") or "", _pieces(http))
        fields = await form.fields()
        for name in REFUSED:
            if name in fields:
                raise errors.not_provided(f"the form field {name}")
        if "key" not in fields:
            raise _field_missing("key")
        principal, size = self._policy(bucket, fields)
        key = fields["key"].replace("${filename}", form.filename)
        check_key(key)
        request = _request(bucket, key, fields)
        check_acl(request)
        call = Call("s3", "PutObject", region, principal.account, principal, request_id, http)
        for need in permissions.needs(self._objects, call, request):
            if (reason := self._allows(call, need)) is not None:
                raise errors.access_denied(reason)
        expected = expected_digests(call, request)
        attributes = attributes_of(call, request)
        attributes.tags = _tags(fields.get("tagging"))
        record = await self._objects.put(
            bucket,
            key,
            _sized(form.file(), size),
            attributes,
            algorithm=expected.algorithm or checksums.DEFAULT_ALGORITHM,
            check=expected.check,
        )
        return _answer(http, record, fields)

    def _policy(self, bucket: str, fields: dict[str, str]) -> tuple[Principal, SizeRange]:
        """Who signed the form, and how large the file may be."""
        policy = fields.get("policy")
        if policy is None:
            return (anonymous if self._verify else trusted)(self._account), SizeRange()
        if "x-amz-signature" in fields:
            key_id, *scope = fields.get("x-amz-credential", "").split("/")
            if len(scope) != 4 or fields.get("x-amz-algorithm") != "AWS4-HMAC-SHA256":
                raise errors.invalid_argument("The form's credential or algorithm is not of signature version 4.")
            secret, principal = self._secret(key_id, fields.get("x-amz-security-token"))
            given, wanted = fields["x-amz-signature"], postpolicy.signature_v4(secret, scope, policy)
        elif "signature" in fields and "awsaccesskeyid" in fields:
            secret, principal = self._secret(fields["awsaccesskeyid"], fields.get("x-amz-security-token"))
            given, wanted = fields["signature"], postpolicy.signature_v2(secret, policy)
        else:
            raise _field_missing("X-Amz-Signature")
        if self._verify and not hmac.compare_digest(given.encode(), wanted.encode()):
            raise ServiceError(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and "
                "signing method.",
                status=403,
            )
        return principal, postpolicy.check(policy, bucket, fields, self._clock.now())


def trusted(account: str) -> Principal:
    """Who calls where nobody is asked for a signature."""
    return Principal("root", account, f"arn:aws:iam::{account}:root", account, boundary_free=True)


def _field_missing(name: str) -> ServiceError:
    message = (
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    )
    return errors.invalid_argument(message, name)


async def _pieces(http: HttpRequest) -> AsyncIterator[bytes]:
    while (piece := await http.receive()) is not None:
        yield piece


async def _sized(pieces: AsyncIterator[bytes], size: SizeRange) -> AsyncIterator[bytes]:
    total = 0
    async for piece in pieces:
        total += len(piece)
        if total > size.most:
            raise errors.entity_too_large(total, size.most)
        yield piece
    if total < size.least:
        text = "Your proposed upload is smaller than the minimum allowed size"
        fields = {"ProposedSize": str(total), "MinSizeAllowed": str(size.least)}
        raise ServiceError("EntityTooSmall", text, status=400, fields=fields)


def _request(bucket: str, key: str, fields: dict[str, str]) -> dict[str, object]:
    """The PutObject a form amounts to."""
    request: dict[str, object] = {"Bucket": bucket, "Key": key}
    request |= {member: fields[name] for name, member in MEMBERS.items() if fields.get(name)}
    prefix = "x-amz-meta-"
    if metadata := {name[len(prefix) :]: value for name, value in fields.items() if name.startswith(prefix)}:
        request["Metadata"] = metadata
    return request


def _tags(text: str | None) -> dict[str, str]:
    """Tags of a form: the XML of PutObjectTagging."""
    if not text:
        return {}
    if "<!" in text:  # No document types, so no entities to expand.
        raise errors.malformed_xml()
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise errors.malformed_xml() from None
    return tags_of(
        [{"Key": tag.findtext("{*}Key") or "", "Value": tag.findtext("{*}Value") or ""} for tag in root.iter("{*}Tag")]
    )


def _answer(http: HttpRequest, record: ObjectRecord, fields: dict[str, str]) -> Outside:
    location = f"{http.scheme}://{http.header('host') or 's3'}/{record.bucket}/{quote(record.key)}"
    headers = [("etag", quoted(record.etag)), ("location", location)]
    redirect = fields.get("success_action_redirect") or fields.get("redirect")
    if redirect and urlsplit(redirect).scheme in ("http", "https") and redirect.isascii() and redirect.isprintable():
        query = urlencode({"bucket": record.bucket, "key": record.key, "etag": quoted(record.etag)})
        headers[1] = ("location", f"{redirect}{'&' if urlsplit(redirect).query else '?'}{query}")
        return 303, headers, b""
    status = fields.get("success_action_status")
    if status == "201":
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<PostResponse><Location>{escape(location)}</Location><Bucket>{escape(record.bucket)}</Bucket>"
            f"<Key>{escape(record.key)}</Key><ETag>{escape(quoted(record.etag))}</ETag></PostResponse>"
        )
        return 201, [*headers, ("content-type", "application/xml")], body.encode()
    return (200 if status == "200" else 204), headers, b""
