"""Endpoint configurations: which models, how many instances of each, how much of the traffic."""

from collections.abc import Mapping
from typing import Any

from lakemill.engines.hosting import INSTANCES_MAX, VariantSpec
from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.sagemaker.errors import invalid, unsupported
from lakemill.services.sagemaker.models import listing, missing, named_model, served
from lakemill.services.sagemaker.resources import ENDPOINT_CONFIG, arn, scope, tags
from lakemill.services.sagemaker.tags import refuse_reserved

REFUSED = {
    "DataCaptureConfig": "requests and answers are not captured yet",
    "KmsKeyId": "volumes are folders of this machine and are not encrypted",
    "AsyncInferenceConfig": "asynchronous inference is not available yet; CreateTransformJob takes large inputs",
    "ExplainerConfig": "explanations are not available yet",
    "ShadowProductionVariants": "shadow variants are not available yet",
    "ExecutionRoleArn": "it is for inference components, which are not available yet",
    "VpcConfig": "lakemill has no VPCs",
    "MetricsConfig": "enhanced metrics are not available yet",
    "CrossRegionTrafficConfig": "lakemill has one region's machines",
}
VARIANT_REFUSED = {
    "InstancePools": "there are no instance types to choose from",
    "VariantInstanceProvisionTimeoutInSeconds": "there are no instance pools to wait for",
    "AcceleratorType": "there are no elastic accelerators",
    "CoreDumpConfig": "core dumps are not collected",
    "ServerlessConfig": "serverless inference is not available yet; give InstanceType and InitialInstanceCount",
    "EnableSSMAccess": "there is no session manager",
    "ManagedInstanceScaling": "instances are not scaled by themselves yet",
    "InferenceAmiVersion": "there are no machine images",
    "CapacityReservationConfig": "there are no capacity reservations",
    "AcceleratorPartitionLayouts": "accelerators are not partitioned",
}
ROUTING = {"LEAST_OUTSTANDING_REQUESTS": "least busy", "RANDOM": "random"}


class EndpointConfigs:
    """Mixin. Needs self.resources."""

    resources: Resources

    @operation("CreateEndpointConfig", refuses=REFUSED)
    async def create_endpoint_config(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        refuse_reserved(tags(request))
        if request.get("EnableNetworkIsolation"):
            raise unsupported("EnableNetworkIsolation", "set it on the model")
        name, here = request["EndpointConfigName"], scope(call)
        check_variants(request["ProductionVariants"])
        for variant in request["ProductionVariants"]:
            named_model(self.resources, here, variant["ModelName"])
        document = {"variants": request["ProductionVariants"]}
        try:
            await self.resources.create(ENDPOINT_CONFIG, here, name, document, tags(request))
        except ResourceExists:
            existing = arn(here, ENDPOINT_CONFIG, name)
            raise invalid(f'Cannot create already existing endpoint configuration "{existing}".') from None
        return {"EndpointConfigArn": arn(here, ENDPOINT_CONFIG, name)}

    @operation("DescribeEndpointConfig")
    def describe_endpoint_config(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = named_config(self.resources, scope(call), request["EndpointConfigName"])
        return {
            "EndpointConfigName": document["name"],
            "EndpointConfigArn": arn(document["scope"], ENDPOINT_CONFIG, document["name"]),
            "ProductionVariants": [{"InitialVariantWeight": 1.0} | variant for variant in document["variants"]],
            "CreationTime": document["created"],
            "EnableNetworkIsolation": False,
        }

    @operation("ListEndpointConfigs")
    def list_endpoint_configs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = listing(self.resources, ENDPOINT_CONFIG, call, request)
        configs = [
            {
                "EndpointConfigName": one["name"],
                "EndpointConfigArn": arn(one["scope"], ENDPOINT_CONFIG, one["name"]),
                "CreationTime": one["created"],
            }
            for one in found.items
        ]
        return {"EndpointConfigs": configs} | ({"NextToken": found.token} if found.token else {})

    @operation("DeleteEndpointConfig")
    async def delete_endpoint_config(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, here = request["EndpointConfigName"], scope(call)
        try:
            await self.resources.delete(ENDPOINT_CONFIG, here, name)
        except ResourceMissing:
            raise missing(ENDPOINT_CONFIG, here, name) from None
        return {}


def named_config(resources: Resources, here: str, name: str) -> dict[str, Any]:
    """The document. Raises the ServiceError that SDKs probe for."""
    try:
        return resources.get(ENDPOINT_CONFIG, here, name)
    except ResourceMissing:
        raise missing(ENDPOINT_CONFIG, here, name) from None


def check_variants(variants: list[dict[str, Any]]) -> None:
    """Raise a ServiceError for what is wrong or not honoured."""
    names = [variant["VariantName"] for variant in variants]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise invalid(f"ProductionVariants must have unique names; got {twice!r} more than once.")
    for variant in variants:
        _check_variant(variant)
    if not any(variant.get("InitialVariantWeight", 1.0) for variant in variants):
        raise invalid("At least one production variant must have an InitialVariantWeight above 0.")
    check_count(sum(variant["InitialInstanceCount"] for variant in variants))


def _check_variant(variant: Mapping[str, Any]) -> None:
    where = f"ProductionVariant {variant['VariantName']!r}"
    for member, reason in VARIANT_REFUSED.items():
        if variant.get(member):
            raise unsupported(f"{where}: {member}", reason)
    if not variant.get("ModelName"):
        raise unsupported(f"{where} without ModelName", "inference components are not available yet")
    for member in ("InstanceType", "InitialInstanceCount"):
        if not variant.get(member):
            raise invalid(f"{where} must have {member}.")
    routing = variant.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM")
    if routing not in ROUTING:
        raise unsupported(f"{where}: RoutingStrategy={routing}", f"use one of {', '.join(ROUTING)}")


def check_count(count: int) -> None:
    """Raise a ServiceError for more instances than an endpoint may have."""
    if count > INSTANCES_MAX:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"An endpoint of lakemill may have {INSTANCES_MAX} instances, each of which is a process of this machine; "
            f"got {count}.",
        )


def specs(resources: Resources, config: Mapping[str, Any]) -> list[VariantSpec]:
    """What hosting is to run for a configuration. Raises a ServiceError when a model is gone."""
    return [_spec(named_model(resources, config["scope"], one["ModelName"]), one) for one in config["variants"]]


def _spec(model: Mapping[str, Any], variant: Mapping[str, Any]) -> VariantSpec:
    # Without a RoutingConfig requests go to the least busy instance: never worse for the caller than at random.
    strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy", "LEAST_OUTSTANDING_REQUESTS")
    return VariantSpec(
        name=variant["VariantName"],
        model=served(model),
        count=variant["InitialInstanceCount"],
        weight=variant.get("InitialVariantWeight", 1.0),
        start_timeout_s=float(variant.get("ContainerStartupHealthCheckTimeoutInSeconds", 240)),
        download_timeout_s=float(variant.get("ModelDataDownloadTimeoutInSeconds", 3600)),
        routing=ROUTING[strategy],
    )
