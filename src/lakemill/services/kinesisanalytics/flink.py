"""Applications for Apache Flink: from requests to the member `flink` of a document, and what is refused by name.

    flink   {"code": code, "checkpoint": ..., "monitoring": ..., "parallelism": ..., "properties": [group]}
    code    {"md5", "size", "place": {"BucketARN", "FileKey", "ObjectVersion"} or None}

The three configurations and the groups of properties stay as AWS has them, with the defaults filled in.

https://docs.aws.amazon.com/managed-flink/latest/apiv2/API_FlinkApplicationConfiguration.html
https://docs.aws.amazon.com/managed-flink/latest/java/how-python-creating.html
"""

import io
import zipfile
from typing import Any

from lakemill.engines.flink import PINS, Version
from lakemill.services.kinesisanalytics.errors import invalid, refused

Document = dict[str, Any]

OPTIONS = "kinesis.analytics.flink.run.options"
KNOWN_OPTIONS = ("python", "pyFiles", "pyArchives", "jarfile")
PARALLELISM_MAX = 64
DEFAULTS: dict[str, Document] = {
    "CheckpointConfiguration": {
        "CheckpointingEnabled": True,
        "CheckpointInterval": 60_000,
        "MinPauseBetweenCheckpoints": 5_000,
    },
    "MonitoringConfiguration": {"LogLevel": "INFO"},
    "ParallelismConfiguration": {"Parallelism": 1, "ParallelismPerKPU": 1, "AutoScalingEnabled": False},
}
MEMBERS = {
    "FlinkApplicationConfiguration",
    "EnvironmentProperties",
    "ApplicationCodeConfiguration",
    "ApplicationSnapshotConfiguration",
    "ApplicationSystemRollbackConfiguration",
}
REASONS = {
    "SqlApplicationConfiguration": "Flink applications do not have it",
    "ZeppelinApplicationConfiguration": "Zeppelin notebooks are not provided",
    "VpcConfigurations": "programs work on this machine's network",
    "ApplicationEncryptionConfiguration": "what an application keeps is not encrypted",
}


def is_flink(runtime: str) -> bool:
    return runtime.startswith("FLINK-")


def version_of(runtime: str) -> Version:
    """FLINK-1_20 is (1, 20)."""
    major, minor = runtime.removeprefix("FLINK-").split("_")
    return int(major), int(minor)


def check_version(runtime: str, member: str) -> None:
    """Raise a ServiceError for a version of Flink that lakemill was not tried with."""
    if version_of(runtime) not in PINS:
        known = ", ".join(f"FLINK-{major}_{minor}" for major, minor in sorted(PINS))
        raise refused(f"{member}={runtime}", f"lakemill runs {known} and SQL-1_0")


def check_members(configuration: Document, where: str, suffix: str = "") -> None:
    """Raise a ServiceError for a member of an ApplicationConfiguration(Update) that is not provided."""
    known = {f"{one}{suffix}" for one in MEMBERS} | ({"EnvironmentPropertyUpdates"} if suffix else set())
    for member in configuration:
        if member not in known:
            raise refused(f"{where}.{member}", REASONS.get(member.removesuffix(suffix), "it is not provided"))
    rollback = configuration.get(f"ApplicationSystemRollbackConfiguration{suffix}", {})
    if rollback.get(f"RollbackEnabled{suffix}"):
        raise refused(f"{where}.RollbackEnabled{suffix}=true", "a failed change is not taken back")


def saves(configuration: Document | None, suffix: str, before: bool) -> bool:
    """Whether snapshots are enabled, by an ApplicationSnapshotConfiguration(Update)."""
    if configuration is None:
        return before
    mode = configuration.get(f"SnapshotMode{suffix}", "APPLICATION_SNAPSHOTS_LEGACY")
    if mode != "APPLICATION_SNAPSHOTS_LEGACY":
        raise refused(f"SnapshotMode{suffix}={mode}", "snapshots are those of one application")
    return bool(configuration[f"SnapshotsEnabled{suffix}"])


def configured(request: Document, suffix: str = "", before: Document | None = None) -> Document:
    """A FlinkApplicationConfiguration(Update), with what it leaves out. Raises a ServiceError."""
    return {name: _one(name, request.get(f"{name}{suffix}"), suffix, (before or {}).get(name)) for name in DEFAULTS}


def _one(name: str, given: Document | None, suffix: str, before: Document | None) -> Document:
    present = before or {"ConfigurationType": "DEFAULT", **DEFAULTS[name]}
    if given is None:
        return present
    for member, value in given.items():
        plain = member.removesuffix(suffix)
        if plain == "MetricsLevel":
            raise refused(f"{name}{suffix}.{member}", "no metrics are published; Flink's own are not either")
        if plain == "AutoScalingEnabled" and value:
            raise refused(f"{name}{suffix}.{member}=true", "the parallelism stays as it is set")
        if plain == "ParallelismPerKPU" and value != 1:
            raise refused(f"{name}{suffix}.{member}={value}", "there are no processing units to share")
        if plain == "Parallelism" and value > PARALLELISM_MAX:
            raise invalid(f"{name}{suffix}.{member} may be at most {PARALLELISM_MAX}.")
    wanted = present | {member.removesuffix(suffix): value for member, value in given.items()}
    if wanted["ConfigurationType"] == "DEFAULT":
        for member, value in given.items():
            plain = member.removesuffix(suffix)
            if plain in DEFAULTS[name] and value != DEFAULTS[name][plain]:
                raise invalid(f"{name}{suffix}.{member} can only be set where ConfigurationType{suffix} is CUSTOM.")
        return {"ConfigurationType": "DEFAULT", **DEFAULTS[name]}
    return wanted


def groups(properties: Document | None, before: list[Document]) -> list[Document]:
    """The PropertyGroups of EnvironmentProperties or EnvironmentPropertyUpdates. Raises a ServiceError."""
    found = before if properties is None else properties["PropertyGroups"]
    names = [one["PropertyGroupId"] for one in found]
    if twice := {one for one in names if names.count(one) > 1}:
        raise invalid(f"The property group {min(twice)} is given more than once.")
    options = options_of(found)
    for option in options:
        if option not in KNOWN_OPTIONS:
            raise refused(f"{OPTIONS}: {option}", f"there are {', '.join(KNOWN_OPTIONS)}")
    if not options.get("python"):
        reason = "lakemill runs programs in Python; the option python names the one in the archive"
        raise refused(f"A Flink application without the property python in the group {OPTIONS}", reason)
    return found


def options_of(found: list[Document]) -> dict[str, str]:
    """The group that says what to run."""
    return next((one["PropertyMap"] for one in found if one["PropertyGroupId"] == OPTIONS), {})


def names_in(options: dict[str, str]) -> list[str]:
    """Every file of the archive that the options name."""
    return [part for option in KNOWN_OPTIONS for part in split(options.get(option))]


def split(option: str | None) -> list[str]:
    """Names with commas between them."""
    return [part.strip() for part in (option or "").split(",") if part.strip()]


def check_archive(archive: bytes, found: list[Document]) -> None:
    """Raise a ServiceError unless it is a zip file with everything the options name."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entries = opened.namelist()
    except zipfile.BadZipFile:
        raise invalid("The application code is not a zip file.") from None
    for name in names_in(options_of(found)):
        if not any(entry == name or entry.startswith(f"{name.rstrip('/')}/") for entry in entries):
            raise invalid(f"The application code has no file {name}, which the property group {OPTIONS} names.")
