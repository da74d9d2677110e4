"""Engine errors and AWS's codes for them."""

from lakemill.engines import keys, streams
from lakemill.engines.resources import TooManyTags
from lakemill.services.base import ServiceError

CODES: dict[type[Exception], str] = {
    streams.StreamMissing: "ResourceNotFoundException",
    streams.StreamExists: "ResourceInUseException",
    streams.StreamBusy: "ResourceInUseException",
    streams.StreamInUse: "ResourceInUseException",
    streams.ShardMissing: "ResourceNotFoundException",
    streams.ShardClosed: "ResourceInUseException",
    streams.ShardsNotAdjacent: "InvalidArgumentException",
    streams.SplitOutside: "InvalidArgumentException",
    streams.HashKeyOutside: "InvalidArgumentException",
    streams.KeyAbsent: "ValidationException",
    streams.RecordTooLarge: "ValidationException",
    streams.SequenceForeign: "InvalidArgumentException",
    streams.IteratorBroken: "InvalidArgumentException",
    streams.IteratorExpired: "ExpiredIteratorException",
    streams.RateExceeded: "ProvisionedThroughputExceededException",
    streams.ChangeRefused: "InvalidArgumentException",
    streams.TooMany: "LimitExceededException",
    streams.ConsumerMissing: "ResourceNotFoundException",
    streams.ConsumerExists: "ResourceInUseException",
    streams.SubscriptionHeld: "ResourceInUseException",
    streams.SealBroken: "InternalFailureException",
    keys.KeyMissing: "KMSNotFoundException",
    keys.KeyDisabled: "KMSDisabledException",
    keys.KeyStateInvalid: "KMSInvalidStateException",
    keys.KeyUsageInvalid: "InvalidArgumentException",
    keys.CiphertextInvalid: "KMSInvalidStateException",
    TooManyTags: "InvalidArgumentException",
}


def invalid(message: str) -> ServiceError:
    """InvalidArgumentException."""
    return ServiceError("InvalidArgumentException", message)


def null(member: str) -> ServiceError:
    """A member that this request needs is missing."""
    return ServiceError(
        "ValidationException",
        f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null",
    )


def as_service_error(error: Exception) -> ServiceError | None:
    """An engine's error in AWS's words, None for others. For what happens after the answer has begun."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return ServiceError(CODES[kind], str(error))
    return None


def would_succeed() -> ServiceError:
    """The answer to a DryRun that found nothing wrong."""
    return ServiceError("DryRunOperationException", "The request would have succeeded, but DryRun is set.")
