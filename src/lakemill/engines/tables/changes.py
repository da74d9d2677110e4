"""Changes of items: put, update, delete or only look, each under a condition."""

import dataclasses
from collections.abc import Callable

from lakemill.engines.tables.conditions import Condition
from lakemill.engines.tables.errors import ConditionFailed, ItemTooLarge, TablesError
from lakemill.engines.tables.schema import Table, entry_key
from lakemill.engines.tables.updates import Update
from lakemill.engines.tables.values import ITEM_BYTES_MAX, Item, canonical_item, item_size
from lakemill.ports.metadata import Transaction

ITEMS, ENTRIES, SIZES = "table_items", "table_entries", "table_sizes"


@dataclasses.dataclass(frozen=True)
class Change:
    """One change of one item, everything in canonical form.

    key: the key, or the whole item with put. Exactly one of put, update, delete; or none, to hold only the condition.
    """

    table: str
    key: Item
    put: bool = False
    update: Update | None = None
    delete: bool = False
    condition: Condition | None = None

    def made(self, old: Item | None) -> Item | None:
        """The item after it, None for none. Raises UpdateInvalid, ValueInvalid."""
        if self.put:
            return self.key
        if self.delete:
            return None
        return old if self.update is None else self.update.apply(self.key if old is None else old)


@dataclasses.dataclass(frozen=True)
class Changed:
    """The item before and after, None for none; and how many bytes its larger form has."""

    old: Item | None
    new: Item | None

    @property
    def bytes(self) -> int:
        return max((item_size(one) for one in (self.old, self.new) if one is not None), default=0)


class Writer:
    """All changes of one transaction: looked at first, written when all are right."""

    def __init__(self, transaction: Transaction, table: Callable[[str], Table]) -> None:
        self._transaction = transaction
        self._find = table
        self._tables: dict[str, Table] = {}
        self._ready: list[tuple[Table, str, Changed]] = []

    def prepare(self, changes: list[Change]) -> tuple[list[Changed], list[TablesError | None]]:
        """What each does, and what is wrong with it. Raises TableMissing."""
        done: list[Changed] = []
        reasons: list[TablesError | None] = []
        for change in changes:
            table = self._tables.get(change.table) or self._tables.setdefault(change.table, self._find(change.table))
            try:
                done.append(self._one(table, change))
                reasons.append(None)
            except TablesError as error:
                reasons.append(error)
        return done, reasons

    def _one(self, table: Table, change: Change) -> Changed:
        (table.check_item if change.put else table.check_key)(change.key)
        place = table.key.place(change.key)
        old = self._transaction.get(ITEMS, f"{table.id}/{place}")
        if change.condition is not None and not change.condition.holds(old or {}):
            raise ConditionFailed(old)
        new = change.made(old)
        if change.update is not None and new is not None:
            table.check_item(new)
            new = canonical_item(new)
        if new is not None and new is not old and item_size(new) > ITEM_BYTES_MAX:
            update = " to update" if change.update is not None else ""
            raise ItemTooLarge(f"Item size{update} has exceeded the maximum allowed size")
        changed = Changed(old, new)
        if new is not old:
            self._ready.append((table, place, changed))
        return changed

    def write(self) -> None:
        """Items, entries and sums."""
        sums: dict[str, list[int]] = {}
        for table, place, changed in self._ready:
            self._write(table, place, changed)
            sum_ = sums.setdefault(table.id, [0, 0])
            for item, sign in ((changed.old, -1), (changed.new, 1)):
                if item is not None:
                    sum_[0] += sign
                    sum_[1] += sign * item_size(item)
        for table_id, (items, size) in sums.items():
            if items or size:
                old = self._transaction.get(SIZES, table_id) or {"items": 0, "bytes": 0}
                self._transaction.put(SIZES, table_id, {"items": old["items"] + items, "bytes": old["bytes"] + size})

    def _write(self, table: Table, place: str, changed: Changed) -> None:
        key = f"{table.id}/{place}"
        if changed.new is None:
            self._transaction.delete(ITEMS, key)
        else:
            self._transaction.put(ITEMS, key, changed.new)
        for index in table.indexes.values():
            before, after = (
                entry_key(index, place, item) if item is not None else None for item in (changed.old, changed.new)
            )
            if before == after:
                continue
            if before is not None:
                self._transaction.delete(ENTRIES, before)
            if after is not None:
                self._transaction.put(ENTRIES, after, place)
