"""What DDL fails with: Hive's wording, unlike that of queries.

DdlFailed
    the statement was understood and could not be carried out: `FAILED: SemanticException ...`.
ParseFailed(DdlFailed)
    it was not understood; Athena refuses it at StartQueryExecution.
"""

from lakemill.lakesql.interface import LakeRefused


class DdlFailed(Exception):
    """Its text is what the caller sees."""


class ParseFailed(DdlFailed):
    """Fields: line, column, from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}:{column}: {message}")
        self.line, self.column = line, column


def semantic(message: str) -> DdlFailed:
    """What Hive finds before it does anything."""
    return DdlFailed(f"FAILED: SemanticException {message}")


def execution(message: str, kind: str = "MetaException") -> DdlFailed:
    """What the catalog refuses."""
    return DdlFailed(
        "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
        f"{kind}(message:{message})"
    )  # fmt: skip


def refused(by: LakeRefused) -> DdlFailed:
    """The same from an answer of the platform."""
    kinds = {
        "EntityNotFoundException": "NoSuchObjectException",
        "AlreadyExistsException": "AlreadyExistsException",
        "InvalidInputException": "InvalidObjectException",
    }
    if by.code in ("AccessDenied", "AccessDeniedException"):
        return execution(f"{by.message} (Service: AmazonDataCatalog; Status Code: 400; Error Code: {by.code})")
    return execution(by.message, kinds.get(by.code, "MetaException"))
