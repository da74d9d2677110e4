"""What can go wrong with tables.

TablesError
    TableMissing         no table of this scope has the name
    TableExists          one has it already
    TableProtected       it must not be deleted
    IndexMissing         the table has no such index
    IndexExists          it has one of that name
    ValueInvalid         a value is none that can be kept
    KeyInvalid           a key is not one of this table
    ItemTooLarge         an item would be larger than 400 KiB
    ExpressionInvalid    a text is no condition, update or projection; or it does not fit what it is applied to
    UpdateInvalid        an update cannot be applied to the item that is there
    ConditionFailed      the condition of a write does not hold
    ChangesCancelled     several changes at once, of which at least one cannot be made
    TokenMismatch        a token that was used for other changes
"""

from typing import Any


class TablesError(Exception):
    """Base."""


class TableMissing(TablesError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no table is named {name}")
        self.name = name


class TableExists(TablesError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Table already exists: {name}")
        self.name = name


class TableProtected(TablesError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the table {name} is protected against deletion")
        self.name = name


class IndexMissing(TablesError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The table does not have the specified index: {name}")
        self.name = name


class IndexExists(TablesError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Attempting to create an index which already exists: {name}")
        self.name = name


class ValueInvalid(TablesError):
    """The message says which and why."""


class KeyInvalid(TablesError):
    """The message says which and why."""


class ItemTooLarge(TablesError):
    """The message says what was done."""


class ExpressionInvalid(TablesError):
    """The message says what is wrong with the text."""


class UpdateInvalid(TablesError):
    """The message says why."""


class ConditionFailed(TablesError):
    """Field: item, as it is (None where there is none)."""

    def __init__(self, item: dict[str, Any] | None) -> None:
        super().__init__("The conditional request failed")
        self.item = item


class ChangesCancelled(TablesError):
    """Field: reasons, one per change: what is wrong with it, or None."""

    def __init__(self, reasons: list[TablesError | None]) -> None:
        super().__init__("changes were cancelled")
        self.reasons = reasons


class TokenMismatch(TablesError):
    """The same token came with other changes."""

    def __init__(self) -> None:
        super().__init__("the token was used for other changes")
