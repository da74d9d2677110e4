"""What both APIs do alike."""

from collections.abc import Callable
from typing import Any, ClassVar

from lakemill.engines.analytics import KIND, Analytics, part_of
from lakemill.services.base import Call, Need, Service, ServiceError, operation, pass_role
from lakemill.services.kinesisanalytics import arns, parts, views
from lakemill.services.kinesisanalytics.access import SERVICE
from lakemill.services.kinesisanalytics.discovery import Discovery
from lakemill.services.kinesisanalytics.errors import in_awss_words, invalid
from lakemill.services.kinesisanalytics.planning import Planning

Document = dict[str, Any]
APPLICATIONS_PAGE = 50
CODE_BYTES_MAX = 102_400


class Applications(Service):
    """Base of both services."""

    iam_prefix: ClassVar[str] = "kinesisanalytics"

    def __init__(self, analytics: Analytics, planning: Planning) -> None:
        self.analytics, self.planning = analytics, planning
        self.discovery = Discovery(analytics, planning)

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        name = request.get("ApplicationName")
        is_application = ":application/" in request.get("ResourceARN", "")
        resource = call.arn(f"application/{name}", "kinesisanalytics") if name else "*"
        if is_application:
            resource = request["ResourceARN"]
        return [
            Need(f"kinesisanalytics:{call.operation}", resource),
            *(pass_role(role, SERVICE) for role in sorted(parts.roles_in(request))),
        ]

    # For the handlers

    def _get(self, call: Call, request: dict[str, Any]) -> Document:
        with in_awss_words():
            return self.analytics.get(_scope(call), request["ApplicationName"])

    def _check_roles(self, request: dict[str, Any]) -> None:
        for role in sorted(parts.roles_in(request)):
            self.planning.access.check_trust(role)

    async def _create(self, call: Call, request: dict[str, Any], document: Document) -> Document:
        parts.check_counts(document)
        self._check_roles(request)
        tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", [])}
        with in_awss_words():
            return await self.analytics.create(_scope(call), request["ApplicationName"], document, tags)

    async def _change(self, call: Call, request: dict[str, Any], change: Callable[[Document], None]) -> Document:
        self._check_roles(request)
        self._get(call, request)
        with in_awss_words():
            version = self._version(call, request)
            return await self.analytics.change(_scope(call), request["ApplicationName"], change, version)

    def _version(self, call: Call, request: dict[str, Any]) -> int | None:
        """Which version a change is meant for."""
        return request["CurrentApplicationVersionId"]

    async def _start(self, call: Call, request: dict[str, Any], starts: dict[str, str]) -> Document:
        document = self._get(call, request)
        with in_awss_words(starting=True):
            if document["status"] == "ready" and not (document["inputs"] and document["code"].strip()):
                message = "An application needs code and an input before it can be started."
                raise ServiceError("InvalidApplicationConfigurationException", message)
            for id, start in starts.items():
                part_of(document, "inputs", id)
                if start == views.POSITIONS["LAST_STOPPED_POINT"] and not self.analytics.stood(document):
                    raise invalid("InputStartingPosition=LAST_STOPPED_POINT needs an earlier run, and there was none.")
            return await self.analytics.start(_scope(call), request["ApplicationName"], starts)

    # Inputs, outputs and the rest, one at a time

    async def _add(self, call: Call, request: dict[str, Any], part: str, made: Document) -> Document:
        def add(document: Document) -> None:
            only_logs(document, part)
            document[part].append(dict(made))
            parts.check_counts(document)

        return await self._change(call, request, add)

    async def _drop(self, call: Call, request: dict[str, Any], part: str, id: str) -> Document:
        def drop(document: Document) -> None:
            only_logs(document, part)
            document[part].remove(part_of(document, part, id))

        return await self._change(call, request, drop)

    async def _process(self, call: Call, request: dict[str, Any], processor: Document | None) -> Document:
        def change(document: Document) -> None:
            only_logs(document, "inputs")
            one = part_of(document, "inputs", request["InputId"])
            if processor is None and one["processor"] is None:
                raise invalid(f"The input {one['id']} has no InputProcessingConfiguration.")
            if processor is not None and one["processor"] is not None:
                raise invalid(f"The input {one['id']} has an InputProcessingConfiguration already.")
            one["processor"] = processor

        return await self._change(call, request, change)

    # The same in both

    @operation("DeleteApplication")
    async def delete_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._get(call, request)
        # SDKs send whole seconds.
        if int(request["CreateTimestamp"].timestamp()) != int(document["created"].timestamp()):
            raise invalid(
                "CreateTimestamp does not match the application's; use the value that DescribeApplication gives."
            )
        with in_awss_words():
            await self.analytics.delete(_scope(call), request["ApplicationName"])
        return {}

    @operation("ListTagsForResource")
    def list_tags_for_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name = arns.application_name(request["ResourceARN"])
        with in_awss_words():
            tags = self.analytics.get(scope, name)["tags"]
        return {"Tags": [{"Key": key, "Value": tags[key]} for key in sorted(tags)]}

    @operation("TagResource")
    async def tag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name = arns.application_name(request["ResourceARN"])
        with in_awss_words():
            tags = {tag["Key"]: tag.get("Value", "") for tag in request["Tags"]}
            await self.analytics.resources.tag(KIND, scope, name, tags)
        return {}

    @operation("UntagResource")
    async def untag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name = arns.application_name(request["ResourceARN"])
        with in_awss_words():
            await self.analytics.resources.untag(KIND, scope, name, request["TagKeys"])
        return {}


def only_logs(document: Document, part: str) -> None:
    """Raise a ServiceError for a part that Flink applications do not have."""
    if "flink" in document and part != "logs":
        raise invalid(f"{document['name']} is a Flink application, which has no {part}; its program has its own.")


def positions_of(configurations: list[dict[str, Any]], id_member: str) -> dict[str, str]:
    """Where inputs are to start, by their ids."""
    return {
        one[id_member]: views.POSITIONS[one["InputStartingPositionConfiguration"].get("InputStartingPosition", "NOW")]
        for one in configurations
    }


def _scope(call: Call) -> str:
    return f"{call.account}/{call.region}"
