"""What can go wrong with keys.

KeysError
    KeyMissing          no key, or alias, goes by this name
    KeyDisabled         it is switched off
    KeyStateInvalid     it waits for its deletion, say, and cannot do this
    KeyUsageInvalid     it is not made for this
    KeyMismatch         the ciphertext is another key's
    CiphertextInvalid   damaged, of nobody here, or bound to another context
    AliasExists         the name is taken
    AliasInvalid        it may not be called, or point, so
    GrantMissing        no grant has this id or token
    MasterKeyUnfit      the file that all keys are sealed with is not the one they were sealed with
"""


class KeysError(Exception):
    """Base of all."""


class KeyMissing(KeysError):
    """Fields: scope, reference (as it was asked for)."""

    def __init__(self, scope: str, reference: str) -> None:
        super().__init__(f"no key or alias {reference!r} in {scope}")
        self.scope, self.reference = scope, reference


class KeyDisabled(KeysError):
    """Fields: scope, key_id."""

    def __init__(self, scope: str, key_id: str) -> None:
        super().__init__(f"the key {key_id} is disabled")
        self.scope, self.key_id = scope, key_id


class KeyStateInvalid(KeysError):
    """Fields: scope, key_id, state."""

    def __init__(self, scope: str, key_id: str, state: str) -> None:
        super().__init__(f"the key {key_id} is {state}")
        self.scope, self.key_id, self.state = scope, key_id, state


class KeyUsageInvalid(KeysError):
    """The text says what the key is for."""


class KeyMismatch(KeysError):
    """The ciphertext was not made with the key that was named."""


class CiphertextInvalid(KeysError):
    """Nothing more is said, on purpose."""

    def __init__(self) -> None:
        super().__init__("the ciphertext cannot be opened")


class AliasExists(KeysError):
    """Fields: scope, name."""

    def __init__(self, scope: str, name: str) -> None:
        super().__init__(f"there is an alias {name!r} already")
        self.scope, self.name = scope, name


class AliasInvalid(KeysError):
    """The text says why."""


class GrantMissing(KeysError):
    """The text says which."""


class MasterKeyUnfit(KeysError):
    """The text says what to do."""
