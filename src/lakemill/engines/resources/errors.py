"""What can go wrong with resources.

ResourceError
    ResourceMissing    no resource of this kind has this name in this scope
    ResourceExists     one has it already
    TokenMangled       a paging token is none of ours
    TooManyTags        more tags than a resource may carry
"""


class ResourceError(Exception):
    """Base. Fields: kind, scope, name."""

    sentence = "{kind} {name}"

    def __init__(self, kind: str, scope: str, name: str) -> None:
        super().__init__(self.sentence.format(kind=kind, scope=scope, name=name))
        self.kind, self.scope, self.name = kind, scope, name


class ResourceMissing(ResourceError):
    sentence = "no {kind} is named {name!r}"


class ResourceExists(ResourceError):
    sentence = "a {kind} named {name!r} is there already"


class TooManyTags(ResourceError):
    sentence = "the {kind} {name!r} would carry more than 50 tags"


class TokenMangled(Exception):
    """The paging token given was not made by us, or for another question."""

    def __init__(self) -> None:
        super().__init__("Invalid token")
