"""What can be wrong with a request about transforms.

TransformsError
    TransformMissing     no transform has this id
    RunMissing           the transform has no such task run
    NameTaken            another transform has this name
    TooManyTransforms    an account has all it may have
    TooManyRuns          so many task runs at a time are all there may be
    NotTaught            the transform has learned nothing yet
    RunEnded             the task run is over
"""


class TransformsError(Exception):
    """Base of all."""


class TransformMissing(TransformsError):
    def __init__(self, scope: str, id: str) -> None:
        super().__init__(f"Cannot find MLTransform in account {_account(scope)} with handle {id}.")


class RunMissing(TransformsError):
    def __init__(self, scope: str, transform: str, id: str) -> None:
        super().__init__(f"No ML Task Run found for {id}: in account {_account(scope)} for transform {transform}.")


class NameTaken(TransformsError):
    def __init__(self, title: str) -> None:
        super().__init__(f"Transform with name {title} already exists.")


class TooManyTransforms(TransformsError):
    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"ML Transforms count ({count}) has exceeded the limit of {limit} transforms.")


class TooManyRuns(TransformsError):
    def __init__(self, count: int, limit: int, *, of_transform: bool) -> None:
        whose = "the transform limit" if of_transform else "the limit"
        super().__init__(f"ML Task Runs count {count} has exceeded {whose} of {limit} task runs.")


class NotTaught(TransformsError):
    def __init__(self) -> None:
        super().__init__("This operation can only be applied to a transform that is in a READY state.")


class RunEnded(TransformsError):
    def __init__(self, id: str, status: str) -> None:
        super().__init__(f"ML Task Run {id} has ended: it is {status}.")


def _account(scope: str) -> str:
    return scope.partition("/")[0]
