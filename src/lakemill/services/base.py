"""What every service folder is built from: the call, the operation decorator, errors, streamed bodies.

A service is a class with one method per operation, marked `@operation("PutRecord")`. A handler takes the call and the
request (a dict by botocore's input shape, validated; blobs are bytes, timestamps aware datetimes) and returns a dict by
the output shape (missing members are simply left out). Handlers may be plain or async; a plain one runs on the event
loop and so must be quick.

    class Kinesis(Service):
        name = "kinesis"

        @operation("PutRecord")
        async def put_record(self, call, request): ...
"""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from lakemill.engines.identity.principal import Principal


class ServiceError(Exception):
    """An answer that is an AWS error.

    code: the error's code as clients match on it (`NoSuchBucket`, `ValidationException`).
    status: HTTP status; None takes the model's (or 400).
    fields: further members of the error's shape or elements of its XML body, e.g. `{"BucketName": "b"}`.
    headers: further response headers.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        fields: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})


class Signed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a request's signature was found right with; `secret` is what was believed then to be the key's."""

    access_key_id: str
    session_token: str | None
    region: str
    service: str
    secret: str


class HttpRequest(msgspec.Struct):
    """The request as it came over the wire."""

    method: str
    raw_path: bytes
    """Exactly as sent, percent-escapes untouched, without the query."""
    query_string: bytes
    headers: list[tuple[str, str]]
    """Lower-case names, values decoded as latin-1, in order, duplicates kept."""
    scheme: str
    client: str
    receive: Callable[[], Awaitable[bytes | None]]
    """The next piece of the body, None at its end. Raises ConnectionResetError when the client went away."""

    signed: Signed | None = None
    """What its signature was found right with."""
    query_pairs: list[tuple[str, str]] | None = None
    """The query as names and values, once a protocol has read it."""
    first: dict[str, str] | None = None
    """What `first_headers` gives, once it is known."""

    def first_headers(self) -> dict[str, str]:
        """Each header's first value by lower-case name; not to be changed."""
        if self.first is None:
            self.first = dict(reversed(self.headers))
        return self.first

    def header(self, name: str, default: str | None = None) -> str | None:
        """The first value of a header (lower-case name)."""
        return self.first_headers().get(name, default)


class Call(msgspec.Struct):
    """One request on its way through lakemill."""

    service: str
    """boto3's client name: `s3`, `sagemaker-runtime`."""
    operation: str
    region: str
    account: str
    principal: Principal
    request_id: str
    http: HttpRequest
    status: int | None = None
    """Set by a handler to answer another status than the model's (304, 206, 204)."""
    headers: dict[str, str] = {}
    """Response headers a handler adds to those of the output shape."""

    def arn(self, resource: str, service: str | None = None) -> str:
        """`arn:aws:<service>:<region>:<account>:<resource>` of the caller's account and region."""
        return f"arn:aws:{service or self.service}:{self.region}:{self.account}:{resource}"


class BodyReader:
    """A streamed request body: iterate it once for its pieces, payload checks done underway.

    The gateway hands one in as the value of a streaming blob member. Framing (aws-chunked) is already taken off.
    Iterating raises ServiceError (IncompleteBody, BadDigest, XAmzContentSHA256Mismatch, ...) at the end or
    wherever a check fails; so commit only after the loop ended normally.
    """

    def __init__(
        self, pieces: AsyncIterator[bytes], length: int | None, trailers: dict[str, str] | None = None
    ) -> None:
        self._pieces = pieces
        self.length = length
        """Declared bytes of the payload, None if unknown."""
        self.trailers: dict[str, str] = trailers if trailers is not None else {}
        """Trailing headers (lower-case), filled when the body has ended."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body; ServiceError EntityTooLarge beyond limit bytes."""
        parts, total = [], 0
        async for piece in self._pieces:
            total += len(piece)
            if limit is not None and total > limit:
                raise ServiceError("EntityTooLarge", f"The body must be at most {limit} bytes.", status=413)
            parts.append(piece)
        return b"".join(parts)


class Ready(list[Any]):
    """A list in an answer whose structures are as JSON has them, so that JSON looks at none again: wire names, numbers
    of seconds for timestamps, finite floats, no None. For answers of thousands of items."""


