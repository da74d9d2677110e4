"""ARNs of what applications read from and write to."""

import dataclasses
import re

from lakemill.engines.analytics import Place
from lakemill.services.kinesisanalytics.errors import invalid

_ARN = re.compile(r"arn:[a-z-]+:(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*):(?P<account>\d*):(?P<resource>.+)")


@dataclasses.dataclass(frozen=True)
class Arn:
    service: str
    region: str
    account: str
    resource: str

    @property
    def scope(self) -> str:
        return f"{self.account}/{self.region}"


def read(arn: str) -> Arn:
    """Raises a ServiceError."""
    match = _ARN.fullmatch(arn)
    if match is None:
        raise invalid(f"{arn} is not a valid ARN.")
    return Arn(match["service"], match["region"], match["account"], match["resource"])


def place(kind: str, arn: str) -> Place:
    """The stream (kind "stream") or delivery stream ("delivery") of an ARN. Raises a ServiceError."""
    service, prefix = {"stream": ("kinesis", "stream/"), "delivery": ("firehose", "deliverystream/")}[kind]
    found = read(arn)
    if found.service != service or not found.resource.startswith(prefix):
        what = "a Kinesis stream" if kind == "stream" else "a Firehose delivery stream"
        raise invalid(f"{arn} is not the ARN of {what}.")
    return Place(kind, found.scope, found.resource.removeprefix(prefix))


def function(arn: str) -> Arn:
    """Raises a ServiceError."""
    found = read(arn)
    if found.service != "lambda" or not found.resource.startswith("function:"):
        raise invalid(f"{arn} is not the ARN of a Lambda function.")
    return found


def bucket(arn: str) -> str:
    """A bucket's name. Raises a ServiceError."""
    found = read(arn)
    if found.service != "s3" or "/" in found.resource:
        raise invalid(f"{arn} is not the ARN of an S3 bucket.")
    return found.resource


def log_stream(arn: str) -> tuple[str, str, str]:
    """(scope, group, stream) of a log stream. Raises a ServiceError."""
    found = read(arn)
    match = re.fullmatch(r"log-group:(.+?):log-stream:(.+)", found.resource)
    if found.service != "logs" or match is None:
        raise invalid(f"{arn} is not the ARN of a CloudWatch log stream.")
    return found.scope, match[1], match[2]


def application(scope: str, name: str) -> str:
    account, region = scope.split("/")
    return f"arn:aws:kinesisanalytics:{region}:{account}:application/{name}"


def application_name(arn: str) -> tuple[str, str]:
    """(scope, name) of an application's ARN. Raises a ServiceError."""
    found = read(arn)
    if found.service != "kinesisanalytics" or not found.resource.startswith("application/"):
        raise invalid(f"{arn} is not the ARN of an application.")
    return found.scope, found.resource.removeprefix("application/")
