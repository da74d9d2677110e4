"""The language of conditions, projections and updates.

    condition   = all OR all ...        all = one AND one ...        one = NOT one | (condition) | test
    test        = operand (= <> < <= > >=) operand | operand BETWEEN operand AND operand | operand IN (operand, ...)
                | attribute_exists(path) | attribute_not_exists(path) | attribute_type(path, :t)
                | begins_with(operand, operand) | contains(operand, operand)
    operand     = path | :value | size(path)
    path        = name | #alias, followed by .name and [number]
    projection  = path, path, ...
    update      = SET path = sum, ... | REMOVE path, ... | ADD path :value, ... | DELETE path :value, ...    each once
    sum         = term | term + term | term - term
    term        = operand | if_not_exists(path, term) | list_append(term, term)

A `Language` knows the names behind aliases and the values behind placeholders, and which of them were used.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from lakemill.engines.tables import conditions as c
from lakemill.engines.tables.errors import ExpressionInvalid
from lakemill.engines.tables.paths import Path, shown
from lakemill.engines.tables.reserved import RESERVED
from lakemill.engines.tables.tokens import Tokens
from lakemill.engines.tables.updates import Appended, IfMissing, Sum, Update
from lakemill.engines.tables.values import SETS, TYPES, Value, type_of

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
TESTS = ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains")
FUNCTIONS = (*TESTS, "size", "if_not_exists", "list_append")
OPERANDS_MAX = 100
NAMES = {"S": "STRING", "N": "NUMBER", "B": "BINARY", "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET"}
NAMES |= {"M": "MAP", "L": "LIST", "NULL": "NULL", "BOOL": "BOOLEAN"}
T = TypeVar("T")


class Language:
    """names: what stands for #alias; values: what stands for :value, in canonical form."""

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Value]) -> None:
        self._names, self._values = names, values
        self.used_names: set[str] = set()
        self.used_values: set[str] = set()

    def condition(self, text: str) -> c.Condition:
        """Raises ExpressionInvalid."""
        reader = _Conditions(self, Tokens(text))
        condition = reader.condition()
        reader.tokens.end()
        return condition

    def projection(self, text: str) -> list[Path]:
        """Raises ExpressionInvalid."""
        reader = _Reader(self, Tokens(text))
        paths = reader.several(reader.path)
        reader.tokens.end()
        check_overlap(paths)
        return paths

    def update(self, text: str) -> Update:
        """Raises ExpressionInvalid."""
        return _Updates(self, Tokens(text)).update()

    def name(self, alias: str) -> str:
        """What an alias stands for. Raises ExpressionInvalid."""
        self.used_names.add(alias)
        if alias not in self._names:
            raise ExpressionInvalid(
                f"An expression attribute name used in the document path is not defined; attribute name: {alias}"
            )
        return self._names[alias]

    def value(self, placeholder: str) -> Value:
        """What a placeholder stands for. Raises ExpressionInvalid."""
        self.used_values.add(placeholder)
        if placeholder not in self._values:
            raise ExpressionInvalid(
                f"An expression attribute value used in expression is not defined; attribute value: {placeholder}"
            )
        return self._values[placeholder]


def check_overlap(paths: list[Path]) -> None:
    """No path is another, or leads through it. Raises ExpressionInvalid."""
    ordered = sorted(range(len(paths)), key=lambda at: len(paths[at]))
    seen: dict[Path, int] = {}
    for at in ordered:
        path = paths[at]
        for length in range(1, len(path) + 1):
            if (other := seen.get(path[:length])) is not None:
                first, second = sorted((other, at))
                raise ExpressionInvalid(
                    "Two document paths overlap with each other; must remove or rewrite one of these paths; "
                    f"path one: {shown(paths[first])}, path two: {shown(paths[second])}"
                )
        seen[path] = at


