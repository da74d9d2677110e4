"""Updates: what is to become of an item, whatever it looks like when they are applied.

All values are worked out on the item as it was before; then the changes are made: sets, sums and additions, deletions,
and last removals, of list positions from the end.
"""

import dataclasses

from lakemill.engines.tables.conditions import Operand
from lakemill.engines.tables.errors import UpdateInvalid
from lakemill.engines.tables.paths import Path, copied, found, put, remove
from lakemill.engines.tables.values import SETS, Item, Value, add, canonical, type_of

MISTYPED = "An operand in the update expression has an incorrect data type"
MISSING = "The provided expression refers to an attribute that does not exist in the item"


def _needed(operand: Operand, item: Item) -> Value:
    value = operand.value(item)
    if value is None:
        raise UpdateInvalid(MISSING)
    return value


@dataclasses.dataclass(frozen=True)
class Sum(Operand):
    """left + right, or left - right with sign -1; of numbers."""

    left: Operand
    right: Operand
    sign: int

    def value(self, item: Item) -> Value | None:
        left, right = _needed(self.left, item), _needed(self.right, item)
        if "N" not in left or "N" not in right:
            raise UpdateInvalid(MISTYPED)
        return {"N": add(left["N"], right["N"], self.sign)}


@dataclasses.dataclass(frozen=True)
class IfMissing(Operand):
    """What stands at a path, or else something."""

    operand: Operand
    otherwise: Operand

    def value(self, item: Item) -> Value | None:
        value = self.operand.value(item)
        return self.otherwise.value(item) if value is None else value


@dataclasses.dataclass(frozen=True)
class Appended(Operand):
    """One list after another."""

    first: Operand
    second: Operand

    def value(self, item: Item) -> Value | None:
        first, second = _needed(self.first, item), _needed(self.second, item)
        if "L" not in first or "L" not in second:
            raise UpdateInvalid(MISTYPED)
        return {"L": first["L"] + second["L"]}


@dataclasses.dataclass(frozen=True)
class Update:
    """All changes of one update. sets: path and operand; adds and deletes: path and value."""

    sets: tuple[tuple[Path, Operand], ...] = ()
    adds: tuple[tuple[Path, Value], ...] = ()
    deletes: tuple[tuple[Path, Value], ...] = ()
    removes: tuple[Path, ...] = ()
    mistyped: str = MISTYPED
    """What is said of an addition to something of another type."""

    def paths(self) -> list[Path]:
        """Every path that is touched."""
        return [path for path, _ in (*self.sets, *self.adds, *self.deletes)] + list(self.removes)

    def apply(self, item: Item) -> Item:
        """The item after it; the one given stays as it is. Raises UpdateInvalid, ValueInvalid."""
        values = [_needed(operand, item) for _, operand in self.sets]
        # Canonical once more: lists that were put together may be nested too deeply.
        added = [(path, self._added(found(item, path), value)) for path, value in self.adds]
        new = copied(item)
        for (path, _), value in sorted(
            zip(self.sets, values, strict=True), key=lambda one: tuple((isinstance(s, int), s) for s in one[0][0])
        ):
            put(new, path, canonical(copied({"": value})[""]))
        for path, value in added:
            put(new, path, value)
        for path, value in self.deletes:
            self._take_out(new, path, value)
        for path in sorted(self.removes, key=_from_the_end):
            remove(new, path)
        return new

    def _added(self, old: Value | None, value: Value) -> Value:
        kind = type_of(value)
        if old is None:
            return value
        if kind not in old:
            raise UpdateInvalid(self.mistyped)
        if kind == "N":
            return {"N": add(old["N"], value["N"])}
        if kind == "L":
            return {"L": old["L"] + value["L"]}
        return canonical({kind: list({*old[kind], *value[kind]})})

    def _take_out(self, item: Item, path: Path, value: Value) -> None:
        old, kind = found(item, path), type_of(value)
        if old is None:
            return
        if kind not in old or kind not in SETS:
            raise UpdateInvalid(self.mistyped)
        left = [one for one in old[kind] if one not in value[kind]]
        if left:
            put(item, path, {kind: left})
        else:
            remove(item, path)


def _from_the_end(path: Path) -> tuple[tuple[bool, int, str], ...]:
    """List positions from high to low, so that none moves before it is removed."""
    return tuple((isinstance(step, int), -step, "") if isinstance(step, int) else (False, 0, step) for step in path)
