"""The resources SageMaker keeps: kinds (the word in their ARN), scopes and ARNs.

Kinds are also the tables of engines/resources, so tags and ARNs need no further map.
"""

from typing import Any

from lakemill.services.base import Call

TRAINING_JOB = "training-job"
MODEL = "model"
ENDPOINT_CONFIG = "endpoint-config"
ENDPOINT = "endpoint"
TRANSFORM_JOB = "transform-job"
KINDS = (TRAINING_JOB, MODEL, ENDPOINT_CONFIG, ENDPOINT, TRANSFORM_JOB)


def scope(call: Call) -> str:
    """Where the caller's resources live: "account/region"."""
    return f"{call.account}/{call.region}"


def arn(scope: str, kind: str, name: str) -> str:
    """A resource's ARN.

    >>> arn("000000000000/us-east-1", MODEL, "churn")
    'arn:aws:sagemaker:us-east-1:000000000000:model/churn'
    """
    account, region = scope.split("/")
    return f"arn:aws:sagemaker:{region}:{account}:{kind}/{name}"


def parse_arn(text: str) -> tuple[str, str, str]:
    """(kind, scope, name) of an ARN; the name is empty when it names no resource.

    >>> parse_arn("arn:aws:sagemaker:us-east-1:000000000000:model/churn")
    ('model', '000000000000/us-east-1', 'churn')
    """
    _, _, _, region, account, resource = text.split(":", 5)
    kind, _, name = resource.partition("/")
    return kind, f"{account}/{region}", name


def tags(request: dict[str, Any]) -> dict[str, str]:
    """The `Tags` of a request as a dict."""
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
