"""Endpoints: create, describe, list, update, delete. The work is done by engines/hosting."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from lakemill.engines.hosting import EndpointBusy, EndpointMissing, Hosting, NoTraffic, VariantMissing, VariantSpec
from lakemill.engines.resources import ResourceExists, Resources
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.sagemaker.endpoint_configs import check_count, named_config, specs
from lakemill.services.sagemaker.errors import invalid, unsupported
from lakemill.services.sagemaker.models import listing, missing
from lakemill.services.sagemaker.resources import ENDPOINT, arn, scope, tags
from lakemill.services.sagemaker.tags import refuse_reserved

STATUS = {
    "creating": "Creating",
    "serving": "InService",
    "updating": "Updating",
    "failed": "Failed",
    "deleting": "Deleting",
}
REASON_CHARS_MAX = 1024


class Endpoints:
    """Mixin. Needs self.resources, self.hosting."""

    resources: Resources
    hosting: Hosting

    @operation("CreateEndpoint")
    async def create_endpoint(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        check_deployment(request.get("DeploymentConfig"))
        refuse_reserved(tags(request))
        name, here = request["EndpointName"], scope(call)
        config = named_config(self.resources, here, request["EndpointConfigName"])
        try:
            await self.hosting.create(
                here,
                name,
                config["name"],
                specs(self.resources, config),
                log_group=f"/aws/sagemaker/Endpoints/{name}",
                attributes={"config": config["name"]},
                tags=tags(request),
            )
        except ResourceExists:
            raise invalid(f'Cannot create already existing endpoint "{arn(here, ENDPOINT, name)}".') from None
        return {"EndpointArn": arn(here, ENDPOINT, name)}

    @operation(
        "UpdateEndpoint",
        refuses={"RetainDeploymentConfig": "an endpoint's fleet is always replaced all at once"},
    )
    async def update_endpoint(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        check_deployment(request.get("DeploymentConfig"))
        name, here = request["EndpointName"], scope(call)
        current = self._endpoint(here, name)
        config = named_config(self.resources, here, request["EndpointConfigName"])
        wanted = specs(self.resources, config)
        excluded = {one["VariantPropertyType"] for one in request.get("ExcludeRetainedVariantProperties", [])}
        if request.get("RetainAllVariantProperties"):
            wanted = retained(wanted, current["fleet"], excluded)
        elif excluded:
            raise invalid("ExcludeRetainedVariantProperties needs RetainAllVariantProperties set to true.")
        with self._changing(here, name):
            await self.hosting.update(here, name, config["name"], wanted)
        return {"EndpointArn": arn(here, ENDPOINT, name)}

    @operation("UpdateEndpointWeightsAndCapacities")
    async def update_endpoint_weights_and_capacities(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, here = request["EndpointName"], scope(call)
        changes = request["DesiredWeightsAndCapacities"]
        for change in changes:
            if change.get("ServerlessUpdateConfig"):
                raise unsupported("ServerlessUpdateConfig", "serverless inference is not available yet")
            if change.get("DesiredInstanceCount", 1) < 1:
                raise invalid(f"DesiredInstanceCount of variant {change['VariantName']} must be at least 1; got 0.")
        weights = {one["VariantName"]: one["DesiredWeight"] for one in changes if "DesiredWeight" in one}
        counts = {one["VariantName"]: one["DesiredInstanceCount"] for one in changes if "DesiredInstanceCount" in one}
        fleet = self._endpoint(here, name)["fleet"] or {"variants": []}
        check_count(sum(counts.get(one["name"], one["count"]) for one in fleet["variants"]))
        with self._changing(here, name):
            await self.hosting.adjust(here, name, weights=weights, counts=counts)
        return {"EndpointArn": arn(here, ENDPOINT, name)}

    @operation("DeleteEndpoint")
    async def delete_endpoint(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, here = request["EndpointName"], scope(call)
        with self._changing(here, name):
            await self.hosting.delete(here, name)
        return {}

    @operation("DescribeEndpoint")
    def describe_endpoint(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        here = scope(call)
        document = self._endpoint(here, request["EndpointName"])
        return describe(document, self.hosting.up(here, document["name"]))

    @operation("ListEndpoints")
    def list_endpoints(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        def matches(document: dict[str, Any]) -> bool:
            return (
                request.get("StatusEquals", STATUS[document["state"]]) == STATUS[document["state"]]
                and request.get("LastModifiedTimeAfter", document["modified"]) <= document["modified"]
                and request.get("LastModifiedTimeBefore", document["modified"]) >= document["modified"]
            )

        sorts = {"Status": lambda document: (STATUS[document["state"]], document["name"])}
        found = listing(self.resources, ENDPOINT, call, request, where=matches, sorts=sorts)
        endpoints = [_identity(one) for one in found.items]
        return {"Endpoints": endpoints} | ({"NextToken": found.token} if found.token else {})

    def _endpoint(self, here: str, name: str) -> dict[str, Any]:
        try:
            return self.hosting.document(here, name)
        except EndpointMissing:
            raise missing(ENDPOINT, here, name) from None

    @staticmethod
    def _changing(here: str, name: str) -> "Changing":
        return Changing(here, name)


class Changing:
    """Around a change of an endpoint: the engine's errors become AWS's."""

    def __init__(self, here: str, name: str) -> None:
        self._here, self._name = here, name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        place = arn(self._here, ENDPOINT, self._name)
        if isinstance(error, EndpointMissing):
            raise missing(ENDPOINT, self._here, self._name) from None
        if isinstance(error, EndpointBusy):
            raise busy(place, error.state) from None
        if isinstance(error, VariantMissing):
            raise invalid(f'Could not find variant "{error.variant}" of endpoint "{place}".') from None
        if isinstance(error, NoTraffic):
            raise invalid(f'Cannot update endpoint "{place}": {error}.') from None


def busy(place: str, state: str) -> ServiceError:
    """The endpoint cannot be changed in its present state."""
    if state == "failed":
        return invalid(f'Cannot update endpoint "{place}" because its status is Failed; it can only be deleted.')
    return invalid(f'Cannot update in-progress endpoint "{place}".')


def check_deployment(given: Mapping[str, Any] | None) -> None:
    """Only what happens anyway may be asked for: the whole new fleet is up, then all traffic moves, at once."""
    if not given:
        return
    if given.get("RollingUpdatePolicy"):
        raise unsupported("DeploymentConfig.RollingUpdatePolicy", "rolling updates are not available yet")
    if given.get("AutoRollbackConfiguration", {}).get("Alarms"):
        raise unsupported("DeploymentConfig.AutoRollbackConfiguration", "alarms are not watched during an update yet")
    policy = given.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {})
    kind = routing.get("Type", "ALL_AT_ONCE")
    if kind != "ALL_AT_ONCE":
        raise unsupported(f"TrafficRoutingConfiguration.Type={kind}", "only ALL_AT_ONCE is available yet")
    for place, value in (
        ("TrafficRoutingConfiguration.WaitIntervalInSeconds", routing.get("WaitIntervalInSeconds")),
        ("TerminationWaitInSeconds", policy.get("TerminationWaitInSeconds")),
    ):
        if value:
            raise unsupported(f"{place}={value}", "the old fleet ends as soon as its last request is answered; use 0")
    if policy.get("MaximumExecutionTimeoutInSeconds"):
        raise unsupported("MaximumExecutionTimeoutInSeconds", "an update has no time limit beyond its health checks")


def retained(wanted: Sequence[VariantSpec], fleet: Mapping[str, Any] | None, excluded: set[str]) -> list[VariantSpec]:
    """The new variants with the present counts and weights of those of the same name."""
    present = {one["name"]: one for one in (fleet or {"variants": []})["variants"]}
    kept = []
    for spec in wanted:
        old = present.get(spec.name)
        if old and "DesiredInstanceCount" not in excluded:
            spec = dataclasses.replace(spec, count=old["count"])
        if old and "DesiredWeight" not in excluded:
            spec = dataclasses.replace(spec, weight=old["weight"])
        kept.append(spec)
    return kept


def describe(document: Mapping[str, Any], up: Mapping[str, int]) -> dict[str, Any]:
    """A DescribeEndpoint answer; `up` counts the instances of each variant that can take requests."""
    fleet, pending = document["fleet"], document["pending"]
    replacing = pending is not None and "variants" in pending
    # An endpoint that never came up has no fleet; it is called after the configuration it was to have.
    answer = _identity(document) | {"EndpointConfigName": fleet["label"] if fleet else document["config"]}
    if document["failure"]:
        answer["FailureReason"] = failure_reason(document["failure"])[:REASON_CHARS_MAX]
    if fleet is not None:
        adjusting = pending if pending is not None and not replacing else {"weights": {}, "counts": {}}
        answer["ProductionVariants"] = [_variant(one, fleet, adjusting, up) for one in fleet["variants"]]
        if replacing:
            answer["PendingDeploymentSummary"] = _pending(pending)
    return answer


def _identity(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "EndpointName": document["name"],
        "EndpointArn": arn(document["scope"], ENDPOINT, document["name"]),
        "EndpointStatus": STATUS[document["state"]],
        "CreationTime": document["created"],
        "LastModifiedTime": document["modified"],
    }


def _variant(
    one: Mapping[str, Any], fleet: Mapping[str, Any], adjusting: Mapping[str, Any], up: Mapping[str, int]
) -> dict[str, Any]:
    name = one["name"]
    return {
        "VariantName": name,
        "DeployedImages": _images(one, fleet),
        "CurrentWeight": one["weight"],
        "DesiredWeight": adjusting["weights"].get(name, one["weight"]),
        "CurrentInstanceCount": up.get(name, 0),
        "DesiredInstanceCount": adjusting["counts"].get(name, one["count"]),
    }


def _images(one: Mapping[str, Any], fleet: Mapping[str, Any]) -> list[dict[str, Any]]:
    image = one["model"]["image"]
    return [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": fleet["began"]}]


def _pending(fleet: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "EndpointConfigName": fleet["label"],
        "StartTime": fleet["began"],
        "ProductionVariants": [
            {
                "VariantName": one["name"],
                "DeployedImages": _images(one, fleet),
                "DesiredWeight": one["weight"],
                "DesiredInstanceCount": one["count"],
            }
            for one in fleet["variants"]
        ],
    }


def failure_reason(failure: Mapping[str, Any]) -> str:
    """Why a fleet did not come up, in AWS's words."""
    variant, detail = failure["variant"], failure["detail"]
    if failure["kind"] in ("unhealthy", "exited"):
        return (
            f"The primary container for production variant {variant} did not pass the ping health check. "
            "Please check CloudWatch logs for this endpoint."
        )
    if failure["kind"] == "download":
        return (
            f"Failed to download model data for the primary container of production variant {variant}. Please ensure "
            "that there is an object located at its URL and that the role passed to CreateModel has permissions to "
            f"download it. ({detail})"
        )
    if failure["kind"] == "unpack":
        return (
            f"Failed to extract model data archive for the primary container of production variant {variant}. Please "
            f"ensure that the object is a valid tar.gz archive. ({detail})"
        )
    if failure["kind"] == "refused":
        return f"Production variant {variant} cannot run on this machine: {detail}."
    return f"Request to service failed. ({detail})"
