"""What operations would have consumed, by AWS's rules: 4 KiB a read unit, 1 KiB a write unit.

lakemill itself has no such limits and never throttles.
"""

from typing import Any

READ_BYTES, WRITE_BYTES = 4096, 1024


def read_units(size: int, *, consistent: bool, transaction: bool = False) -> float:
    """Of size bytes, at least one step."""
    units = max(1, -(-size // READ_BYTES))
    return units * (2.0 if transaction else 1.0 if consistent else 0.5)


def write_units(size: int, *, transaction: bool = False) -> float:
    """Of an item of size bytes, at least one step."""
    return max(1, -(-size // WRITE_BYTES)) * (2.0 if transaction else 1.0)


def consumed(request: dict[str, Any], table: str, units: float, index: str | None = None) -> dict[str, Any]:
    """The answer's ConsumedCapacity member, if it was asked for."""
    wish = request.get("ReturnConsumedCapacity", "NONE")
    if wish == "NONE":
        return {}
    return {"ConsumedCapacity": _described(wish, table, units, index)}


def consumed_each(request: dict[str, Any], units: dict[str, float]) -> dict[str, Any]:
    """The same for several tables."""
    wish = request.get("ReturnConsumedCapacity", "NONE")
    if wish == "NONE":
        return {}
    return {"ConsumedCapacity": [_described(wish, table, one, None) for table, one in units.items()]}


def _described(wish: str, table: str, units: float, index: str | None) -> dict[str, Any]:
    described: dict[str, Any] = {"TableName": table, "CapacityUnits": units}
    if wish == "INDEXES":
        described["Table"] = {"CapacityUnits": 0.0 if index else units}
        if index:
            described["GlobalSecondaryIndexes"] = {index: {"CapacityUnits": units}}
    return described
