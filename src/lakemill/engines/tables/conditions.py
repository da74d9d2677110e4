"""Conditions: trees that say yes or no about an item.

What is missing has no order and is equal to nothing. So a comparison with it is false, `<>` true.
"""

import dataclasses
from collections.abc import Iterator

from lakemill.engines.tables.errors import ExpressionInvalid
from lakemill.engines.tables.paths import Path, found, shown
from lakemill.engines.tables.values import SETS, Item, Value, compare, type_of

ELEMENT = {"SS": "S", "NS": "N", "BS": "B"}


class Operand:
    """Something with a value, given an item."""

    def value(self, item: Item) -> Value | None:
        """None where there is none."""
        raise NotImplementedError

    def paths(self) -> Iterator[Path]:
        """The paths it looks at."""
        yield from ()


@dataclasses.dataclass(frozen=True)
class At(Operand):
    """What stands at a path."""

    path: Path

    def value(self, item: Item) -> Value | None:
        return found(item, self.path)

    def paths(self) -> Iterator[Path]:
        yield self.path


@dataclasses.dataclass(frozen=True)
class Literal(Operand):
    """A given value."""

    given: Value

    def value(self, item: Item) -> Value | None:
        return self.given


@dataclasses.dataclass(frozen=True)
class Size(Operand):
    """Characters of a text, bytes of a binary, elements of a set, list or map."""

    of: Operand

    def value(self, item: Item) -> Value | None:
        value = self.of.value(item)
        if value is None or type_of(value) in ("N", "BOOL", "NULL"):
            return None
        return {"N": str(len(value[type_of(value)]))}

    def paths(self) -> Iterator[Path]:
        yield from self.of.paths()


class Condition:
    """Yes or no about an item."""

    def holds(self, item: Item) -> bool:
        raise NotImplementedError

    def parts(self) -> tuple["Condition | Operand", ...]:
        """What it is made of."""
        raise NotImplementedError

    def paths(self) -> Iterator[Path]:
        """The paths it looks at."""
        for part in self.parts():
            yield from part.paths()


@dataclasses.dataclass(frozen=True)
class And(Condition):
    of: tuple[Condition, ...]

    def holds(self, item: Item) -> bool:
        return all(part.holds(item) for part in self.of)

    def parts(self) -> tuple[Condition | Operand, ...]:
        return self.of


@dataclasses.dataclass(frozen=True)
class Or(Condition):
    of: tuple[Condition, ...]

    def holds(self, item: Item) -> bool:
        return any(part.holds(item) for part in self.of)

    def parts(self) -> tuple[Condition | Operand, ...]:
        return self.of


@dataclasses.dataclass(frozen=True)
class Not(Condition):
    of: Condition

    def holds(self, item: Item) -> bool:
        return not self.of.holds(item)

    def parts(self) -> tuple[Condition | Operand, ...]:
        return (self.of,)


@dataclasses.dataclass(frozen=True)
class Compared(Condition):
    """operator: =, <>, <, <=, >, >=."""

    operator: str
    left: Operand
    right: Operand

    def holds(self, item: Item) -> bool:
        left, right = self.left.value(item), self.right.value(item)
        if self.operator in ("=", "<>"):
            return (left is not None and left == right) is (self.operator == "=")
        order = None if left is None or right is None else compare(left, right)
        if order is None:
            return False
        return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[self.operator]

    def parts(self) -> tuple[Condition | Operand, ...]:
        return (self.left, self.right)


@dataclasses.dataclass(frozen=True)
class Between(Condition):
    """Both bounds belong to it."""

    operand: Operand
    low: Operand
    high: Operand

    def holds(self, item: Item) -> bool:
        return Compared(">=", self.operand, self.low).holds(item) and Compared("<=", self.operand, self.high).holds(
            item
        )

    def parts(self) -> tuple[Condition | Operand, ...]:
        return (self.operand, self.low, self.high)


@dataclasses.dataclass(frozen=True)
class In(Condition):
    operand: Operand
    choices: tuple[Operand, ...]

    def holds(self, item: Item) -> bool:
        value = self.operand.value(item)
        return value is not None and any(value == choice.value(item) for choice in self.choices)

    def parts(self) -> tuple[Condition | Operand, ...]:
        return (self.operand, *self.choices)


@dataclasses.dataclass(frozen=True)
class Exists(Condition):
    operand: At

    def holds(self, item: Item) -> bool:
        return self.operand.value(item) is not None

    def parts(self) -> tuple[Condition | Operand, ...]:
        return (self.operand,)


@dataclasses.dataclass(frozen=True)
class HasType(Condition):
    operand: At
    type: str

    def holds(self, item: Item) -> bool:
        value = self.operand.value(item)
        return value is not None and type_of(value) == self.type

    def parts(self) -> tuple[Condition | Operand, ...]:
        return (self.operand,)


@dataclasses.dataclass(frozen=True)
class BeginsWith(Condition):
    """Of texts, and of binaries."""

    operand: Operand
    prefix: Operand

    def holds(self, item: Item) -> bool:
        value, prefix = self.operand.value(item), self.prefix.value(item)
        if value is None or prefix is None or type_of(value) != type_of(prefix) or type_of(value) not in ("S", "B"):
            return False
        return value[type_of(value)].startswith(prefix[type_of(prefix)])

    def parts(self) -> tuple[Condition | Operand, ...]:
        return (self.operand, self.prefix)


@dataclasses.dataclass(frozen=True)
class Contains(Condition):
    """A piece of a text or binary, an element of a set or list."""

    operand: Operand
    piece: Operand

    def holds(self, item: Item) -> bool:
        value, piece = self.operand.value(item), self.piece.value(item)
        if value is None or piece is None:
            return False
        kind, of = type_of(value), type_of(piece)
        if kind == "L":
            return piece in value["L"]
        if kind in SETS:
            return of == ELEMENT[kind] and piece[of] in value[kind]
        return kind == of and kind in ("S", "B") and piece[of] in value[kind]

    def parts(self) -> tuple[Condition | Operand, ...]:
        return (self.operand, self.piece)


def check_distinct(operator: str, first: Operand, others: tuple[Operand, ...]) -> None:
    """Nothing is compared with itself. Raises ExpressionInvalid."""
    if isinstance(first, At) and first in others:
        raise ExpressionInvalid(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {shown(first.path)}"
        )
