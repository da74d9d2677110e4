"""Inputs, outputs, reference data and logging options: from requests of either API to members of a document.

    input      {"prefix", "count", "source": target, "schema", "processor": target or None}
    output     {"stream", "format", "target": target}
    reference  {"table", "bucket", "key", "role", "schema"}
    log        {"resource", "role"}
    target     {"kind": "stream" | "delivery" | "function", "resource": ARN, "role": ARN or None}

A schema stays as AWS has it. Roles come with each part in version 1; in version 2 the application has one.
"""

from typing import Any

from lakemill.services.kinesisanalytics import arns
from lakemill.services.kinesisanalytics.errors import invalid, refused

Part = dict[str, Any]
KINDS = {"KinesisStreams": "stream", "KinesisFirehose": "delivery", "Lambda": "function"}
INPUTS_MAX, OUTPUTS_MAX, REFERENCES_MAX = 1, 3, 1


def input_of(request: Part) -> Part:
    """From an Input. Raises a ServiceError."""
    processing = request.get("InputProcessingConfiguration")
    return {
        "prefix": request["NamePrefix"],
        "count": request.get("InputParallelism", {}).get("Count", 1),
        "source": target_of(request, "Input", ("KinesisStreams", "KinesisFirehose")),
        "schema": checked_schema(request["InputSchema"]),
        "processor": processor_of(processing) if processing else None,
    }


def processor_of(configuration: Part) -> Part:
    """From an InputProcessingConfiguration. Raises a ServiceError."""
    told = configuration["InputLambdaProcessor"]
    return _target("function", told["ResourceARN"], told.get("RoleARN"))


def output_of(request: Part) -> Part:
    """From an Output. Raises a ServiceError."""
    return {
        "stream": request["Name"],
        "format": request["DestinationSchema"].get("RecordFormatType", "JSON"),
        "target": target_of(request, "Output", tuple(KINDS)),
    }


def reference_of(request: Part) -> Part:
    """From a ReferenceDataSource. Raises a ServiceError."""
    source = request.get("S3ReferenceDataSource") or {}
    if not source.get("BucketARN") or not source.get("FileKey"):
        raise invalid("S3ReferenceDataSource must have BucketARN and FileKey.")
    arns.bucket(source["BucketARN"])
    return {
        "table": request["TableName"],
        "bucket": source["BucketARN"],
        "key": source["FileKey"],
        "role": source.get("ReferenceRoleARN"),
        "schema": checked_schema(request["ReferenceSchema"]),
    }


def log_of(request: Part) -> Part:
    """From a CloudWatchLoggingOption. Raises a ServiceError."""
    arns.log_stream(request["LogStreamARN"])
    return {"resource": request["LogStreamARN"], "role": request.get("RoleARN")}


def target_of(request: Part, suffix: str, names: tuple[str, ...]) -> Part:
    """The one member of `<name><suffix>` that is given. Raises a ServiceError."""
    given = [name for name in names if f"{name}{suffix}" in request]
    if len(given) != 1:
        raise invalid(
            f"Exactly one of {', '.join(f'{name}{suffix}' for name in names)} must be given; got {len(given)}."
        )
    told = request[f"{given[0]}{suffix}"]
    return _target(KINDS[given[0]], told["ResourceARN"], told.get("RoleARN"))


def _target(kind: str, resource: str, role: str | None) -> Part:
    check_target(kind, resource)
    return {"kind": kind, "resource": resource, "role": role}


def check_target(kind: str, resource: str) -> None:
    """Raise a ServiceError unless the ARN is of this kind."""
    if kind == "function":
        arns.function(resource)
    else:
        arns.place(kind, resource)


def checked_schema(schema: Part) -> Part:
    """Raise a ServiceError for what does not go together."""
    mapping = schema["RecordFormat"].get("MappingParameters", {})
    format = schema["RecordFormat"]["RecordFormatType"]
    if format == "JSON" and "CSVMappingParameters" in mapping:
        raise invalid("CSVMappingParameters cannot be given for the RecordFormatType JSON.")
    if format == "CSV" and "JSONMappingParameters" in mapping:
        raise invalid("JSONMappingParameters cannot be given for the RecordFormatType CSV.")
    if schema.get("RecordEncoding", "UTF-8") != "UTF-8":
        raise refused(f"RecordEncoding={schema['RecordEncoding']}", "records are UTF-8")
    if format == "JSON" and (lacking := next((one for one in schema["RecordColumns"] if not one.get("Mapping")), None)):
        raise invalid(f"The column {lacking['Name']} must have a Mapping, because the records are JSON.")
    return schema


def form_of(schema: Part) -> Part:
    """A schema as `streamsql.records.RecordReader` takes it."""
    mapping = schema["RecordFormat"].get("MappingParameters", {})
    csv = mapping.get("CSVMappingParameters", {})
    return {
        "format": schema["RecordFormat"]["RecordFormatType"],
        "row_path": mapping.get("JSONMappingParameters", {}).get("RecordRowPath", "$"),
        "row_delimiter": csv.get("RecordRowDelimiter", "\n"),
        "column_delimiter": csv.get("RecordColumnDelimiter", ","),
        "columns": [
            {"name": one["Name"], "type": one["SqlType"], "mapping": one.get("Mapping")}
            for one in schema["RecordColumns"]
        ],
    }


def schema_of(form: Part) -> Part:
    """The other way round."""
    if form["format"] == "JSON":
        mapping: Part = {"JSONMappingParameters": {"RecordRowPath": form["row_path"]}}
    else:
        mapping = {
            "CSVMappingParameters": {
                "RecordRowDelimiter": form["row_delimiter"],
                "RecordColumnDelimiter": form["column_delimiter"],
            }
        }
    columns = [
        {"Name": one["name"], "SqlType": one["type"]} | ({"Mapping": one["mapping"]} if one.get("mapping") else {})
        for one in form["columns"]
    ]
    record_format = {"RecordFormatType": form["format"], "MappingParameters": mapping}
    return {"RecordFormat": record_format, "RecordEncoding": "UTF-8", "RecordColumns": columns}


def check_counts(document: Part) -> None:
    """Raise a ServiceError beyond what an application may have."""
    for part, most, name in (
        ("inputs", INPUTS_MAX, "input"),
        ("outputs", OUTPUTS_MAX, "outputs"),
        ("references", REFERENCES_MAX, "reference data source"),
        ("logs", 1, "CloudWatch logging option"),
    ):
        if len(document.get(part, [])) > most:
            raise invalid(f"An application may have at most {most} {name}.")


def roles_in(request: Any) -> set[str]:
    """Every role a request hands over."""
    if isinstance(request, dict):
        found: set[str] = set()
        for member, value in request.items():
            is_role = isinstance(value, str) and (member.endswith(("RoleARN", "RoleARNUpdate")) or member in ROLES)
            found |= {value} if is_role else roles_in(value)
        return found
    return set().union(*map(roles_in, request)) if isinstance(request, list) else set()


ROLES = ("ServiceExecutionRole", "ServiceExecutionRoleUpdate")
