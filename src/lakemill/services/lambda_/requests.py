"""What a creator or changer of a function asks for, checked and as the engine keeps it."""

from collections.abc import Mapping
from typing import Any

from lakemill.engines.functions import CodeInvalid, FunctionError
from lakemill.engines.objects import Objects, ObjectsError
from lakemill.services.base import Need, ServiceError
from lakemill.services.lambda_.names import invalid, refused
from lakemill.services.lambda_.runtime import HERE, RESERVED, interpreter
from lakemill.services.lambda_.views import ARCHITECTURE, EPHEMERAL_MIB

TIMEOUT_S_MAX = 900
MEMORY_MIB_MAX = 10_240
ENVIRONMENT_BYTES_MAX = 4096

LATER = {
    "VpcConfig": "functions work on this machine's network",
    "DeadLetterConfig": "there are no dead-letter queues; events that failed are in the function's log",
    "KMSKeyArn": "environments are kept in the data folder as they are",
    "Layers": "put what a layer holds into the archive",
    "FileSystemConfigs": "there are no file systems to mount; the machine's files can be read",
    "ImageConfig": "images are not provided; bring an archive",
    "CapacityProviderConfig": "",
    "DurableConfig": "durable executions are not provided",
    "RuntimeConfig": "",
    "AcceleratorConfig": "",
}
"""Members of CreateFunction and UpdateFunctionConfiguration that are refused."""


def fields(request: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's fields a request sets. Raises ServiceError."""
    found: dict[str, Any] = {}
    if "Runtime" in request:
        found["runtime"] = _runtime(request["Runtime"])
    if "Timeout" in request:
        found["timeout_s"] = _at_most(request, "Timeout", TIMEOUT_S_MAX)
    if "MemorySize" in request:
        found["memory_mib"] = _at_most(request, "MemorySize", MEMORY_MIB_MAX)
    if "Environment" in request:
        found["environment"] = _environment(request["Environment"].get("Variables", {}))
    if "LoggingConfig" in request:
        found |= _logging(request["LoggingConfig"])
    if request.get("TracingConfig", {}).get("Mode", "PassThrough") != "PassThrough":
        raise refused("TracingConfig.Mode Active", "there is no X-Ray")
    if request.get("EphemeralStorage", {}).get("Size", EPHEMERAL_MIB) != EPHEMERAL_MIB:
        raise refused("EphemeralStorage", "a function's /tmp is this machine's")
    if request.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        raise refused("SnapStart", "there are no snapshots of processes")
    for member, field in (("Handler", "handler"), ("Description", "description"), ("Role", "role")):
        if member in request:
            found[field] = request[member]
    return found


def _runtime(runtime: str) -> str:
    if not runtime.startswith("python3."):
        raise refused(f"Runtime {runtime}", "only python3.x functions run here")
    if interpreter(runtime) is None:
        raise refused(
            f"Runtime {runtime}", f"this machine has no {runtime} on its path; lakemill itself runs on {HERE}"
        )
    return runtime


def _at_most(request: Mapping[str, Any], member: str, most: int) -> int:
    value: int = request[member]
    if value > most:
        raise invalid(
            f"1 validation error detected: Value '{value}' at '{member[0].lower()}{member[1:]}' failed to satisfy "
            f"constraint: Member must have value less than or equal to {most}"
        )
    return value


def _environment(variables: dict[str, str]) -> dict[str, str]:
    text = "Lambda was unable to configure your environment variables because the environment variables you have "
    if reserved := sorted(RESERVED & set(variables)):
        raise invalid(
            f"{text}provided contains reserved keys that are currently not supported for modification. Reserved keys "
            f"used in this request: {', '.join(reserved)}"
        )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if size > ENVIRONMENT_BYTES_MAX:
        raise invalid(f"{text}provided exceeded the 4KB limit.")
    return dict(variables)


def _logging(wish: Mapping[str, Any]) -> dict[str, Any]:
    if wish.get("LogFormat", "Text") != "Text":
        raise refused("LoggingConfig.LogFormat JSON", "lines are kept as the function writes them")
    for member in ("ApplicationLogLevel", "SystemLogLevel"):
        if member in wish:
            raise refused(f"LoggingConfig.{member}", "it needs the JSON format, which is not provided")
    return {"log_group": wish["LogGroup"]} if "LogGroup" in wish else {}


def architectures(request: Mapping[str, Any]) -> None:
    """Raise a ServiceError unless the function is for this machine's."""
    for wanted in request.get("Architectures", [ARCHITECTURE]):
        if wanted != ARCHITECTURE:
            raise refused(f"Architecture {wanted}", f"this machine is {ARCHITECTURE}")


CODE_MEMBERS = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion")


async def archive(code: Mapping[str, Any], objects: Objects) -> bytes:
    """The archive's bytes. Raises ServiceError."""
    for member, why in (
        ("ImageUri", "images are not provided; bring an archive"),
        ("S3ObjectStorageMode", ""),
        ("SourceKMSKeyArn", "archives are kept as they are"),
    ):
        if member in code:
            raise refused(member, why or "lakemill does not provide it yet")
    if "ZipFile" in code:
        if "S3Bucket" in code or "S3Key" in code:
            raise invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
        return bytes(code["ZipFile"])
    if "S3Bucket" not in code or "S3Key" not in code:
        raise invalid("Please provide a source for function code.")
    try:
        record = objects.head(code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion"))
        return b"".join([piece async for piece in objects.data.stream(record)])
    except ObjectsError as error:
        raise invalid(
            f"Error occurred while GetObject. S3 Error Code: {_s3_code(error)}. S3 Error Message: {error}"
        ) from None


def _s3_code(error: Exception) -> str:
    return {"BucketMissing": "NoSuchBucket", "VersionMissing": "NoSuchVersion"}.get(type(error).__name__, "NoSuchKey")


def reading(code: Mapping[str, Any], objects: Objects) -> list[Need]:
    """What the caller must be allowed to fetch the archive."""
    if "S3Bucket" not in code or "S3Key" not in code:
        return []
    bucket = code["S3Bucket"]
    action = "s3:GetObjectVersion" if "S3ObjectVersion" in code else "s3:GetObject"
    try:
        policy, owner = objects.policy(bucket), objects.buckets.named(bucket).owner
    except ObjectsError:
        policy, owner = None, None
    arn = f"arn:aws:s3:::{bucket}/{code['S3Key']}"
    return [Need(action, arn, resource_policy=policy, resource_account=owner)]


def code_error(error: FunctionError) -> ServiceError:
    """What is wrong with an archive, in Lambda's words."""
    assert isinstance(error, CodeInvalid)
    if "unzip" in str(error).lower() and "larger" not in str(error):
        return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
    return invalid(str(error))
