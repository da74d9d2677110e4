"""Errors in AWS's words."""

import contextlib
from collections.abc import Iterator
from typing import Any

from lakemill.engines.analytics import (
    SNAPSHOT,
    ApplicationBusy,
    CodeInvalid,
    PartMissing,
    SnapshotMissing,
    StaleVersion,
    WorkerFailed,
)
from lakemill.engines.resources import ResourceExists, ResourceMissing, TooManyTags
from lakemill.services.base import ServiceError


def invalid(message: str) -> ServiceError:
    """InvalidArgumentException."""
    return ServiceError("InvalidArgumentException", message)


def refused(what: str, reason: str = "lakemill does not provide it") -> ServiceError:
    """Something AWS has and lakemill has not: what (a member, or member=value) and why."""
    return invalid(f"{what} is refused: {reason}.")


def unsupported(message: str) -> ServiceError:
    """UnsupportedOperationException."""
    return ServiceError("UnsupportedOperationException", message)


@contextlib.contextmanager
def in_awss_words(*, starting: bool = False) -> Iterator[None]:
    """Turn errors of the engine into AWS's. starting: bad code is then a matter of the configuration."""
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        if (told := translated(error, starting=starting)) is not None:
            raise told from None
        raise


def translated(error: Exception, *, starting: bool = False) -> ServiceError | None:
    """An engine's error as AWS's; None if it is none that a caller can mend."""
    if isinstance(error, ResourceMissing):
        return ServiceError("ResourceNotFoundException", f"Application {error.name} not found.")
    if isinstance(error, ResourceExists) and error.kind == SNAPSHOT:
        return ServiceError("ResourceInUseException", f"Snapshot {error.name.partition(':')[2]} already exists.")
    if isinstance(error, SnapshotMissing):
        return ServiceError("ResourceNotFoundException", f"The application has no snapshot {error.name}.")
    if isinstance(error, ResourceExists):
        return ServiceError("ResourceInUseException", f"Application {error.name} already exists.")
    if isinstance(error, ApplicationBusy):
        return ServiceError(
            "ResourceInUseException", f"Application {error.name} is in the {error.status.upper()} state."
        )
    if isinstance(error, StaleVersion):
        message = f"The application version id {error.given} is not the current one, which is {error.current}."
        return ServiceError("ConcurrentModificationException", message)
    if isinstance(error, CodeInvalid):
        code = "InvalidApplicationConfigurationException" if starting else "CodeValidationException"
        return ServiceError(code, f"The application code is not valid: {error}")
    if isinstance(error, WorkerFailed):
        return ServiceError("ServiceUnavailableException", f"The code cannot be looked at now: {error}", status=503)
    if isinstance(error, PartMissing):
        return ServiceError("ResourceNotFoundException", f"There is no {NAMES[error.part]} with the id {error.id}.")
    if isinstance(error, TooManyTags):
        return ServiceError("TooManyTagsException", "An application may have at most 50 tags.")
    return None


NAMES: dict[str, Any] = {
    "inputs": "input",
    "outputs": "output",
    "references": "reference data source",
    "logs": "CloudWatch logging option",
}
