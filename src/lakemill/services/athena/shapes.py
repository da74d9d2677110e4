"""Executions as Athena tells them."""

from typing import Any

from lakemill.engines.queries import Execution
from lakemill.services.athena.workgroups import ENGINE

Document = dict[str, Any]


def execution(found: Execution) -> Document:
    """A QueryExecution."""
    request, details = found.request, found.request.details
    result = {name: value for name, value in details["result"].items() if name != "OutputLocation"}
    answer = {
        "QueryExecutionId": found.id,
        "Query": request.text,
        "QueryExecutionContext": details["context"],
        "Status": _status(found),
        "Statistics": _statistics(found),
        "WorkGroup": request.group,
        "EngineVersion": {"SelectedEngineVersion": details["engine"], "EffectiveEngineVersion": ENGINE},
    }
    if request.prefix:
        answer["ResultConfiguration"] = result | {"OutputLocation": found.location}
    else:
        answer["ManagedQueryResultsConfiguration"] = {"Enabled": True}
    if found.kind:
        answer["StatementType"] = found.kind
    if found.substatement:
        answer["SubstatementType"] = found.substatement
    if request.parameters:
        answer["ExecutionParameters"] = request.parameters
    answer["ResultReuseConfiguration"] = details["reuse"] or {"ResultReuseByAgeConfiguration": {"Enabled": False}}
    return answer


def _status(found: Execution) -> Document:
    status: Document = {"State": found.state, "SubmissionDateTime": found.submitted}
    if found.completed is not None:
        status["CompletionDateTime"] = found.completed
    if found.reason:
        status["StateChangeReason"] = found.reason
    if found.fault is not None:
        status["AthenaError"] = {
            "ErrorCategory": found.fault.category,
            "ErrorType": found.fault.type,
            "Retryable": found.fault.retryable,
            "ErrorMessage": found.fault.message,
        }
    return status


def _times(found: Execution) -> Document:
    times = {
        "EngineExecutionTimeInMillis": found.engine_ms,
        "TotalExecutionTimeInMillis": found.total_ms,
        "QueryQueueTimeInMillis": found.queue_ms,
        "ServiceProcessingTimeInMillis": found.service_ms,
    }
    return times | ({"QueryPlanningTimeInMillis": found.planning_ms} if found.kind == "DML" else {})


def _statistics(found: Execution) -> Document:
    statistics = _times(found) | {
        "DataScannedInBytes": found.scanned_bytes,
        "ResultReuseInformation": {"ReusedPreviousResult": found.reused},
    }
    return statistics | ({"DataManifestLocation": found.manifest} if found.manifest else {})


def runtime(found: Execution) -> Document:
    """A QueryRuntimeStatistics: what is measured, without stages."""
    rows = {"InputBytes": found.scanned_bytes, "OutputRows": found.rows, "OutputBytes": found.result_bytes}
    return {"Timeline": _times(found)} | ({"Rows": rows} if found.state == "SUCCEEDED" else {})


def column(given: Document) -> Document:
    """A ColumnInfo."""
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": given["name"],
        "Label": given["name"],
        "Type": given["type"],
        "Precision": given.get("precision", 0),
        "Scale": given.get("scale", 0),
        "Nullable": given.get("nullable", "UNKNOWN"),
        "CaseSensitive": given.get("case_sensitive", False),
    }
