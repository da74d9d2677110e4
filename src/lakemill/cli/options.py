"""Options made from the settings table, so that name, default and sentence stand in one place."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from lakemill.cli.output import fail
from lakemill.settings import SettingError, Settings, load, variable

_FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


def _option(name: str, *flags: str) -> Any:
    field = _FIELDS[name]
    return typer.Option(
        *(flags or (f"--{name.replace('_', '-')}",)),
        help=f"{field.metadata['doc']} [default: {field.default}; environment: {variable(name)}]",
        show_default=False,
    )


Host = Annotated[str | None, _option("host")]
Port = Annotated[int | None, _option("port")]
Data = Annotated[Path | None, _option("data")]
Auth = Annotated[str | None, _option("auth")]
Tls = Annotated[bool | None, _option("tls", "--tls/--no-tls")]
Region = Annotated[str | None, _option("region")]
Account = Annotated[str | None, _option("account")]
StreamLimits = Annotated[str | None, _option("stream_limits")]
StreamSettle = Annotated[int | None, _option("stream_settle_ms")]
QueriesAtOnce = Annotated[int | None, _option("queries_at_once")]
QueriesUrl = Annotated[str | None, _option("queries_url")]
QueryMemory = Annotated[int | None, _option("query_memory_mib")]
WarehouseMemory = Annotated[int | None, _option("warehouse_memory_mib")]
FlinkPython = Annotated[str | None, _option("flink_python")]
SparkPython = Annotated[str | None, _option("spark_python")]
LogUrl = Annotated[str | None, _option("log_url")]
Fronts = Annotated[int | None, _option("fronts")]
LogFormat = Annotated[str | None, _option("log_format")]
LogRequests = Annotated[bool | None, _option("log_requests", "--log-requests/--no-log-requests")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def settings(**given: Any) -> Settings:
    """Settings, or the end of the command with a sentence about what is wrong."""
    try:
        return load(**given)
    except SettingError as error:
        fail(str(error))
