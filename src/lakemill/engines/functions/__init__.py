"""Functions: code people bring, kept by its hash and run in warm processes of its own."""

from lakemill.engines.functions.code import zipped
from lakemill.engines.functions.engine import Functions, split
from lakemill.engines.functions.errors import (
    CodeInvalid,
    FunctionConflict,
    FunctionError,
    FunctionExists,
    FunctionFailed,
    FunctionMissing,
    FunctionThrottled,
    FunctionTimeout,
    FunctionUnavailable,
)
from lakemill.engines.functions.function import LATEST, Function, Launch, Outcome, Runtime
from lakemill.engines.functions.versions import StaleRevision

__all__ = [
    "LATEST",
    "CodeInvalid",
    "Function",
    "FunctionConflict",
    "FunctionError",
    "FunctionExists",
    "FunctionFailed",
    "FunctionMissing",
    "FunctionThrottled",
    "FunctionTimeout",
    "FunctionUnavailable",
    "Functions",
    "Launch",
    "Outcome",
    "Runtime",
    "StaleRevision",
    "split",
    "zipped",
]
