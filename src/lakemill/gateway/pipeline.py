"""The way of a request: find, verify, decode, authorise, handle, encode, log.

`Gateway` is what `wire.Server` serves. Each step is a short method over one Exchange; a step that refuses raises a
ServiceError, which is encoded in the protocol's own error form. Nothing a caller sends shows a traceback; what is our
own fault is answered as InternalError with the request id, and the trace goes to the log.
"""

import asyncio
import errno
import time
import traceback
import zlib
from typing import Any

import msgspec

from lakemill.engines.identity import Identity
from lakemill.gateway import models, payload, protocols, sigv4, wire
from lakemill.gateway.access import Access
from lakemill.gateway.internal import Internal
from lakemill.gateway.protocols import WireResponse
from lakemill.gateway.requestid import request_id
from lakemill.gateway.requestlog import RequestLog
from lakemill.gateway.routing import Destination, destination
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata
from lakemill.services.base import BodyReader, Call, FileBody, HttpRequest, Service, ServiceError
from lakemill.settings import Settings

INTERNAL_ERROR = "We encountered an internal error. Please try again."
DISK_FULL = "The disk that holds the data is full; nothing was changed. Delete objects, or give it more room."
BODY_CUT = "The request body terminated unexpectedly."


class Exchange(msgspec.Struct):
    """A request and what the steps have found out about it."""

    http: HttpRequest
    incoming: wire.RequestBody
    request_id: str
    place: Destination
    path: bytes | None = None
    """The path with a virtual host's bucket in front; None when it is the path sent."""
    protocol: protocols.Protocol | None = None
    found: models.Found | None = None
    service: Service | None = None
    body: bytes | BodyReader = b""
    call: Call | None = None
    error_code: str = ""

    @property
    def name(self) -> str:
        """`kinesis.PutRecord`, as far as it is known."""
        service = self.service.name if self.service else self.place.signing_name
        return f"{service}.{self.found.operation.name if self.found else '?'}"


