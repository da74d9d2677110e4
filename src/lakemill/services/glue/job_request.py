"""What a job may be: the definition in CreateJob and UpdateJob, and what a run may change of it."""

from collections.abc import Mapping
from typing import Any

from lakemill.services.base import ServiceError
from lakemill.services.glue import job_arguments, job_capacity, shapes
from lakemill.services.glue.job_capacity import PYTHON_SHELL, SPARK

COMMANDS = (PYTHON_SHELL, SPARK)
OTHER_COMMANDS = {"gluestreaming": "streaming jobs are not provided", "glueray": "Ray jobs are not provided"}
TIMEOUT_MIN, TIMEOUT_MIN_MAX = 2880, 10080
TIMEOUT_MIN_NEWER = 480
"""What a job of Glue 5 has by default."""
RETRIES_MAX = 10
GLUE_VERSIONS = ("0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1")
SPARK_VERSIONS = ("3.0", "4.0", "5.0", "5.1")
"""Versions a Spark job may name; the last but one is the default."""
PYTHONS = ("3", "3.9")

REFUSED = {
    "LogUri": "logs go to CloudWatch Logs",
    "Connections": "connections are not provided",
    "SecurityConfiguration": "security configurations are not provided",
    "NotificationProperty": "there is no EventBridge",
    "CodeGenConfigurationNodes": "there is no visual editor",
    "SourceControlDetails": "there is no source control",
    "MaintenanceWindow": "only streaming jobs have one",
}
REFUSED_OF_RUNS = {
    "SecurityConfiguration": "security configurations are not provided",
    "NotificationProperty": "there is no EventBridge",
    "ExecutionRoleSessionPolicy": "a run works with all rights of the job's role",
}
_KEPT = ("Description", "Role", "DefaultArguments", "NonOverridableArguments", "ExecutionClass")


def definition(given: Mapping[str, Any]) -> dict[str, Any]:
    """A job's definition, with what it has by default. Raises ServiceError InvalidInputException."""
    shapes.refuse(given, REFUSED)
    command = _command(given.get("Command") or {})
    if not given.get("Role"):
        raise shapes.invalid("Role must be given.")
    if given.get("JobMode", "SCRIPT") != "SCRIPT":
        raise shapes.invalid(f"JobMode {given['JobMode']} is not supported: there are only scripts.")
    version = _version(command["Name"], given.get("GlueVersion"))
    retries = given.get("MaxRetries", 0)
    if not 0 <= retries <= RETRIES_MAX:
        raise shapes.invalid(f"MaxRetries must be from 0 to {RETRIES_MAX}; got {retries}.")
    concurrent = given.get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1)
    if concurrent < 1:
        raise shapes.invalid(f"MaxConcurrentRuns must be positive; got {concurrent}.")
    check_run(given)
    newer = command["Name"] == SPARK and version in ("5.0", "5.1")
    made = {name: given[name] for name in _KEPT if given.get(name)} | {
        "JobMode": "SCRIPT",
        "Command": command,
        "ExecutionProperty": {"MaxConcurrentRuns": concurrent},
        "MaxRetries": retries,
        "Timeout": given.get("Timeout", TIMEOUT_MIN_NEWER if newer else TIMEOUT_MIN),
        **job_capacity.of(command["Name"], given),
    }
    made["AllocatedCapacity"] = int(made["MaxCapacity"])
    if version is not None:
        made["GlueVersion"] = version
    job_arguments.check(job_arguments.effective(made, {}), command["Name"])
    return made


def check_run(given: Mapping[str, Any]) -> None:
    """What a definition and the start of a run have in common. Raises ServiceError InvalidInputException."""
    if given.get("JobRunQueuingEnabled"):
        raise shapes.invalid("JobRunQueuingEnabled is not supported: runs beyond MaxConcurrentRuns are refused.")
    if given.get("Timeout", 0) > TIMEOUT_MIN_MAX:
        raise shapes.invalid(f"Timeout must be at most {TIMEOUT_MIN_MAX} minutes; got {given['Timeout']}.")


def _version(command: str, given: str | None) -> str | None:
    """What a job's GlueVersion is."""
    if command == SPARK:
        given = given or SPARK_VERSIONS[-2]
        if given not in SPARK_VERSIONS:
            raise shapes.invalid(
                f"GlueVersion of Job Command {SPARK} must be one of {', '.join(SPARK_VERSIONS)}; got {given}."
            )
    elif given and given not in GLUE_VERSIONS:
        raise shapes.invalid(f"GlueVersion must be one of {', '.join(GLUE_VERSIONS)}; got {given}.")
    return given or None


def _command(command: Mapping[str, Any]) -> dict[str, Any]:
    name = command.get("Name")
    if name in OTHER_COMMANDS:
        raise ServiceError("InvalidInputException", f"Command {name} is not supported: {OTHER_COMMANDS[name]}.")
    if name not in COMMANDS:
        raise shapes.invalid(f"Command.Name must be one of {', '.join(COMMANDS)}; got {name}.")
    if command.get("Runtime"):
        raise shapes.invalid("Command.Runtime is only for Job Command glueray.")
    python = command.get("PythonVersion", "3")
    if python not in PYTHONS:
        raise shapes.invalid(f"Command.PythonVersion must be one of {', '.join(PYTHONS)}; got {python}.")
    location = command.get("ScriptLocation", "")
    job_arguments.s3_place(location, "Command.ScriptLocation")
    return {"Name": name, "ScriptLocation": location, "PythonVersion": python}