class Columns:
    """A list of structures in an answer, given member by member: by wire name, the values of all of them.

    Values are as in Ready, and none has members itself. The shape must have a timestamp or a float; lists of others are
    not looked at again. For answers of thousands of items.
    """

    def __init__(
        self, members: Mapping[str, Sequence[Any]], constants: Mapping[str, Any] | None = None, *, gaps: bool = False
    ) -> None:
        self.members = members
        self.constants = constants or {}
        """Members with the same value in all structures: texts, numbers."""
        self.gaps = gaps
        """Some structures are without a member; msgspec.UNSET stands for it."""
        (self._count,) = set(map(len, members.values()))

    def __len__(self) -> int:
        return self._count


@dataclasses.dataclass(frozen=True, slots=True)
class FileBody:
    """A response body that is a range of a local file. The file stays open from here on, even if it is unlinked."""

    path: Path
    offset: int
    length: int
    whole: bool = False
    """True when the range is the whole file (it may then be sent by the kernel)."""


class Need(msgspec.Struct, frozen=True):
    """One permission a call needs: an IAM action on a resource."""

    action: str
    resource: str = "*"
    context: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Condition keys of this request beyond the global ones, e.g. `{"s3:prefix": "a/"}`."""
    resource_policy: Any = None
    """The resource's own policy document (a dict), where it has one."""
    resource_account: str | None = None
    """The account that owns the resource; None means the caller's."""
    strict: bool = False
    """The resource's policy must allow in any case: a key's policy has the last word."""


BODY_BYTES_MAX = 16 << 20
"""Bodies that are read whole; AWS's control planes stop well below."""


def pass_role(role_arn: str, service_principal: str, resource: str | None = None) -> Need:
    """What storing a role needs: to be allowed to pass it to the service (`sagemaker.amazonaws.com`).

    resource: ARN of what the role is for, where there is one already.
    """
    context = {"iam:PassedToService": service_principal}
    if resource is not None:
        context["iam:AssociatedResourceArn"] = resource
    return Need("iam:PassRole", role_arn, context)


Handler = Any
"""A bound or unbound method, marked by `operation` with what it handles and refuses."""


def operation(name: str, *, refuses: Mapping[str, str] | Iterable[str] = ()) -> Callable[[Handler], Handler]:
    """Mark a method as the handler of an AWS operation.

    refuses: top-level input members that lakemill does not honour; a request that sets one is refused with a
    message naming it (and the reason, when given as a mapping). Every other member must really be honoured.
    """

    def mark(handler: Handler) -> Handler:
        handler.operation = name  # type: ignore[attr-defined]
        reasons = dict(refuses) if isinstance(refuses, Mapping) else dict.fromkeys(refuses, "")
        handler.refuses = reasons  # type: ignore[attr-defined]
        return handler

    return mark


class Service:
    """Base of every service."""

    name: ClassVar[str]
    """boto3's client name."""
    iam_prefix: ClassVar[str] = ""
    """The prefix of its IAM actions when it is not its signing name."""
    crc32: ClassVar[bool] = False
    """Whether answers carry x-amz-crc32, the checksum of their body."""
    errors: ClassVar[Mapping[type[Exception], str]] = {}
    """Engine errors -> AWS code, the one place that knows both."""

    parts: Iterable[Any] = ()
    """Where handlers stand in classes of their own: an object of each."""

    def operations(self) -> dict[str, Handler]:
        """Bound handlers by operation name, its own and those of its parts."""
        found: dict[str, Handler] = {}
        for part in (self, *self.parts):
            for attribute in dir(type(part)):
                member = getattr(type(part), attribute)
                if callable(member) and hasattr(member, "operation"):
                    found[member.operation] = getattr(part, attribute)
        return found

    def body_limit(self, operation: str) -> tuple[int, ServiceError | None]:
        """The most bytes a request body that is not streamed may have, and the error beyond (None: a general one)."""
        return BODY_BYTES_MAX, None

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        """What the caller must be allowed. Default: `<prefix>:<Operation>` on `*`; services name their resources."""
        return [Need(f"{self.iam_prefix or self.name}:{call.operation}")]
