"""REST with JSON bodies: Lambda, QuickSight, sagemaker-runtime and most of AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from lakemill.gateway import errors, moments
from lakemill.gateway.constraints import native, serialization
from lakemill.gateway.protocols.awsjson import json_writers, read_json, unreadable
from lakemill.gateway.protocols.base import WireResponse, overridden
from lakemill.gateway.protocols.names import Renamers
from lakemill.gateway.protocols.rest import Rest
from lakemill.gateway.protocols.trees import Writers
from lakemill.gateway.shapes import Flavour, json_decoder, types_of
from lakemill.services.base import ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, StructureShape


class RestJson(Rest):
    """Stateless but for what is compiled."""

    name: ClassVar[str] = "rest-json"
    body_type = "application/json"
    empty_body = b""
    iso = staticmethod(moments.to_iso)

    def __init__(self) -> None:
        super().__init__()
        self._writers: dict[ServiceModel, Writers] = {}
        self._renamers: dict[ServiceModel, Renamers] = {}

    def body_reader(self, service: ServiceModel, shape: StructureShape, names: list[str]) -> Callable[[bytes], Any]:
        types = types_of(service)
        decode = json_decoder(types.part(shape, names, Flavour.JSON)).decode
        renamers = self._renamers.setdefault(service, Renamers())
        rename = renamers.structure(shape, names) if renamers.needs(shape, names) else None

        def read(body: bytes) -> tuple[dict[str, Any], bool]:
            try:
                value = decode(body or b"{}")
            except msgspec.ValidationError:
                raw = read_json(body or b"{}")
                value = native(shape, raw)
                return {name: value[name] for name in names if name in value}, True
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                raise unreadable(error) from None
            return (value if rename is None else rename(value)), False

        return read

    def other_payload(
        self, service: ServiceModel, shape: StructureShape, payload: str, member: Any
    ) -> Callable[[dict[str, Any], Any], bool]:
        def read(value: dict[str, Any], body: bytes) -> bool:
            if not body:
                return payload in shape.required_members
            value[payload] = native(member, read_json(body))
            return True

        return read

    def other_writer(self, service: ServiceModel, member: Any) -> Callable[[Any], bytes]:
        change = self._writers_of(service).of(member)
        return msgspec.json.encode if change is None else lambda value: msgspec.json.encode(change(value))

    def body_writer(
        self, operation: OperationModel | None, service: ServiceModel, shape: StructureShape, names: list[str], tag: str
    ) -> Callable[[dict[str, Any]], bytes]:
        write = self._writers_of(service).structure(shape, None if len(names) == len(shape.members) else names)
        return lambda value: msgspec.json.encode(write(value))

    def _writers_of(self, service: ServiceModel) -> Writers:
        if service not in self._writers:
            self._writers[service] = json_writers()
        return self._writers[service]

    def refused(self, problem: Exception) -> ServiceError:
        return serialization(f"The request cannot be read: {problem}")

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
        status = errors.status_of(error, kind, errors.REST_STATUS)
        name = kind.name if kind is not None else error.code
        fields = [("content-type", self.body_type), *self.fixed_headers(request_id), ("x-amzn-errortype", name)]
        body: dict[str, Any] = {errors.text_of(kind): error.message}
        if error.fields and kind is not None and service is not None:
            output = self.error_output(kind)
            output.write(error.fields, fields)
            body |= self._writers_of(service).structure(kind.shape, output.body)(error.fields)
        else:
            body |= error.fields
        return WireResponse(status, overridden(fields, error.headers), b"" if head else msgspec.json.encode(body))
