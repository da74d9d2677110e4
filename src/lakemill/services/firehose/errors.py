"""Errors in AWS's words."""

from lakemill.services.base import ServiceError


def invalid(message: str) -> ServiceError:
    """InvalidArgumentException."""
    return ServiceError("InvalidArgumentException", message)


def refused(what: str, reason: str = "lakemill does not provide it") -> ServiceError:
    """Something AWS has and lakemill has not: what (a member, or member=value) and why."""
    return invalid(f"{what} is refused: {reason}.")


def missing(name: str, account: str) -> ServiceError:
    """ResourceNotFoundException."""
    return ServiceError("ResourceNotFoundException", f"Firehose {name} under account {account} not found.")
