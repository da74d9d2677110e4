"""What can go wrong with log lines.

LogError
    GroupMissing    no such group
    GroupExists     a group of that name is there
    StreamMissing   no such stream in the group
    StreamExists    a stream of that name is there
"""


class LogError(Exception):
    """Base; `name` is the group or stream meant."""

    def __init__(self, name: str) -> None:
        super().__init__(self.sentence.format(name=name))
        self.name = name

    sentence = "{name}"


class GroupMissing(LogError):
    sentence = "The specified log group does not exist."


class GroupExists(LogError):
    sentence = "The specified log group already exists"


class StreamMissing(LogError):
    sentence = "The specified log stream does not exist."


class StreamExists(LogError):
    sentence = "The specified log stream already exists"
