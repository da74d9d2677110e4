"""Redshift's errors."""

from lakemill.engines.resources import ResourceMissing, TokenMangled, TooManyTags
from lakemill.engines.warehouses import NotRunning, SnapshotMissing, SnapshotUnusable, StateWrong
from lakemill.services.base import ServiceError

CODES: dict[type[Exception], str] = {
    ResourceMissing: "ClusterNotFound",
    NotRunning: "InvalidClusterState",
    StateWrong: "InvalidClusterState",
    SnapshotMissing: "ClusterSnapshotNotFound",
    SnapshotUnusable: "InvalidClusterSnapshotState",
    TokenMangled: "InvalidParameterValue",
    TooManyTags: "TagLimitExceededFault",
}


def invalid(message: str) -> ServiceError:
    """InvalidParameterValue."""
    return ServiceError("InvalidParameterValue", message, status=400)


def combination(message: str) -> ServiceError:
    """InvalidParameterCombination."""
    return ServiceError("InvalidParameterCombination", message, status=400)


def refused(member: str, value: object, reason: str) -> ServiceError:
    """A value that AWS has and lakemill has not."""
    return invalid(f"{member}={value} is refused: {reason}.")


def missing(name: str) -> ServiceError:
    """ClusterNotFound."""
    return ServiceError("ClusterNotFound", f"Cluster {name} not found.")
