"""Updates of parts, of either API: members named `<Member>Update` replace what they name."""

from typing import Any

from lakemill.engines.analytics import part_of
from lakemill.services.kinesisanalytics import arns, parts
from lakemill.services.kinesisanalytics.errors import invalid

Document = dict[str, Any]


def update_parts(document: Document, update: dict[str, Any]) -> None:
    """Apply InputUpdates, OutputUpdates and ReferenceDataSourceUpdates. Raises a ServiceError, PartMissing."""
    for one in update.get("InputUpdates", []):
        _update_input(part_of(document, "inputs", one["InputId"]), one)
    for one in update.get("OutputUpdates", []):
        _update_output(part_of(document, "outputs", one["OutputId"]), one)
    for one in update.get("ReferenceDataSourceUpdates", []):
        _update_reference(part_of(document, "references", one["ReferenceId"]), one)
    parts.check_counts(document)


def update_logs(document: Document, updates: list[dict[str, Any]]) -> None:
    """Apply CloudWatchLoggingOptionUpdates. Raises a ServiceError, PartMissing."""
    for one in updates:
        log = part_of(document, "logs", one["CloudWatchLoggingOptionId"])
        if "LogStreamARNUpdate" in one:
            arns.log_stream(one["LogStreamARNUpdate"])
            log["resource"] = one["LogStreamARNUpdate"]
        log["role"] = one.get("RoleARNUpdate", log["role"])


def _update_input(part: Document, update: dict[str, Any]) -> None:
    part["prefix"] = update.get("NamePrefixUpdate", part["prefix"])
    _update_target(part, "source", update, "Input", ("KinesisStreams", "KinesisFirehose"))
    if processing := update.get("InputProcessingConfigurationUpdate"):
        if part["processor"] is None:
            raise invalid("The input has no InputProcessingConfiguration; add one first.")
        _retarget(part["processor"], "function", processing["InputLambdaProcessorUpdate"])
    if "InputParallelismUpdate" in update:
        part["count"] = update["InputParallelismUpdate"].get("CountUpdate", part["count"])
    if change := update.get("InputSchemaUpdate"):
        schema = dict(part["schema"])
        for member, name in (
            ("RecordFormat", "RecordFormatUpdate"),
            ("RecordEncoding", "RecordEncodingUpdate"),
            ("RecordColumns", "RecordColumnUpdates"),
        ):
            if name in change:
                schema[member] = change[name]
        part["schema"] = parts.checked_schema(schema)


def _update_output(part: Document, update: dict[str, Any]) -> None:
    part["stream"] = update.get("NameUpdate", part["stream"])
    _update_target(part, "target", update, "Output", tuple(parts.KINDS))
    if "DestinationSchemaUpdate" in update:
        part["format"] = update["DestinationSchemaUpdate"].get("RecordFormatType", part["format"])


def _update_reference(part: Document, update: dict[str, Any]) -> None:
    part["table"] = update.get("TableNameUpdate", part["table"])
    source = update.get("S3ReferenceDataSourceUpdate", {})
    if "BucketARNUpdate" in source:
        arns.bucket(source["BucketARNUpdate"])
    part["bucket"] = source.get("BucketARNUpdate", part["bucket"])
    part["key"] = source.get("FileKeyUpdate", part["key"])
    part["role"] = source.get("ReferenceRoleARNUpdate", part["role"])
    if "ReferenceSchemaUpdate" in update:
        part["schema"] = parts.checked_schema(update["ReferenceSchemaUpdate"])


def _update_target(part: Document, member: str, update: dict[str, Any], suffix: str, names: tuple[str, ...]) -> None:
    given = [name for name in names if f"{name}{suffix}Update" in update]
    if len(given) > 1:
        raise invalid(f"Only one of {', '.join(f'{name}{suffix}Update' for name in names)} may be given.")
    for name in given:
        _retarget(part[member], parts.KINDS[name], update[f"{name}{suffix}Update"])


def _retarget(target: Document, kind: str, update: dict[str, Any]) -> None:
    if kind != target["kind"] and "ResourceARNUpdate" not in update:
        raise invalid("ResourceARNUpdate must be given where the kind of source or destination changes.")
    resource = str(update.get("ResourceARNUpdate", target["resource"]))
    parts.check_target(kind, resource)
    target |= {"kind": kind, "resource": resource, "role": update.get("RoleARNUpdate", target["role"])}
