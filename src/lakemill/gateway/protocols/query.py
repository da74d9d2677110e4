"""AWS Query: a form (or a query string) with Action and Version in, XML out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from lakemill.gateway import errors, moments
from lakemill.gateway.constraints import refusal, violations
from lakemill.gateway.protocols import forms, xmlwrite
from lakemill.gateway.protocols.base import Family, Protocol, WireResponse, overridden
from lakemill.gateway.protocols.compression import unfolded
from lakemill.gateway.shapes import Flavour, types_of, validate
from lakemill.services.base import BodyReader, HttpRequest, ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

CONTENT_TYPE = "text/xml"


class _Operation:
    __slots__ = ("decode", "encode")

    decode: Callable[[bytes], dict[str, Any]]
    encode: Callable[[dict[str, Any], str], bytes]


def _form(http: HttpRequest, body: bytes | BodyReader) -> bytes:
    """Parameters may come in the body and, for presigned calls, in the query."""
    assert isinstance(body, bytes)
    body = unfolded(http, body)
    if http.query_string and body:
        return body + b"&" + http.query_string
    return body or http.query_string


def _value_of(form: bytes, name: bytes) -> str | None:
    for part in form.split(b"&"):
        if part.startswith(name) and part[len(name) : len(name) + 1] == b"=":
            return forms.unquote(part[len(name) + 1 :])
    return None


class Query(Protocol):
    """Stateless but for what is compiled."""

    name: ClassVar[str] = "query"
    family: Family = "query"
    operation_in_body: ClassVar[bool] = True

    def __init__(self) -> None:
        self._compiled: dict[OperationModel, _Operation] = {}
        self._readers: dict[ServiceModel, forms.Readers] = {}
        self._writers: dict[ServiceModel, xmlwrite.Writers] = {}

    def operation(
        self, service: ServiceModel, http: HttpRequest, body: bytes = b"", path: bytes | None = None
    ) -> OperationModel:
        form = _form(http, body)
        try:
            action, version = _value_of(form, b"Action"), _value_of(form, b"Version")
        except forms.FormRefused as error:
            raise _malformed(error) from None
        if not action:
            raise ServiceError("MissingAction", "The request must contain the parameter Action.", status=400)
        if action not in service._service_description["operations"] or version not in (None, "", service.api_version):
            message = f"Could not find operation {action} for version {version or 'NO_VERSION_SPECIFIED'}"
            raise ServiceError("InvalidAction", message, status=400)
        return service.operation_model(action)

    def decode(
        self, operation: OperationModel, http: HttpRequest, body: bytes | BodyReader, path: bytes | None = None
    ) -> dict[str, Any]:
        return (self._compiled.get(operation) or self._compile(operation)).decode(_form(http, body))

    def encode(
        self,
        operation: OperationModel,
        output: dict[str, Any] | None,
        request_id: str,
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> WireResponse:
        compiled = self._compiled.get(operation) or self._compile(operation)
        fields = [("content-type", CONTENT_TYPE), ("x-amzn-requestid", request_id)]
        return WireResponse(status or 200, overridden(fields, headers), compiled.encode(output or {}, request_id))

    def encode_error(
        self,
        error: ServiceError,
        request_id: str,
        *,
        operation: OperationModel | None = None,
        service: ServiceModel | None = None,
        resource: str = "",
        head: bool = False,
    ) -> WireResponse:
        service = operation.service_model if operation is not None else service
        kind = errors.kind_of(error, service)
        status = errors.status_of(error, kind)
        fields = overridden([("content-type", CONTENT_TYPE), ("x-amzn-requestid", request_id)], error.headers)
        body = self.error_body(error, request_id, service, kind, status)
        return WireResponse(status, fields, b"" if head else body)

    def error_body(
        self, error: ServiceError, request_id: str, service: ServiceModel | None, kind: errors.Kind | None, status: int
    ) -> bytes:
        """`<ErrorResponse>`, which rest-xml services other than S3 send too."""
        escape = xmlwrite.escape
        uri = service.metadata.get("xmlNamespace", "") if service is not None else ""
        code = kind.code if kind is not None else error.code
        fault = "Sender" if errors.is_sender(status) else "Receiver"
        out = [f"<ErrorResponse{xmlwrite.namespace(uri)}><Error><Type>{fault}</Type><Code>{escape(code)}</Code>"]
        out.append(f"<Message>{escape(error.message)}</Message>")
        if error.fields and kind is not None and service is not None:
            for name, write in self._writers_of(service).members(kind.shape, ["message", "Message"]):
                if error.fields.get(name) is not None:
                    write(error.fields[name], out)
        elif error.fields:
            out += [f"<{name}>{escape(str(value))}</{name}>" for name, value in error.fields.items()]
        out.append(f"</Error><RequestId>{escape(request_id)}</RequestId></ErrorResponse>")
        return "".join(out).encode()

    def _writers_of(self, service: ServiceModel) -> xmlwrite.Writers:
        if service not in self._writers:
            self._writers[service] = xmlwrite.Writers(moments.to_iso)
        return self._writers[service]

    def _compile(self, operation: OperationModel) -> _Operation:
        made = _Operation()
        made.decode = self._decoder(operation)
        made.encode = self._encoder(operation)
        self._compiled[operation] = made
        return made

    def _decoder(self, operation: OperationModel) -> Callable[[bytes], dict[str, Any]]:
        service, shape = operation.service_model, operation.input_shape
        if shape is None:
            return lambda form: {}
        read = self._readers.setdefault(service, forms.Readers()).structure(shape)
        kind = types_of(service).of(shape, Flavour.NATIVE)

        def decode(form: bytes) -> dict[str, Any]:
            try:
                value = read(forms.tree(form))
                return validate(value, kind)
            except forms.FormRefused as error:
                raise _malformed(error) from None
            except msgspec.ValidationError:
                if found := violations(shape, value):
                    raise refusal(found, "ValidationError") from None
                return value

        return decode

    def _encoder(self, operation: OperationModel) -> Callable[[dict[str, Any], str], bytes]:
        name, shape = operation.name, operation.output_shape
        uri = operation.service_model.metadata.get("xmlNamespace")
        start = f"<{name}Response{xmlwrite.namespace(uri)}>"
        wrapper = f"{name}Result"
        write: xmlwrite.Write | None = None
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", wrapper)
            write = self._writers_of(operation.service_model).element(shape, wrapper)

        def encode(output: dict[str, Any], request_id: str) -> bytes:
            out = [start]
            if write is not None:
                write(output, out)
            out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>")
            return "".join(out).encode()

        return encode


def _malformed(error: Exception) -> ServiceError:
    return ServiceError("MalformedInput", f"The request cannot be read: {error}.", status=400)
