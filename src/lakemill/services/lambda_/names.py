"""Names, ARNs and errors of Lambda."""

from typing import Any

from lakemill.engines.functions import split
from lakemill.services.base import Call, ServiceError

LATEST = "$LATEST"


def fault(code: str, message: str, *, status: int | None = None) -> ServiceError:
    """An error that is the caller's."""
    return ServiceError(code, message, status=status, fields={"Type": "User"})


def invalid(message: str) -> ServiceError:
    return fault("InvalidParameterValueException", message)


def refused(what: str, why: str) -> ServiceError:
    """A value that lakemill does not honour."""
    return invalid(f"{what} is refused: {why}.")


def function_arn(scope: str, name: str, qualifier: str | None = None) -> str:
    """
    >>> function_arn("000000000000/us-east-1", "f", "7")
    'arn:aws:lambda:us-east-1:000000000000:function:f:7'
    """
    account, _, region = scope.partition("/")
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn


def missing(scope: str, name: str, qualifier: str | None = None) -> ServiceError:
    """No such function, version or alias."""
    arn = function_arn(scope, name, qualifier)
    if qualifier and qualifier != LATEST and not qualifier.isdigit():
        return fault("ResourceNotFoundException", f"Cannot find alias arn: {arn}")
    return fault("ResourceNotFoundException", f"Function not found: {arn}")


def target(call: Call, request: dict[str, Any]) -> tuple[str, str, str | None]:
    """Scope, bare name and qualifier a request is about. Raises a ServiceError where name and Qualifier differ."""
    scope, name, written = split(f"{call.account}/{call.region}", request["FunctionName"])
    qualifier = request.get("Qualifier") or None
    if qualifier and written and qualifier != written:
        raise invalid("The derived qualifier from the function name does not match the specified qualifier.")
    return scope, name, qualifier or written
