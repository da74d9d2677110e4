"""Functions, versions and aliases as the API shows them."""

import base64
import platform
from collections.abc import Mapping
from typing import Any

from lakemill.engines.functions import Function
from lakemill.services.lambda_.names import LATEST, function_arn
from lakemill.services.lambda_.runtime import version_of

ARCHITECTURE = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
"""This machine's."""
EPHEMERAL_MIB = 512
"""What Lambda shows of a function that asked for nothing else."""


def configuration(function: Function, qualifier: str | None = None) -> dict[str, Any]:
    """FunctionConfiguration. qualifier: what the ARN ends with instead of the version's number."""
    modified = function.modified
    assert modified is not None
    shown = {
        "FunctionName": function.name,
        "FunctionArn": function_arn(function.scope, function.name, qualifier or function.version),
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": function.code_bytes,
        "CodeSha256": sha256(function.code),
        "Description": function.description,
        "Timeout": function.timeout_s,
        "MemorySize": function.memory_mib,
        "LastModified": f"{modified:%Y-%m-%dT%H:%M:%S}.{modified.microsecond // 1000:03d}+0000",
        "Version": version_of(function),
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": function.revision,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [ARCHITECTURE],
        "EphemeralStorage": {"Size": EPHEMERAL_MIB},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": function.log_group},
    }
    if function.environment:
        shown["Environment"] = {"Variables": dict(function.environment)}
    return shown


def sha256(digest: str) -> str:
    """A hash as Lambda shows it: base64."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


def alias(scope: str, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """AliasConfiguration."""
    shown = {
        "AliasArn": function_arn(scope, name, document["alias"]),
        "Name": document["alias"],
        "FunctionVersion": document["version"] or LATEST,
        "Description": document["description"],
        "RevisionId": document["revision"],
    }
    if document["weights"]:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": dict(document["weights"])}
    return shown
