"""Variables of a procedure that runs. A value is a text, as the wire shows it; None is NULL."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import BOOLEAN, VARCHAR, Type
from lakemill.warehouse.procedures.nodes import BoundCursor, Name

Value = tuple[Type, str | None]
Convert = Callable[[Value, Type], str | None]
"""A value as one of another type. Raises SqlFailed."""


@dataclass
class Variable:
    """kind: None of a record, whose fields are those of the row that was assigned last."""

    name: str
    kind: Type | None
    value: str | None = None
    constant: bool = False
    not_null: bool = False
    fields: dict[str, Value] = field(default_factory=dict)
    fixed: bool = False
    """Of a record: %ROWTYPE, whose fields have types of their own."""
    cursor: BoundCursor | None = None
    open: bool = False
    """Of a value that a client gives, whose type nobody has told."""

    def set(self, value: str | None) -> None:
        """Raises SqlFailed 22005, 22004."""
        if self.constant:
            raise SqlFailed("22005", f'"{self.name}" is declared CONSTANT')
        if self.not_null and value is None:
            message = f'null value cannot be assigned to variable "{self.name}" declared NOT NULL'
            raise SqlFailed("22004", message)
        self.value = value


class Scopes:
    """The variables that can be named, those of inner blocks first."""

    def __init__(self, arguments: list[Variable]) -> None:
        self.arguments = arguments
        self.found = Variable("found", BOOLEAN, "f")
        self._scopes: list[dict[str, Variable]] = [{"found": self.found}]
        self.push([argument for argument in arguments if argument.name])

    def push(self, variables: list[Variable]) -> dict[str, Variable]:
        """Begin a block."""
        self._scopes.append({variable.name: variable for variable in variables})
        return self._scopes[-1]

    def pop(self) -> None:
        """End a block."""
        self._scopes.pop()

    def get(self, name: str) -> Variable | None:
        """By its name, or by `$1` an argument; None where there is none."""
        if name.startswith("$"):
            place = int(name[1:]) - 1
            return self.arguments[place] if 0 <= place < len(self.arguments) else None
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def variable(self, name: str) -> Variable:
        """Raises SqlFailed 42601."""
        found = self.get(name)
        if found is None:
            raise SqlFailed("42601", f'"{name}" is not a known variable')
        return found

    def names(self, name: Name) -> bool:
        """Whether it is a variable, or a field of a record."""
        found = self.get(name[0])
        if found is None:
            return False
        return found.kind is not None if len(name) == 1 else found.kind is None and len(name) == 2

    def value(self, name: Name) -> Value:
        """Raises SqlFailed: 55000 for a record without a row, 42703 for a field that it has not."""
        found = self.variable(name[0])
        if len(name) == 1:
            return found.kind or VARCHAR, found.value
        if not found.fields:
            raise SqlFailed("55000", f'record "{name[0]}" is not assigned yet')
        if name[1] not in found.fields:
            raise SqlFailed("42703", f'record "{name[0]}" has no field "{name[1]}"')
        return found.fields[name[1]]

    def assign(self, name: Name, value: Value, convert: Convert) -> None:
        """Raises SqlFailed where the value cannot be one of the variable's type."""
        found = self.variable(name[0])
        if len(name) > 1:
            kind, _ = self.value(name)
            found.fields[name[1]] = kind, convert(value, kind)
        elif found.kind is None:
            raise SqlFailed("42804", f'cannot assign a value to record "{found.name}"')
        else:
            found.set(convert(value, found.kind))

    def assign_row(self, targets: list[Name], names: list[str], row: list[Value] | None, convert: Convert) -> None:
        """A row into a record, or value by value; no row is NULLs."""
        first = self.variable(targets[0][0])
        if len(targets) == 1 and len(targets[0]) == 1 and first.kind is None:
            _into_record(first, names, row, convert)
            return
        for place, name in enumerate(targets):
            given = row[place] if row is not None and place < len(row) else (VARCHAR, None)
            self.assign(name, given, convert)


def _into_record(record: Variable, names: list[str], row: list[Value] | None, convert: Convert) -> None:
    if record.fixed:
        given = row if row is not None else []
        for place, (name, (kind, _)) in enumerate(record.fields.items()):
            record.fields[name] = kind, convert(given[place], kind) if place < len(given) else None
        return
    values = row if row is not None else [(VARCHAR, None)] * len(names)
    record.fields = dict(zip(names, values, strict=False))