class _Reader:
    def __init__(self, language: Language, tokens: Tokens) -> None:
        self.language, self.tokens = language, tokens

    def several(self, one: Callable[[], T]) -> list[T]:
        found = [one()]
        while self.tokens.accept(","):
            found.append(one())
        return found

    def path(self) -> Path:
        steps: list[str | int] = [self._step()]
        while True:
            if self.tokens.accept("."):
                steps.append(self._step())
            elif self.tokens.accept("["):
                if self.tokens.next.kind != "number":
                    self.tokens.wrong()
                steps.append(int(self.tokens.take().text))
                self.tokens.expect("]")
            else:
                return tuple(steps)

    def _step(self) -> str:
        token = self.tokens.next
        if token.kind == "alias":
            return self.language.name(self.tokens.take().text)
        if token.kind != "name" or self.tokens.following.text == "(":
            self.tokens.wrong()
        if token.text.upper() in RESERVED:
            raise ExpressionInvalid(f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        return self.tokens.take().text

    def literal(self) -> c.Literal:
        if self.tokens.next.kind != "value":
            self.tokens.wrong()
        return c.Literal(self.language.value(self.tokens.take().text))

    def function(self) -> str | None:
        """The name of a function that is called here."""
        token = self.tokens.next
        if token.kind != "name" or self.tokens.following.text != "(":
            return None
        if token.text not in FUNCTIONS:
            raise ExpressionInvalid(f"Invalid function name; function: {token.text}")
        return token.text

    def not_here(self, function: str) -> ExpressionInvalid:
        return ExpressionInvalid(
            f"The function is not allowed to be used this way in an expression; function: {function}"
        )

    def arguments(self, function: str, count: int, one: Callable[[], T]) -> list[T]:
        self.tokens.take()
        self.tokens.expect("(")
        found = self.several(one)
        self.tokens.expect(")")
        if len(found) != count:
            raise ExpressionInvalid(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {function}, number of operands: {len(found)}"
            )
        return found


def _mistyped(function: str, kind: str) -> ExpressionInvalid:
    return ExpressionInvalid(
        f"Incorrect operand type for operator or function; operator or function: {function}, operand type: {kind}"
    )


class _Conditions(_Reader):
    def condition(self) -> c.Condition:
        parts = [self._all()]
        while self.tokens.accept("OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else c.Or(tuple(parts))

    def _all(self) -> c.Condition:
        parts = [self._one()]
        while self.tokens.accept("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else c.And(tuple(parts))

    def _one(self) -> c.Condition:
        if self.tokens.accept("NOT"):
            return c.Not(self._one())
        if not self.tokens.accept("("):
            return self._test()
        inner = self.condition()
        self.tokens.expect(")")
        if inner is self._bracketed:
            raise ExpressionInvalid("The expression has redundant parentheses;")
        self._bracketed = inner
        return inner

    _bracketed: c.Condition | None = None
    """What stood within the last pair of parentheses."""

    def _test(self) -> c.Condition:
        function = self.function()
        if function in ("attribute_exists", "attribute_not_exists"):
            (at,) = self.arguments(function, 1, self._at(function))
            return c.Exists(at) if function == "attribute_exists" else c.Not(c.Exists(at))
        if function == "attribute_type":
            return self._attribute_type(function)
        if function in ("begins_with", "contains"):
            return self._pair(function)
        return self._comparison(self.operand())

    def _at(self, function: str) -> Callable[[], c.At]:
        def path() -> c.At:
            operand = self.operand()
            if not isinstance(operand, c.At):
                raise ExpressionInvalid(
                    f"Operator or function requires a document path; operator or function: {function}"
                )
            return operand

        return path

    def _attribute_type(self, function: str) -> c.Condition:
        operand, wanted = self.arguments(function, 2, self.operand)
        if not isinstance(wanted, c.Literal) or "S" not in wanted.given:
            raise _mistyped(function, type_of(wanted.given) if isinstance(wanted, c.Literal) else "path")
        if wanted.given["S"] not in TYPES:
            types = ",".join(sorted(TYPES))
            raise ExpressionInvalid(
                f"Invalid attribute type name found; type: {wanted.given['S']}, valid types: {{{types}}}"
            )
        if not isinstance(operand, c.At):
            raise ExpressionInvalid(f"Operator or function requires a document path; operator or function: {function}")
        return c.HasType(operand, wanted.given["S"])

    def _pair(self, function: str) -> c.Condition:
        operand, other = self.arguments(function, 2, self.operand)
        c.check_distinct(function, operand, (other,))
        if function == "contains":
            return c.Contains(operand, other)
        for one in (operand, other):
            if isinstance(one, c.Literal) and type_of(one.given) not in ("S", "B"):
                raise _mistyped(function, type_of(one.given))
        return c.BeginsWith(operand, other)

    def _comparison(self, left: c.Operand) -> c.Condition:
        if sign := self.tokens.accept(*COMPARISONS):
            right = self.operand()
            c.check_distinct(sign.text, left, (right,))
            if sign.text not in ("=", "<>"):
                self._check_ordered(sign.text, right)
            return c.Compared(sign.text, left, right)
        if self.tokens.accept("BETWEEN"):
            low = self.operand()
            self.tokens.expect("AND")
            high = self.operand()
            for bound in (low, high):
                self._check_ordered("BETWEEN", bound)
            self._check_bounds(low, high)
            return c.Between(left, low, high)
        if self.tokens.accept("IN"):
            self.tokens.expect("(")
            choices = self.several(self.operand)
            self.tokens.expect(")")
            if len(choices) > OPERANDS_MAX:
                raise ExpressionInvalid(
                    "Too many operands for operator or function; "
                    f"operator or function: IN, operand count: {len(choices)}"
                )
            return c.In(left, tuple(choices))
        self.tokens.wrong()

    @staticmethod
    def _check_ordered(operator: str, operand: c.Operand) -> None:
        if isinstance(operand, c.Literal) and type_of(operand.given) not in ("S", "N", "B"):
            raise _mistyped(operator, type_of(operand.given))

    @staticmethod
    def _check_bounds(low: c.Operand, high: c.Operand) -> None:
        if not isinstance(low, c.Literal) or not isinstance(high, c.Literal):
            return
        kinds = type_of(low.given), type_of(high.given)
        if kinds[0] != kinds[1]:
            raise ExpressionInvalid(
                "The BETWEEN operator requires same data type for lower and upper bounds; "
                f"lower bound operand: AttributeValue: {_attribute(low.given)}, "
                f"upper bound operand: AttributeValue: {_attribute(high.given)}"
            )
        order = c.compare(low.given, high.given)
        if order is not None and order > 0:
            raise ExpressionInvalid(
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
                f"lower bound operand: AttributeValue: {_attribute(low.given)}, "
                f"upper bound operand: AttributeValue: {_attribute(high.given)}"
            )

    def operand(self) -> c.Operand:
        if self.tokens.next.kind == "value":
            return self.literal()
        function = self.function()
        if function == "size":
            (inner,) = self.arguments(function, 1, self.operand)
            if isinstance(inner, c.Literal) and type_of(inner.given) in ("N", "BOOL", "NULL"):
                raise _mistyped(function, type_of(inner.given))
            return c.Size(inner)
        if function is not None:
            raise self.not_here(function)
        return c.At(self.path())


def _attribute(value: Value) -> str:
    kind = type_of(value)
    return f"{{{kind}:{value[kind]}}}"


class _Updates(_Conditions):
    def update(self) -> Update:
        sections: dict[str, list] = {}
        while token := self.tokens.accept("SET", "REMOVE", "ADD", "DELETE"):
            if token.text in sections:
                raise ExpressionInvalid(f'The "{token.text}" section can only be used once in an update expression;')
            one = {"SET": self._set, "REMOVE": self.path, "ADD": self._add, "DELETE": self._delete}[token.text]
            sections[token.text] = self.several(one)  # type: ignore[arg-type]
        self.tokens.end()
        sets, adds, deletes, removes = (tuple(sections.get(name, ())) for name in ("SET", "ADD", "DELETE", "REMOVE"))
        update = Update(sets, adds, deletes, removes)
        check_overlap(update.paths())
        return update

    def _set(self) -> tuple[Path, c.Operand]:
        path = self.path()
        self.tokens.expect("=")
        left = self._term()
        if sign := self.tokens.accept("+", "-"):
            right = self._term()
            for one in (left, right):
                if isinstance(one, c.Literal) and "N" not in one.given:
                    raise _mistyped(sign.text, type_of(one.given))
            return path, Sum(left, right, 1 if sign.text == "+" else -1)
        return path, left

    def _term(self) -> c.Operand:
        if self.tokens.next.text == "(" and self.tokens.accept("("):
            inner = self._term()
            self.tokens.expect(")")
            return inner
        if self.tokens.next.kind == "value":
            return self.literal()
        function = self.function()
        if function == "if_not_exists":
            first, otherwise = self.arguments(function, 2, self._term)
            if not isinstance(first, c.At):
                raise ExpressionInvalid(
                    f"Operator or function requires a document path; operator or function: {function}"
                )
            return IfMissing(first, otherwise)
        if function == "list_append":
            first, second = self.arguments(function, 2, self._term)
            for one in (first, second):
                if isinstance(one, c.Literal) and "L" not in one.given:
                    raise _mistyped(function, type_of(one.given))
            return Appended(first, second)
        if function is not None:
            raise self.not_here(function)
        return c.At(self.path())

    def _add(self) -> tuple[Path, Value]:
        return self._operation("ADD", ("N", *SETS))

    def _delete(self) -> tuple[Path, Value]:
        return self._operation("DELETE", tuple(SETS))

    def _operation(self, operator: str, allowed: tuple[str, ...]) -> tuple[Path, Value]:
        path, value = self.path(), self.literal().given
        if type_of(value) not in allowed:
            raise ExpressionInvalid(
                f"Incorrect operand type for operator or function; operator: {operator}, "
                f"operand type: {NAMES[type_of(value)]}, typeset: ALLOWED_FOR_{operator}_OPERAND"
            )
        return path, value
