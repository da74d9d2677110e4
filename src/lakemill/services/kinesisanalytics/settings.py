"""What a SQL application of the second API is: what it does not have is refused by name."""

from typing import Any

from lakemill.services.kinesisanalytics.common import CODE_BYTES_MAX
from lakemill.services.kinesisanalytics.errors import invalid, refused

SQL_RUNTIME = "SQL-1_0"
SQL_MEMBERS = {
    "SqlApplicationConfiguration",
    "ApplicationCodeConfiguration",
    "SqlApplicationConfigurationUpdate",
    "ApplicationCodeConfigurationUpdate",
}


def check_runtime(runtime: str, member: str) -> None:
    """Raise a ServiceError for any runtime but SQL."""
    if runtime.startswith("ZEPPELIN"):
        raise refused(f"{member}={runtime}", "Zeppelin notebooks are not provided")
    if runtime != SQL_RUNTIME:
        raise refused(f"{member}={runtime}", "a SQL application stays one")


def only_sql(configuration: dict[str, Any], where: str) -> None:
    """Raise a ServiceError for a member that SQL applications do not have."""
    for member in configuration:
        if member not in SQL_MEMBERS:
            raise refused(f"{where}.{member}", "SQL applications do not have it")


def code_of(configuration: dict[str, Any] | None) -> str:
    """The code in an ApplicationCodeConfiguration. Raises a ServiceError."""
    if configuration is None:
        return ""
    content = configuration.get("CodeContent", {})
    return _text(configuration["CodeContentType"], content, "")


def updated_code(code: str, update: dict[str, Any] | None) -> str:
    """The code after an ApplicationCodeConfigurationUpdate. Raises a ServiceError."""
    if update is None:
        return code
    content = update.get("CodeContentUpdate", {})
    return _text(update.get("CodeContentTypeUpdate", "PLAINTEXT"), content, "Update", code)


def _text(kind: str, content: dict[str, Any], suffix: str, before: str = "") -> str:
    if kind != "PLAINTEXT":
        raise refused(f"CodeContentType{suffix}={kind}", "the code of SQL applications is text")
    for member in content:
        if member != f"TextContent{suffix}":
            raise refused(f"CodeContent{suffix}.{member}", "the code of SQL applications is given as TextContent")
    code = content.get(f"TextContent{suffix}", before)
    if len(code.encode()) > CODE_BYTES_MAX:
        raise invalid(f"TextContent{suffix} may have at most {CODE_BYTES_MAX} bytes.")
    return code
