"""SageMaker's errors. Nearly everything is a ValidationException, told apart by its text; SDKs match on both."""

from lakemill.engines.resources import TokenMangled, TooManyTags
from lakemill.services.base import ServiceError

ERRORS: dict[type[Exception], str] = {TokenMangled: "ValidationException", TooManyTags: "ValidationException"}


def invalid(message: str) -> ServiceError:
    """A ValidationException."""
    return ServiceError("ValidationException", message)


def not_found() -> ServiceError:
    """How SageMaker says that a job does not exist: not with ResourceNotFound."""
    return invalid("Requested resource not found.")


def unsupported(member: str, reason: str) -> ServiceError:
    """A member, or a value of it, that lakemill does not honour: named, never ignored."""
    return invalid(f"{member} is not supported by lakemill: {reason}")