class Gateway:
    """All services behind one port."""

    def __init__(
        self,
        services: list[Service],
        identity: Identity,
        metadata: Metadata,
        clock: Clock,
        settings: Settings,
        log: RequestLog,
    ) -> None:
        self._services = {service.name: service for service in services}
        self.handlers = {service.name: service.operations() for service in services}
        """Every provided operation, by client and operation name."""
        self._outside = {name for name, one in self._services.items() if hasattr(one, "outside_the_model")}
        self._finder = models.Finder(list(self._services))
        self._access = Access(identity, clock, settings, log)
        self._clock = clock
        self._settings = settings
        self._log = log
        self.internal = Internal(list(self._services), metadata, clock, settings)

    async def __call__(self, http: HttpRequest, body: wire.RequestBody, answering: wire.Answering) -> None:
        began = time.perf_counter()
        if page := self.internal.page(http.raw_path):
            await wire.respond(answering, *await page(http), body, head=http.method == "HEAD")
            return
        exchange = Exchange(http, body, request_id(), destination(http, self._settings.region))
        status, begun = 499, False  # As proxies log it: the client went away.
        try:
            answer = await self._answer(exchange)
            if exchange.service is not None and exchange.service.crc32 and isinstance(answer.body, bytes):
                answer.headers.append(("x-amz-crc32", str(zlib.crc32(answer.body))))
            # An answer that streams may go on with reading what it answers.
            if not body.ended and isinstance(answer.body, bytes | FileBody) and not await body.drain():
                answer.headers.append(("connection", "close"))
            head, begun = http.method == "HEAD", True
            await wire.respond(answering, answer.status, answer.headers, answer.body, body, head=head)
            status = answer.status
        except wire.ClientGone:
            if begun:
                raise
            # It may have closed its own side only and read on. The line below says that it did not finish.
            answer = self._refuse(exchange, ServiceError("IncompleteBody", BODY_CUT, status=400))
            await wire.respond(answering, answer.status, answer.headers, answer.body, body)
        finally:
            if self._log.enabled:
                self._log_line(exchange, status, (time.perf_counter() - began) * 1000)

    async def _answer(self, exchange: Exchange) -> WireResponse:
        try:
            if exchange.place.signing_name in self._outside:
                answer = await self._outside_the_model(exchange)
                if answer is not None:
                    return answer
            await self._find(exchange)
            verified = self._verify(exchange)
            if verified is not None:
                await self._take_body(exchange, *verified)
            request = self._decode(exchange)
            self._authorise(exchange, request)
            assert exchange.call is not None
            output = self.handlers[exchange.call.service][exchange.call.operation](exchange.call, request)
            return self._encode(exchange, output if output is None or isinstance(output, dict) else await output)
        except ServiceError as error:
            return self._refuse(exchange, error)
        except wire.ClientGone:
            raise
        except asyncio.CancelledError:
            raise
        except Exception as error:
            return self._refuse(exchange, self._as_service_error(exchange, error))

    # The steps

    async def _outside_the_model(self, exchange: Exchange) -> WireResponse | None:
        """What S3 answers though no operation of the model says so: CORS preflights and browser forms."""
        place, http = exchange.place, exchange.http
        service: Any = self._services[place.signing_name]
        if place.bucket is not None:
            exchange.path = b"/" + place.bucket.encode() + http.raw_path
        exchange.service = service
        exchange.protocol = protocols.choose(http.headers, models.service_model(place.signing_name))
        answer = await service.outside_the_model(http, exchange.path or http.raw_path, exchange.request_id)
        return None if answer is None else WireResponse(*answer)

    async def _find(self, exchange: Exchange) -> None:
        """Protocol, service and operation; reads the body unless it is to be streamed."""
        http, name = exchange.http, exchange.place.signing_name
        found = self._finder.remembered(http)
        if found is None:
            known = self._finder.protocol(name, http)
            if known is not None:
                exchange.protocol = known[1]
            if known is None or known[1].operation_in_body:
                exchange.body = await payload.whole(http, payload.BODY_BYTES_MAX)
            read = exchange.body if isinstance(exchange.body, bytes) else b""
            found = self._finder.find(name, http, read, exchange.path)
        exchange.found, exchange.protocol = found, found.protocol
        service = exchange.service = self._services[found.client]
        if found.name not in self.handlers[found.client]:
            raise ServiceError(
                "NotImplemented" if found.family == "s3" else "NotImplementedException",
                f"lakemill does not provide {found.client}.{found.name} yet; docs/coverage.md lists what it provides.",
                status=501,
            )
        if not found.signed_later and not found.protocol.operation_in_body:
            limit, error = service.body_limit(found.name)
            exchange.body = exchange.incoming.take_whole(limit) or await payload.whole(http, limit, error)

    def _verify(self, exchange: Exchange) -> tuple[sigv4.Verified | None, bool] | None:
        """The caller; and where the body is still to be read, what is to be checked about it and whether at all."""
        http, found = exchange.http, exchange.found
        assert found is not None
        whole = exchange.body if isinstance(exchange.body, bytes) and found.family != "s3" else None
        principal, verified = self._access.verify(http, found, whole, exchange.path or http.raw_path)
        exchange.call = Call(
            found.client, found.name, exchange.place.region, principal.account, principal, exchange.request_id, http
        )
        return (verified, principal.boundary_free) if found.signed_later else None

    async def _take_body(self, exchange: Exchange, verified: sigv4.Verified | None, unchecked: bool) -> None:
        """The body that was signed; as it comes, or whole where the operation takes it so."""
        http, found = exchange.http, exchange.found
        assert found is not None
        reader = payload.streamed(http, verified, unchecked=unchecked)
        if protocols.takes_stream(found.operation):
            exchange.body = reader  # The handler checks what is declared about it, while it reads.
        else:
            checksummed = "requestAlgorithmMember" in (found.operation.http_checksum or {})
            exchange.body = await payload.document(http, reader, checksummed=checksummed)

    def _decode(self, exchange: Exchange) -> dict[str, Any]:
        """The request by the model; members the handler does not honour are refused by name."""
        found = exchange.found
        assert found is not None
        request = found.protocol.decode(found.operation, exchange.http, exchange.body, exchange.path)
        refuses = self.handlers[found.client][found.name].refuses
        for member in refuses.keys() & request.keys() if refuses else ():
            reason = refuses[member] or "lakemill does not provide it yet"
            code = {"s3": "NotImplemented", "query": "ValidationError"}.get(found.family, "ValidationException")
            status = 501 if code == "NotImplemented" else 400
            raise ServiceError(code, f"{found.name}: {member} is refused: {reason}.", status=status)
        return request

    def _authorise(self, exchange: Exchange, request: dict[str, Any]) -> None:
        assert exchange.call is not None and exchange.service is not None and exchange.found is not None
        self._access.authorise(exchange.call, exchange.service, request, exchange.found.family)

    def _encode(self, exchange: Exchange, output: dict[str, Any] | None) -> WireResponse:
        assert exchange.call is not None and exchange.found is not None
        return exchange.found.protocol.encode(
            exchange.found.operation,
            output,
            exchange.request_id,
            status=exchange.call.status,
            headers=exchange.call.headers,
        )

    # When something is wrong

    def _refuse(self, exchange: Exchange, error: ServiceError) -> WireResponse:
        exchange.error_code = error.code
        protocol = exchange.protocol or protocols.fallback(exchange.http)
        if exchange.call is not None:
            error.headers = {**exchange.call.headers, **error.headers}
        return protocol.encode_error(
            error,
            exchange.request_id,
            operation=exchange.found.operation if exchange.found else None,
            service=exchange.found.service if exchange.found else None,
            resource=(exchange.path or exchange.http.raw_path).decode("latin-1"),
            head=exchange.http.method == "HEAD",
        )

    def _as_service_error(self, exchange: Exchange, error: Exception) -> ServiceError:
        """An engine's error by the service's table; anything else is our own fault and goes to the log."""
        table = exchange.service.errors if exchange.service else {}
        for kind in type(error).__mro__:
            if kind in table:
                return ServiceError(table[kind], str(error))
        family = exchange.protocol.family if exchange.protocol else "json"
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            self._log.note(f"{exchange.name} failed, request {exchange.request_id}: {error.strerror}")
            code = "ServiceUnavailable" if family in ("s3", "query") else "ServiceUnavailableException"
            return ServiceError(code, DISK_FULL, status=503)
        trace = "".join(traceback.format_exception(error))
        self._log.note(f"{exchange.name} failed, request {exchange.request_id}\n{trace}")
        code = {"s3": "InternalError", "query": "InternalFailure"}.get(family, "InternalServerException")
        return ServiceError(code, INTERNAL_ERROR, status=500)

    def _log_line(self, exchange: Exchange, status: int, ms: float) -> None:
        self._log.request(
            self._clock.time(),
            exchange.name,
            status,
            ms,
            code=exchange.error_code,
            key=(exchange.call.principal.access_key_id or "") if exchange.call else "",
            request_id=exchange.request_id,
        )
