"""What an ML transform may be: the definition in CreateMLTransform and UpdateMLTransform.

A definition holds `key` (of FindMatchesParameters), and the members of the MLTransform structure that are given.
"""

from collections.abc import Mapping
from typing import Any

from lakemill.engines.catalog import Catalog, CatalogError
from lakemill.services.base import Call
from lakemill.services.glue import shapes

CAPACITY, CAPACITY_MIN = 10.0, 1.0
"""Data processing units. They are kept and told; the machine is what it is."""
WORKERS = {"Standard": 1.0, "G.1X": 1.0, "G.2X": 2.0}
"""Data processing units of a worker."""
TIMEOUT_MIN = 2880
GLUE_VERSIONS = ("0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1")
COLUMNS_MAX = 100
LABEL_COLUMNS = ("labeling_set_id", "label")
KEY_TYPES = ("string", "char", "varchar", "tinyint", "smallint", "int", "integer", "bigint")
TYPES = (*KEY_TYPES, "float", "double", "decimal", "boolean", "date", "timestamp")

_TABLE_REFUSED = {
    "ConnectionName": "there are no connections to catalogs",
    "AdditionalOptions": "the whole table is read",
}
_KEPT = ("Description", "Role", "GlueVersion", "MaxCapacity", "WorkerType", "NumberOfWorkers", "Timeout", "MaxRetries")


def made(call: Call, catalog: Catalog, request: Mapping[str, Any]) -> dict[str, Any]:
    """A definition for CreateMLTransform. Raises ServiceError InvalidInputException."""
    check_settings(request)
    _check_encryption(request.get("TransformEncryption", {}))
    tables = request["InputRecordTables"]
    if not tables:
        raise shapes.invalid("An AWS Glue Table input source should be specified in transform.")
    if len(tables) != 1:
        raise shapes.invalid("Exactly one input record table must be provided.")
    schema = _schema(call, catalog, tables[0])
    found = {name: request[name] for name in _KEPT if name in request} | {
        "InputRecordTables": [dict(tables[0])],
        "Schema": schema,
        "Parameters": _parameters(request["Parameters"], {}),
    }
    if "TransformEncryption" in request:
        found["TransformEncryption"] = request["TransformEncryption"]
    return _whole(found)


