"""Requests for several things at once."""

from typing import Any

from lakemill.services.athena.errors import invalid

BATCH_MAX = 50


def checked_batch(name: str, ids: list[str]) -> list[str]:
    """1 to 50. Raises InvalidRequestException."""
    if not 1 <= len(ids) <= BATCH_MAX:
        raise invalid(f"{name} must have 1 to {BATCH_MAX} members; got {len(ids)}.")
    return ids


def unprocessed(message: str) -> dict[str, Any]:
    """Why one of a batch is not told about."""
    return {"ErrorCode": "INVALID_INPUT", "ErrorMessage": message}
