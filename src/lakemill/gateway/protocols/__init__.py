"""The wire protocols, server side. `choose` picks one by a request's headers; see base.Protocol for what each does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakemill.gateway.protocols.awsjson import AwsJson
from lakemill.gateway.protocols.base import Family, Protocol, WireResponse, gives_stream, takes_stream
from lakemill.gateway.protocols.cbor import AmzCbor, RpcV2Cbor
from lakemill.gateway.protocols.query import Query
from lakemill.gateway.protocols.restjson import RestJson
from lakemill.gateway.protocols.restxml import RestXml
from lakemill.gateway.protocols.s3xml import S3Xml
from lakemill.services.base import HttpRequest

if TYPE_CHECKING:
    from botocore.model import ServiceModel

JSON_1_0 = AwsJson("1.0")
JSON_1_1 = AwsJson("1.1")
AMZ_CBOR = AmzCbor()
RPC_V2_CBOR = RpcV2Cbor()
QUERY = Query()
REST_JSON = RestJson()
REST_XML = RestXml()
S3_XML = S3Xml()

ALL: tuple[Protocol, ...] = (JSON_1_0, JSON_1_1, AMZ_CBOR, RPC_V2_CBOR, QUERY, REST_JSON, REST_XML, S3_XML)


def choose(headers: list[tuple[str, str]], service: ServiceModel) -> Protocol:
    """The protocol a request is written in. headers: lower-case names.

    The headers decide; only where they do not (REST, a request without any sign) does the service's model.
    """
    content_type = target = smithy = ""
    for name, value in headers:
        if name == "content-type":
            content_type = content_type or value.partition(";")[0].strip().lower()
        elif name == "x-amz-target":
            target = value
        elif name == "smithy-protocol":
            smithy = value
    if smithy == "rpc-v2-cbor":
        return RPC_V2_CBOR
    if target:
        if content_type == "application/x-amz-cbor-1.1":
            return AMZ_CBOR
        return JSON_1_0 if content_type == "application/x-amz-json-1.0" else JSON_1_1
    spoken = service.metadata.get("protocols") or [service.metadata["protocol"]]
    if "rest-xml" in spoken:
        return S3_XML if service.endpoint_prefix == "s3" else REST_XML
    if "rest-json" in spoken:
        return REST_JSON
    if "query" in spoken:
        return QUERY
    return JSON_1_0 if service.metadata.get("jsonVersion") == "1.0" else JSON_1_1


def fallback(http: HttpRequest) -> Protocol:
    """The protocol to refuse a request in when its service is not known, so by its headers alone."""
    content_type = (http.header("content-type") or "").partition(";")[0].strip().lower()
    if http.header("smithy-protocol") == "rpc-v2-cbor":
        return RPC_V2_CBOR
    if content_type == "application/x-amz-cbor-1.1":
        return AMZ_CBOR
    if http.header("x-amz-target") or content_type.startswith("application/x-amz-json-"):
        return JSON_1_0 if content_type == "application/x-amz-json-1.0" else JSON_1_1
    if content_type == "application/x-www-form-urlencoded" or b"Action=" in http.query_string:
        return QUERY
    return REST_JSON


__all__ = [
    "ALL",
    "Family",
    "Protocol",
    "WireResponse",
    "choose",
    "fallback",
    "gives_stream",
    "takes_stream",
]
