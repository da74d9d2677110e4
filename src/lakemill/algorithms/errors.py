"""Three kinds of failure, after whose move it is.

AlgorithmFailure
    CustomerError      the user's data or settings; retrying changes nothing. FailureReason `ClientError: ...`
    InternalError      ours; FailureReason `InternalServerError: ...`
anything else that escapes a train function is an `AlgorithmError: ...`.
"""


class AlgorithmFailure(Exception):
    """Base; the text is what the user reads."""

    prefix = "AlgorithmError"


class CustomerError(AlgorithmFailure):
    """The user can mend it: a hyperparameter, a channel, a record."""

    prefix = "ClientError"


class InternalError(AlgorithmFailure):
    """Only we can mend it."""

    prefix = "InternalServerError"
