"""The operations of Data Firehose that lakemill provides."""

import itertools
from pathlib import Path
from typing import Any, ClassVar

from lakemill.engines.catalog import Catalog
from lakemill.engines.delivery import KIND, Delivery, NotReady, StaleVersion
from lakemill.engines.delivery.web import WebClient
from lakemill.engines.functions import Functions
from lakemill.engines.keys import Keys, KeysError
from lakemill.engines.loglines import LogLines
from lakemill.engines.objects import Objects
from lakemill.engines.resources import ResourceExists, ResourceMissing, TooManyTags
from lakemill.engines.streams import Streams
from lakemill.engines.warehouses import Warehouses
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, Need, Service, ServiceError, operation, pass_role
from lakemill.services.firehose import encryption, sources
from lakemill.services.firehose.access import SERVICE, RoleAccess
from lakemill.services.firehose.destinations import KINDS, chosen, described, updated
from lakemill.services.firehose.encryption import Encryption
from lakemill.services.firehose.errors import invalid, missing
from lakemill.services.firehose.planning import Means, Planning, arn_of
from lakemill.services.firehose.puts import Puts

DESTINATION_ID = "destinationId-000000000001"
STATUS = {"creating": "CREATING", "active": "ACTIVE", "deleting": "DELETING"}
CONFIGURING = {"CreateDeliveryStream", "UpdateDestination", "StartDeliveryStreamEncryption"}
"""Operations that may hand over roles and keys."""
STREAMS_PAGE, TAGS_PAGE = 10, 50


