"""REST with XML bodies, as Route 53 and CloudFront speak it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from lakemill.gateway import errors, moments
from lakemill.gateway.protocols import xmltree, xmlwrite
from lakemill.gateway.protocols.base import WireResponse, overridden
from lakemill.gateway.protocols.query import Query
from lakemill.gateway.protocols.rest import Rest
from lakemill.gateway.shapes import Flavour, types_of, validate
from lakemill.services.base import ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, StructureShape


class RestXml(Rest):
    """As Route 53 and CloudFront speak it."""

    name: ClassVar[str] = "rest-xml"
    body_type = "application/xml"
    iso = staticmethod(moments.to_iso)

    def __init__(self) -> None:
        super().__init__()
        self._readers: dict[ServiceModel, xmltree.Readers] = {}
        self._writers: dict[ServiceModel, xmlwrite.Writers] = {}
        self._query = Query()

    def body_reader(self, service: ServiceModel, shape: StructureShape, names: list[str]) -> Callable[[bytes], Any]:
        readers = self._readers.setdefault(service, xmltree.Readers())
        read_node = readers.structure(shape, None if len(names) == len(shape.members) else names)
        kind = types_of(service).part(shape, names, Flavour.NATIVE)

        def read(body: bytes) -> tuple[dict[str, Any], bool]:
            if not body:
                value: dict[str, Any] = {}
            else:
                try:
                    node = xmltree.parse(body)
                    self.check_root(node, shape)
                    value = read_node(node)
                except (xmltree.XmlRefused, ValueError, RecursionError) as problem:
                    raise self.unreadable(problem) from None
            try:
                validate(value, kind)
            except msgspec.ValidationError:
                return value, True
            return value, False

        return read

    def check_root(self, node: xmltree.Node, shape: StructureShape) -> None:
        """Raises XmlRefused for a document of another kind."""

    def unreadable(self, problem: Exception) -> ServiceError:
        return ServiceError("MalformedInput", f"The request body is not valid XML: {problem}.", status=400)

    def body_writer(
        self, operation: OperationModel | None, service: ServiceModel, shape: StructureShape, names: list[str], tag: str
    ) -> Callable[[dict[str, Any]], bytes]:
        members = [entry for entry in self._writers_of(service).members(shape) if entry[0] in names]
        tag = self.root(operation, tag)
        uri = service.metadata.get("xmlNamespace") or self.namespace
        start = f"{xmlwrite.DECLARATION}<{tag}{xmlwrite.namespace(uri)}>"
        closing = f"</{tag}>"

        def write(value: dict[str, Any]) -> bytes:
            out = [start]
            for name, member in members:
                if (item := value.get(name)) is not None:
                    member(item, out)
            out.append(closing)
            return "".join(out).encode()

        return write

    namespace = ""

    def root(self, operation: OperationModel | None, tag: str) -> str:
        """The name of an answer's root element."""
        if operation is None or operation.output_shape is None:
            return tag
        return operation.output_shape.serialization.get("name", operation.output_shape.name)

    def _writers_of(self, service: ServiceModel) -> xmlwrite.Writers:
        if service not in self._writers:
            self._writers[service] = xmlwrite.Writers(self.iso)
        return self._writers[service]

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
        fields = overridden([("content-type", "text/xml"), *self.fixed_headers(request_id)], error.headers)
        body = self._query.error_body(error, request_id, service, kind, status)
        return WireResponse(status, fields, b"" if head else body)
