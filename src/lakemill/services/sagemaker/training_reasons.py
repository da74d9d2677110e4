"""FailureReason of a training job: whose fault it was, and in whose words."""

import logging
from pathlib import Path

from lakemill.engines.identity.errors import RoleRefused
from lakemill.ports.compute import ComputeRefused
from lakemill.services.sagemaker.access import DISK_FULL, ClientFailure, disk_is_full

REASON_CHARS_MAX = 1024
INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."
KNOWN_PREFIXES = ("ClientError:", "AlgorithmError:", "InternalServerError:", "CapacityError:")

logger = logging.getLogger(__name__)


def failure_of_pipes(folder: Path) -> str:
    """FailureReason when a host's FIFOs could not be filled. folder: of the process that should have."""
    path = folder / "failure"
    return path.read_text()[:REASON_CHARS_MAX] if path.exists() else f"{INTERNAL_ERROR} (The input pipes broke.)"


def failure_reason(text: str | None, exit_code: int) -> str:
    """FailureReason of a process that failed. A signal counts as 128 + its number, as containers tell it.

    >>> failure_reason("ValueError: k is too big", 1)
    'AlgorithmError: ValueError: k is too big, exit code: 1'
    >>> failure_reason(None, -9)
    'AlgorithmError: , exit code: 137'
    """
    text = text or ""
    code = exit_code if exit_code >= 0 else 128 - exit_code
    told = text if text.startswith(KNOWN_PREFIXES) else f"AlgorithmError: {text}"
    ending = f", exit code: {code}"
    return told[: REASON_CHARS_MAX - len(ending)] + ending


def reason_of(error: Exception) -> str:
    """FailureReason of a job that did not come to its process, or not to its end."""
    if isinstance(error, ClientFailure | RoleRefused):
        return f"ClientError: {error}"[:REASON_CHARS_MAX]
    if isinstance(error, ComputeRefused):
        return f"CapacityError: This machine cannot run the job as asked: {error}."[:REASON_CHARS_MAX]
    if disk_is_full(error):
        return DISK_FULL
    logger.error("a training job failed for an error of lakemill's own", exc_info=error)
    return INTERNAL_ERROR
