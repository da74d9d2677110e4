"""What a caller must be allowed: the action on the resource's ARN, with its condition keys; iam:PassRole for roles."""

from collections.abc import Mapping
from typing import Any

from lakemill.engines.resources import Resources
from lakemill.services.base import Call, Need
from lakemill.services.sagemaker import resources as ours
from lakemill.services.sagemaker.access import SERVICE

# The first noun an operation's name holds says which resource it acts on, and by which member it names it.
NAMED = {
    "TrainingJob": (ours.TRAINING_JOB, "TrainingJobName"),
    "TransformJob": (ours.TRANSFORM_JOB, "TransformJobName"),
    "EndpointConfig": (ours.ENDPOINT_CONFIG, "EndpointConfigName"),
    "Endpoint": (ours.ENDPOINT, "EndpointName"),
    "Model": (ours.MODEL, "ModelName"),
}
ROLES = ("RoleArn", "ExecutionRoleArn")


def needs(call: Call, request: Mapping[str, Any], resources: Resources) -> list[Need]:
    """Every permission of one call."""
    arn = _resource(call, request)
    context = _context(request) | _tags_of(arn, resources)
    found = [Need(f"sagemaker:{call.operation}", arn, context)]
    if request.get("Tags") and call.operation != "AddTags":
        found.append(Need("sagemaker:AddTags", arn, context))
    for member in ROLES:
        if role := request.get(member):
            passed = {"iam:PassedToService": SERVICE, "iam:AssociatedResourceArn": arn}
            found.append(Need("iam:PassRole", role, passed, resource_account=role.split(":")[4]))
    return found


def _resource(call: Call, request: Mapping[str, Any]) -> str:
    """The ARN a call is about; `*` for lists."""
    if "ResourceArn" in request:
        return request["ResourceArn"]
    for noun, (kind, member) in NAMED.items():
        if noun in call.operation and member in request:
            return ours.arn(ours.scope(call), kind, request[member])
    return "*"


def _context(request: Mapping[str, Any]) -> dict[str, Any]:
    """Condition keys of the request itself."""
    keys: dict[str, Any] = {}
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    if names := list(tags) or list(request.get("TagKeys", [])):
        keys["aws:TagKeys"] = names
    keys |= {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    types = [request.get(where, {}).get("InstanceType") for where in ("ResourceConfig", "TransformResources")]
    types += [variant.get("InstanceType") for variant in request.get("ProductionVariants", [])]
    if types := [one for one in types if one]:
        keys["sagemaker:InstanceTypes"] = types
    if "EnableNetworkIsolation" in request:
        keys["sagemaker:NetworkIsolation"] = str(request["EnableNetworkIsolation"]).lower()
    if limit := request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"):
        keys["sagemaker:MaxRuntimeInSeconds"] = str(limit)
    return keys


def _tags_of(arn: str, resources: Resources) -> dict[str, str]:
    """Condition keys of the resource, if it exists."""
    if arn == "*":
        return {}
    kind, scope, name = ours.parse_arn(arn)
    document = resources.find(kind, scope, name) if kind in ours.KINDS and name else None
    tags = document.get("tags", {}) if document else {}
    keys = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    return keys | {f"sagemaker:ResourceTag/{key}": value for key, value in tags.items()}
