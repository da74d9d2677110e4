"""What a job may use: capacity of Python shell jobs, workers or capacity of Spark jobs.

https://docs.aws.amazon.com/glue/latest/dg/add-job.html
"""

from collections.abc import Mapping
from typing import Any

from lakemill.services.glue import shapes

PYTHON_SHELL, SPARK = "pythonshell", "glueetl"
CAPACITIES = (0.0625, 1.0)
"""Data processing units of a Python shell job."""
CAPACITY, CAPACITY_MIN, CAPACITY_MAX = 10.0, 2, 100
"""Data processing units of a Spark job that names no workers."""
UNITS = {
    **{"Standard": 1, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16},
    **{"R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8},
}
"""Data processing units of a worker."""
OTHERS = {"G.025X": "gluestreaming", "Z.2X": "glueray"}
"""Worker types of other commands."""
WORKERS_MIN, WORKERS_MAX = 2, 299
FLEX_TYPES = ("G.1X", "G.2X")
BOTH = "Please set only Allocated Capacity or Worker Type and Number of Workers."


def of(command: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """MaxCapacity of a job or run, and WorkerType and NumberOfWorkers if they are given.

    Raises ServiceError InvalidInputException.

    >>> of("glueetl", {"WorkerType": "G.2X", "NumberOfWorkers": 5})
    {'WorkerType': 'G.2X', 'NumberOfWorkers': 5, 'MaxCapacity': 10.0}
    >>> of("pythonshell", {})
    {'MaxCapacity': 0.0625}
    """
    if given.get("WorkerType") and (given.get("MaxCapacity") or given.get("AllocatedCapacity")):
        raise shapes.invalid(BOTH)
    return _shell(given) if command == PYTHON_SHELL else _spark(given)


def _shell(given: Mapping[str, Any]) -> dict[str, Any]:
    for member, name in (("WorkerType", "Worker Type"), ("NumberOfWorkers", "Number of Workers")):
        if given.get(member):
            raise shapes.invalid(f"{name} is not supported for Job Command pythonshell")
    if given.get("AllocatedCapacity"):
        raise shapes.invalid("Allocated Capacity is not supported for Job Command pythonshell; set Max Capacity.")
    if given.get("ExecutionClass", "STANDARD") != "STANDARD":
        raise shapes.invalid(f"Execution class {given['ExecutionClass']} is not supported for Job Command pythonshell.")
    capacity = given.get("MaxCapacity", CAPACITIES[0])
    if capacity not in CAPACITIES:
        raise shapes.invalid(f"Max Capacity of Job Command pythonshell must be 0.0625 or 1.0; got {capacity}.")
    return {"MaxCapacity": capacity}


def _spark(given: Mapping[str, Any]) -> dict[str, Any]:
    kind, count = given.get("WorkerType"), given.get("NumberOfWorkers")
    if bool(kind) != bool(count):
        raise shapes.invalid("Please set both Worker Type and Number of Workers.")
    if given.get("ExecutionClass") == "FLEX" and kind not in FLEX_TYPES:
        raise shapes.invalid(f"Execution class FLEX needs a worker type of {', '.join(FLEX_TYPES)}; got {kind}.")
    if kind:
        return _workers(kind, count)
    if given.get("MaxCapacity") and given.get("AllocatedCapacity"):
        raise shapes.invalid("Please set only one of Max Capacity and Allocated Capacity.")
    capacity = given.get("MaxCapacity") or given.get("AllocatedCapacity") or CAPACITY
    if capacity != int(capacity) or not CAPACITY_MIN <= capacity <= CAPACITY_MAX:
        raise shapes.invalid(
            f"Max Capacity of Job Command {SPARK} must be a whole number from {CAPACITY_MIN} to {CAPACITY_MAX}; "
            f"got {capacity}."
        )
    return {"MaxCapacity": float(capacity)}


def _workers(kind: str, count: Any) -> dict[str, Any]:
    if kind in OTHERS:
        raise shapes.invalid(f"Worker Type {kind} is not supported for Job Command {SPARK}: it is for {OTHERS[kind]}.")
    if kind not in UNITS:
        raise shapes.invalid(f"Worker Type must be one of {', '.join(UNITS)}; got {kind}.")
    if not WORKERS_MIN <= count <= WORKERS_MAX:
        raise shapes.invalid(f"Number of Workers must be from {WORKERS_MIN} to {WORKERS_MAX}; got {count}.")
    return {"WorkerType": kind, "NumberOfWorkers": count, "MaxCapacity": float(UNITS[kind] * count)}
