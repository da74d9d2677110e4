"""What a job may be: the definition in CreateJob and UpdateJob, and what a run may change of it."""

from collections.abc import Mapping
from typing import Any

from lakemill.services.base import ServiceError
from lakemill.services.glue import job_arguments, shapes

PYTHON_SHELL = "pythonshell"
SPARK = ("glueetl", "gluestreaming", "glueray")
CAPACITIES = (0.0625, 1.0)
"""Data processing units of a Python shell job."""
TIMEOUT_MIN, TIMEOUT_MIN_MAX = 2880, 10080
RETRIES_MAX = 10
GLUE_VERSIONS = ("0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1")
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
_KEPT = ("Description", "Role", "DefaultArguments", "NonOverridableArguments", "GlueVersion", "ExecutionClass")


def definition(given: Mapping[str, Any]) -> dict[str, Any]:
    """A job's definition, with what it has by default. Raises ServiceError InvalidInputException."""
    shapes.refuse(given, REFUSED)
    command = _command(given.get("Command") or {})
    if not given.get("Role"):
        raise shapes.invalid("Role must be given.")
    if given.get("JobMode", "SCRIPT") != "SCRIPT":
        raise shapes.invalid(f"JobMode {given['JobMode']} is not supported: there are only scripts.")
    if given.get("GlueVersion", GLUE_VERSIONS[0]) not in GLUE_VERSIONS:
        raise shapes.invalid(f"GlueVersion must be one of {', '.join(GLUE_VERSIONS)}; got {given['GlueVersion']}.")
    retries = given.get("MaxRetries", 0)
    if not 0 <= retries <= RETRIES_MAX:
        raise shapes.invalid(f"MaxRetries must be from 0 to {RETRIES_MAX}; got {retries}.")
    concurrent = given.get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1)
    if concurrent < 1:
        raise shapes.invalid(f"MaxConcurrentRuns must be positive; got {concurrent}.")
    check_run(given)
    made = {name: given[name] for name in _KEPT if given.get(name)} | {
        "JobMode": "SCRIPT",
        "Command": command,
        "ExecutionProperty": {"MaxConcurrentRuns": concurrent},
        "MaxRetries": retries,
        "Timeout": given.get("Timeout", TIMEOUT_MIN),
        "MaxCapacity": given.get("MaxCapacity", CAPACITIES[0]),
        "AllocatedCapacity": 0,
    }
    job_arguments.check(job_arguments.effective(made, {}))
    return made


def check_run(given: Mapping[str, Any]) -> None:
    """What a definition and the start of a run have in common. Raises ServiceError InvalidInputException."""
    if given.get("JobRunQueuingEnabled"):
        raise shapes.invalid("JobRunQueuingEnabled is not supported: runs beyond MaxConcurrentRuns are refused.")
    if given.get("Timeout", 0) > TIMEOUT_MIN_MAX:
        raise shapes.invalid(f"Timeout must be at most {TIMEOUT_MIN_MAX} minutes; got {given['Timeout']}.")
    if given.get("ExecutionClass", "STANDARD") != "STANDARD":
        raise shapes.invalid(f"Execution class {given['ExecutionClass']} is not supported for Job Command pythonshell.")
    if given.get("WorkerType") and given.get("MaxCapacity"):
        raise shapes.invalid("Please set only Allocated Capacity or Worker Type and Number of Workers.")
    if given.get("WorkerType"):
        raise shapes.invalid("Worker Type is not supported for Job Command pythonshell")
    if given.get("NumberOfWorkers"):
        raise shapes.invalid("Number of Workers is not supported for Job Command pythonshell")
    if given.get("AllocatedCapacity"):
        raise shapes.invalid("Allocated Capacity is not supported for Job Command pythonshell; set Max Capacity.")
    capacity = given.get("MaxCapacity", CAPACITIES[0])
    if capacity not in CAPACITIES:
        raise shapes.invalid(f"Max Capacity of Job Command pythonshell must be 0.0625 or 1.0; got {capacity}.")


def _command(command: Mapping[str, Any]) -> dict[str, Any]:
    name = command.get("Name")
    if name in SPARK:
        raise ServiceError(
            "InvalidInputException",
            f"Command {name} is not supported: Spark jobs are not provided yet; use pythonshell.",
        )
    if name != PYTHON_SHELL:
        raise shapes.invalid(f"Command.Name must be {PYTHON_SHELL}; got {name}.")
    if command.get("Runtime"):
        raise shapes.invalid("Command.Runtime is only for Job Command glueray.")
    python = command.get("PythonVersion", "3")
    if python not in PYTHONS:
        raise shapes.invalid(f"Command.PythonVersion must be one of {', '.join(PYTHONS)}; got {python}.")
    location = command.get("ScriptLocation", "")
    job_arguments.s3_place(location, "Command.ScriptLocation")
    return {"Name": name, "ScriptLocation": location, "PythonVersion": python}
