"""botocore's service models, read when first needed, and the way from a request to its service and operation.

Reading a model directly (no loader, no session, no client) takes a few milliseconds; documentation is dropped, which
halves the memory. The metadata stands in the first few hundred bytes of each file, so the tables that route requests
are made without reading any model whole.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from lakemill.gateway import protocols
from lakemill.gateway.supplements import supplemented
from lakemill.services.base import HttpRequest, ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

HEAD_BYTES = 8192


class ModelMissing(Exception):
    """botocore knows no such client. Field: client."""

    def __init__(self, client: str) -> None:
        super().__init__(f"botocore has no model for the client {client!r}")
        self.client = client


@functools.cache
def _data() -> Path:
    """The folder of botocore's models, found without importing botocore."""
    spec = importlib.util.find_spec("botocore")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "data"


def _folder(client: str) -> Path:
    """The folder of the client's newest API version."""
    try:
        versions = [path for path in (_data() / client).iterdir() if path.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        raise ModelMissing(client) from None
    return max(versions, key=lambda path: path.name)


def _open(client: str) -> Any:
    path = _folder(client) / "service-2.json.gz"
    return gzip.open(path) if path.exists() else path.with_suffix("").open("rb")


@functools.cache
def metadata(client: str) -> dict[str, Any]:
    """The `metadata` block of a client's model, without reading the rest."""
    with _open(client) as file:
        head = file.read(HEAD_BYTES).decode("utf-8", "ignore")
        start = head.find('"metadata"')
        if start >= 0:
            try:
                return json.JSONDecoder().raw_decode(head, head.index("{", start))[0]
            except ValueError:
                pass  # It does not stand at the beginning of this file.
    return _description(client)["metadata"]


def _without_documentation(node: Any) -> Any:
    if isinstance(node, dict):
        # A member may itself be called documentation; then its value is not a text.
        return {k: _without_documentation(v) for k, v in node.items() if k != "documentation" or not isinstance(v, str)}
    if isinstance(node, list):
        return [_without_documentation(item) for item in node]
    return node


def _description(client: str) -> dict[str, Any]:
    """A model without its documentation.

    botocore's loader would merge "sdk-extras" into it. They say what the Python SDK does, not what goes over the wire
    (S3's Expires header is any text, though the SDK makes a datetime of it), so they are left out.
    """
    with _open(client) as file:
        return supplemented(client, _without_documentation(msgspec.json.decode(file.read())))


@functools.cache
def service_model(client: str) -> ServiceModel:
    """The model of a boto3 client. Raises ModelMissing."""
    # Imported here because it costs 0.2 s, which a start should not pay.
    from botocore.model import ServiceModel

    return ServiceModel(_description(client), client)


@functools.cache
def operation_model(client: str, operation: str) -> OperationModel:
    """An operation of a client, e.g. `operation_model("s3", "GetObject")`. Raises botocore's OperationNotFoundError."""
    return service_model(client).operation_model(operation)


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What a request is."""

    client: str
    service: ServiceModel
    protocol: protocols.Protocol
    operation: OperationModel
    signing_name: str
    """As the credential scope must say it."""
    streams: bool
    """Whether the handler gets the body while it arrives."""
    name: str
    """The operation's."""
    family: protocols.Family
    signed_later: bool
    """Whether the body is read once the signature is known to be right: S3's, which says what is to be checked about
    them, and those that others take as they come."""


def _found(client: str, service: ServiceModel, protocol: protocols.Protocol, operation: OperationModel) -> Found:
    signing_name = service.metadata.get("signingName") or service.metadata["endpointPrefix"]
    streams = protocol.family in ("s3", "rest") and protocols.takes_stream(operation)
    family = protocol.family
    later = family == "s3" or streams
    return Found(client, service, protocol, operation, signing_name, streams, operation.name, family, later)


REMEMBERED_TYPES = ("application/x-amz-json-1.0", "application/x-amz-json-1.1", "application/x-amz-cbor-1.1")


class Finder:
    """From a request to client, protocol and operation, over the services that are provided."""

    def __init__(self, clients: Iterable[str]) -> None:
        self.clients = tuple(clients)
        self._by_name: dict[str, list[str]] = {}
        self._by_target: dict[str, str] = {}
        self._found: dict[tuple[str | None, str | None], Found] = {}
        for client in self.clients:
            about = metadata(client)
            prefix = about["endpointPrefix"]
            for name in dict.fromkeys((client, about.get("signingName", prefix), prefix)):
                self._by_name.setdefault(name, []).append(client)
            if target := about.get("targetPrefix"):
                self._by_target[target] = client

    def named(self, name: str) -> tuple[str, ...]:
        """The clients with this signing name, endpoint prefix or client name; several share `sagemaker`."""
        return tuple(self._by_name.get(name, ()))

    def targeted(self, target: str) -> str | None:
        """The client an X-Amz-Target belongs to: `SageMaker.CreateModel` -> `sagemaker`."""
        return self._by_target.get(target.rpartition(".")[0])

    def candidates(self, name: str, http: HttpRequest) -> tuple[str, ...]:
        """The clients a request may be for, by its target, its Smithy path, and a signing (or other) name."""
        target = http.header("x-amz-target")
        if target is None and http.header("smithy-protocol"):
            target = http.raw_path.rpartition(b"/service/")[2].partition(b"/")[0].decode("latin-1") + "."
        client = self.targeted(target) if target else None
        return (client,) if client else self.named(name)

    def protocol(self, name: str, http: HttpRequest) -> tuple[ServiceModel, protocols.Protocol] | None:
        """Service and protocol as far as the headers tell; None when no provided service goes by this name."""
        for client in self.candidates(name, http):
            service = service_model(client)
            return service, protocols.choose(http.headers, service)
        return None

    def remembered(self, http: HttpRequest) -> Found | None:
        """The answer, where a target and a content type that were met before give it. None of them reads the body."""
        headers = http.first_headers()
        return self._found.get((headers.get("x-amz-target"), headers.get("content-type", "")))

    def find(self, name: str, http: HttpRequest, body: bytes = b"", path: bytes | None = None) -> Found:
        """The whole answer. name: the signing name (or endpoint prefix, or client name).

        body is looked at only by protocols with `operation_in_body`; path overrides the path sent.
        Raises ServiceError, also when no provided service goes by this name.
        """
        if (known := self.remembered(http)) is not None:
            return known
        found = self._search(name, http, body, path)
        target, kind = http.header("x-amz-target"), http.header("content-type", "")
        # A known target decides alone, and there are no more of them than operations.
        if target and kind in REMEMBERED_TYPES and self.targeted(target):
            self._found[target, kind] = found
        return found

    def _search(self, name: str, http: HttpRequest, body: bytes, path: bytes | None) -> Found:
        refusal: ServiceError | None = None
        for client in self.candidates(name, http):
            service = service_model(client)
            protocol = protocols.choose(http.headers, service)
            try:
                return _found(client, service, protocol, protocol.operation(service, http, body, path))
            except ServiceError as error:
                refusal = refusal or error
        raise refusal or ServiceError("UnknownOperationException", f"lakemill does not provide {name!r}.", status=404)