def changed(definition: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """A definition after UpdateMLTransform. Raises ServiceError InvalidInputException."""
    check_settings(request)
    found = dict(definition)
    if "MaxCapacity" in request:
        found = {name: one for name, one in found.items() if name not in ("WorkerType", "NumberOfWorkers")}
    found |= {name: request[name] for name in _KEPT if name in request}
    if "Parameters" in request:
        before = definition["Parameters"]["FindMatchesParameters"]
        found["Parameters"] = _parameters(request["Parameters"], before)
    return _whole(found)


def check_settings(given: Mapping[str, Any]) -> None:
    """What a transform's making and change have in common, its parameters aside."""
    worker, count, capacity = (given.get(name) for name in ("WorkerType", "NumberOfWorkers", "MaxCapacity"))
    if capacity is not None and (worker is not None or count is not None):
        raise shapes.invalid("Cannot set Max Capacity and Worker Num/Type at the same time.")
    if (worker is None) != (count is None):
        raise shapes.invalid("Both WorkerType and NumberOfWorkers should be set.")
    if capacity is not None and capacity < CAPACITY_MIN:
        raise shapes.invalid(f"MaxCapacity should be >= {CAPACITY_MIN}.")
    if count is not None and count < 1:
        raise shapes.invalid("NumberOfWorkers should be >= 1.")
    if worker is not None and worker not in WORKERS:
        raise shapes.invalid(f"WorkerType must be one of {', '.join(WORKERS)}; got {worker}.")
    if given.get("MaxRetries", 0) < 0:
        raise shapes.invalid("Max retries should be non-negative.")
    if given.get("GlueVersion", GLUE_VERSIONS[0]) not in GLUE_VERSIONS:
        raise shapes.invalid(f"GlueVersion must be one of {', '.join(GLUE_VERSIONS)}; got {given['GlueVersion']}.")
    if "Role" in given and not given["Role"]:
        raise shapes.invalid("Role must be given.")


def _parameters(given: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are then, with what was not given as it was before."""
    own = given.get("FindMatchesParameters")
    if not own:
        raise shapes.invalid("Find Matches parameters have not been set.")
    made = {"PrecisionRecallTradeoff": 0.5, "AccuracyCostTradeoff": 0.5, "EnforceProvidedLabels": False, **before}
    return {"TransformType": given["TransformType"], "FindMatchesParameters": made | dict(own)}


def _whole(definition: dict[str, Any]) -> dict[str, Any]:
    """With what a transform has by default; its key is a column that can be one."""
    key = definition["Parameters"]["FindMatchesParameters"].get("PrimaryKeyColumnName")
    if not key:
        raise shapes.invalid("A primary key must be specified in Find Matches parameters.")
    types = {one["Name"]: one["DataType"] for one in definition["Schema"]}
    if key not in types:
        raise shapes.invalid(f"Schema should contain given primary key: {key}.")
    if _base(types[key]) not in KEY_TYPES:
        raise shapes.invalid(f"The primary key {key} must be a string or a whole number; it is {types[key]}.")
    worker = definition.get("WorkerType")
    if worker is not None:
        definition["MaxCapacity"] = WORKERS[worker] * definition["NumberOfWorkers"]
    defaults = {"GlueVersion": GLUE_VERSIONS[0], "MaxCapacity": CAPACITY, "Timeout": TIMEOUT_MIN, "MaxRetries": 0}
    return defaults | definition | {"key": key}


def _schema(call: Call, catalog: Catalog, table: Mapping[str, Any]) -> list[dict[str, str]]:
    shapes.refuse(table, _TABLE_REFUSED)
    for name, what in (("DatabaseName", "database"), ("TableName", "table")):
        if not table[name].strip():
            raise shapes.invalid(f"Should specify {what} name.")
    try:
        found = catalog.table(shapes.scope(call, table), table["DatabaseName"], table["TableName"])
    except CatalogError as error:
        raise shapes.invalid(f"Problem fetching the data catalog schema: {str(error).rstrip('.')}.") from None
    document = shapes.structure_of(found.definition)
    columns = [*document.get("StorageDescriptor", {}).get("Columns", []), *document.get("PartitionKeys", [])]
    if not columns:
        raise shapes.invalid("Schema is not defined on the transform.")
    if len(columns) > COLUMNS_MAX:
        raise shapes.invalid(f"A transform has at most {COLUMNS_MAX} columns; {table['TableName']} has {len(columns)}.")
    for column in columns:
        if _base(column.get("Type", "")) not in TYPES:
            raise shapes.invalid(
                f"Input source column {column['Name']} has an invalid data type defined in the catalog."
            )
        if column["Name"] in LABEL_COLUMNS:
            raise shapes.invalid(f"Input source column {column['Name']} has the name of a column of label files.")
    return [{"Name": column["Name"], "DataType": column["Type"]} for column in columns]


def _base(type: str) -> str:
    """A type of Hive without its parameters.

    >>> _base("decimal(10,2)"), _base("array<int>")
    ('decimal', 'array<int>')
    """
    return type.partition("(")[0].strip().lower()


def _check_encryption(given: Mapping[str, Any]) -> None:
    shapes.refuse(given, {"TaskRunSecurityConfigurationName": "security configurations are not provided"})
    own = given.get("MlUserDataEncryption", {})
    if own.get("MlUserDataEncryptionMode", "DISABLED") != "DISABLED":
        raise shapes.invalid("MlUserDataEncryptionMode SSE-KMS is not supported: labels and models are not encrypted.")
    if own.get("KmsKeyId"):
        raise shapes.invalid("KmsKeyId cannot be given where MlUserDataEncryptionMode is DISABLED.")