class Firehose(Puts, Encryption, Service):
    """boto3 client `firehose`.

    authority: a file with certificates to trust beside the system's.
    enforce: whether roles must exist, be trusted, and have their permissions.
    """

    name: ClassVar[str] = "firehose"
    errors: ClassVar = {
        NotReady: "ResourceInUseException",
        ResourceMissing: "ResourceNotFoundException",
        TooManyTags: "LimitExceededException",
    }

    def __init__(
        self,
        *,
        delivery: Delivery,
        streams: Streams,
        objects: Objects,
        loglines: LogLines,
        identity: Any,
        functions: Functions,
        keys: Keys,
        catalog: Catalog,
        warehouses: Warehouses,
        clock: Clock,
        authority: Path | None = None,
        enforce: bool = True,
    ) -> None:
        self.delivery, self.streams, self.keys, self.clock = delivery, streams, keys, clock
        self.access = RoleAccess(identity, objects, enforce=enforce)
        delivery.use(
            Planning(
                Means(
                    objects=objects,
                    loglines=loglines,
                    access=self.access,
                    clock=clock,
                    functions=functions,
                    streams=streams,
                    keys=keys,
                    web=WebClient(authority),
                    pool=delivery.pool,
                    catalog=catalog,
                    warehouses=warehouses,
                )
            )
        )

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        name = request.get("DeliveryStreamName")
        resource = arn_of(_scope(call), name) if name else "*"
        needs = [Need(f"firehose:{call.operation}", resource)]
        if call.operation in CONFIGURING:
            needs += [pass_role(role, SERVICE, resource) for role in sorted(_roles(request))]
            needs += encryption.needs(self.keys, request)
        return needs

    # Streams

    @operation(
        "CreateDeliveryStream",
        refuses={
            "AmazonOpenSearchServerlessDestinationConfiguration": "there is no OpenSearch Serverless",
            "SnowflakeDestinationConfiguration": "there is no Snowflake",
            "IcebergDestinationConfiguration": "",
            "MSKSourceConfiguration": "records come from producers or from a data stream",
            "DatabaseSourceConfiguration": "records come from producers or from a data stream",
        },
    )
    async def create_delivery_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        kind, config = chosen(request)
        config = KINDS[kind].complete(config)
        for role in sorted(_roles(request)):
            self.access.check_trust(role)
        document, source = sources.of(request, self.streams)
        document["destination"] = {"kind": kind, "config": config}
        locked = encryption.wanted(request)
        if locked is not None:
            if source is not None:
                raise invalid("Only a Firehose of the type DirectPut can be encrypted; encrypt its Kinesis stream.")
            document["encryption"] = {"type": locked[0], "arn": locked[1] if locked[0] == encryption.CUSTOMER else None}
        tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", [])}
        name = request["DeliveryStreamName"]
        try:
            await self.delivery.create(_scope(call), name, document, tags, source, locked and locked[1])
        except ResourceExists:
            message = f"Firehose {name} under accountId {call.account} already exists"
            raise ServiceError("ResourceInUseException", message) from None
        except KeysError as error:
            raise encryption.key_refused(error) from None
        return {"DeliveryStreamARN": arn_of(_scope(call), name)}

    @operation("DeleteDeliveryStream")
    async def delete_delivery_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        # "AllowForceDelete" is about grants on keys that cannot be taken back; there are none.
        self._named(call, request)
        await self.delivery.delete(_scope(call), request["DeliveryStreamName"])
        return {}

    def _named(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        """The document of the stream that is meant."""
        try:
            return self.delivery.get(_scope(call), request["DeliveryStreamName"])
        except ResourceMissing:
            raise missing(request["DeliveryStreamName"], call.account) from None

    @operation("DescribeDeliveryStream")
    def describe_delivery_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._named(call, request)
        destination = {"DestinationId": DESTINATION_ID} | described(document["destination"])
        after = request.get("ExclusiveStartDestinationId", "")
        destinations = [destination][: request.get("Limit", 1)] if after < DESTINATION_ID else []
        description = {
            "DeliveryStreamName": document["name"],
            "DeliveryStreamARN": arn_of(document["scope"], document["name"]),
            "DeliveryStreamStatus": STATUS[document["status"]],
            "DeliveryStreamType": document["type"],
            "DeliveryStreamEncryptionConfiguration": encryption.described(document),
            "VersionId": str(document["version"]),
            "CreateTimestamp": document["created"],
            "Destinations": destinations,
            "HasMoreDestinations": False,
        }
        if document["version"] > 1:
            description["LastUpdateTimestamp"] = document["modified"]
        return {"DeliveryStreamDescription": description | sources.described(document)}

    @operation("ListDeliveryStreams")
    def list_delivery_streams(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        after, wanted = request.get("ExclusiveStartDeliveryStreamName", ""), request.get("DeliveryStreamType")
        limit = request.get("Limit", STREAMS_PAGE)
        names = (
            one["name"]
            for one in self.delivery.resources.all(KIND, _scope(call))
            if one["name"] > after and wanted in (None, one["type"])
        )
        page = list(itertools.islice(names, limit + 1))
        return {"DeliveryStreamNames": page[:limit], "HasMoreDeliveryStreams": len(page) > limit}

    @operation(
        "UpdateDestination",
        refuses={
            "AmazonOpenSearchServerlessDestinationUpdate": "there is no OpenSearch Serverless",
            "SnowflakeDestinationUpdate": "there is no Snowflake",
            "IcebergDestinationUpdate": "",
        },
    )
    async def update_destination(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self._named(call, request)
        if request["DestinationId"] != DESTINATION_ID:
            raise invalid(f"Destination Id {request['DestinationId']} not found")
        kind, update = chosen(request, update=True)
        for role in sorted(_roles(request)):
            self.access.check_trust(role)

        def change(document: dict[str, Any]) -> None:
            document["destination"] = updated(document["destination"], kind, update)

        version = request["CurrentDeliveryStreamVersionId"]
        try:
            await self.delivery.change(_scope(call), request["DeliveryStreamName"], change, version=version)
        except StaleVersion as stale:
            raise ServiceError(
                "ConcurrentModificationException",
                f"The version id {stale.given} is not the current one, which is {stale.current}.",
            ) from None
        return {}

    # Tags

    @operation("TagDeliveryStream")
    async def tag_delivery_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self._named(call, request)
        tags = {tag["Key"]: tag.get("Value", "") for tag in request["Tags"]}
        await self.delivery.resources.tag(KIND, _scope(call), request["DeliveryStreamName"], tags)
        return {}

    @operation("UntagDeliveryStream")
    async def untag_delivery_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self._named(call, request)
        await self.delivery.resources.untag(KIND, _scope(call), request["DeliveryStreamName"], request["TagKeys"])
        return {}

    @operation("ListTagsForDeliveryStream")
    def list_tags_for_delivery_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        tags = self._named(call, request)["tags"]
        after, limit = request.get("ExclusiveStartTagKey", ""), request.get("Limit", TAGS_PAGE)
        page = [key for key in sorted(tags) if key > after]
        return {
            "Tags": [{"Key": key, "Value": tags[key]} for key in page[:limit]],
            "HasMoreTags": len(page) > limit,
        }


def _scope(call: Call) -> str:
    return f"{call.account}/{call.region}"


def _roles(request: Any) -> set[str]:
    """Every role a request hands over."""
    if isinstance(request, dict):
        if request.get("ParameterName") == "RoleArn":
            return {request["ParameterValue"]}
        return {
            role for member, value in request.items() for role in ({value} if member == "RoleARN" else _roles(value))
        }
    return set().union(*map(_roles, request)) if isinstance(request, list) else set()
