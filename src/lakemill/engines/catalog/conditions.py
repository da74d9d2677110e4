"""Conditions on partition keys: `year = 2024 AND (region LIKE 'eu%' OR day BETWEEN '2024-01-01' AND '2024-01-31')`.

Operators: = <> != < <= > >=, IN, BETWEEN, LIKE, IS NULL, AND, OR, NOT, parentheses. A key stands bare, or in double
quotes or backticks. Values are compared by the type of their key: whole numbers and decimals as numbers, dates and
timestamps in time, everything else as text. A partition value that is none of its key's type counts as null; what is
compared with null is neither true nor false, as in SQL.
"""

import dataclasses
import datetime
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from lakemill.engines.catalog.entries import Column
from lakemill.engines.catalog.errors import ExpressionWrong

Truth = bool | None
Test = Callable[[Sequence[str]], Truth]
DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""The value Hive writes for null."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")+"|`(?:[^`]|``)+`)"""
    r"""|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?![\w.])|(?P<word>[^\W\d]\w*)|(?P<sign><=|>=|<>|!=|==|[=<>(),]))"""
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_FLIPPED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_WHOLE = ("tinyint", "smallint", "int", "integer", "bigint", "long")
_TEXTS = ("string", "varchar", "char")
_DEPTH_MAX = 100


@dataclasses.dataclass(frozen=True)
class Condition:
    """A condition that was read. fixed: values the first keys must have, exactly, where they are texts."""

    test: Test
    fixed: tuple[str, ...]

    def holds(self, values: Sequence[str]) -> bool:
        """Whether a partition of these values satisfies it."""
        return self.test(values) is True


def parse(text: str, keys: Sequence[Column]) -> Condition:
    """Read a condition on these keys. Raises ExpressionWrong.

    >>> parse("n > 9 AND s = 'a'", [Column("n", "int"), Column("s", "string")]).holds(["10", "a"])
    True
    """
    parser = _Parser(text, keys)
    test = parser.whole()
    fixed = []
    for place, key in enumerate(keys):
        if place not in parser.equal or _base(key.type) != "string":
            break
        fixed.append(parser.equal[place])
    return Condition(test, tuple(fixed))


def _base(type: str) -> str:
    return re.split(r"[^a-z]", (type or "string").strip().lower(), maxsplit=1)[0]


def reader(type: str) -> Callable[[str], Any] | None:
    """How a text becomes a value of a type: the value, or None. None for a type that cannot be compared."""
    base = _base(type)
    if base in _TEXTS:
        return lambda text: None if text == DEFAULT_PARTITION else text
    if base in _WHOLE:
        return lambda text: int(text) if re.fullmatch(r"\s*[+-]?\d{1,30}\s*", text, re.A) else None
    if base in ("decimal", "double", "float"):
        return _decimal
    if base == "date":
        return _date
    if base == "timestamp":
        return _timestamp
    if base == "boolean":
        return lambda text: {"true": True, "false": False}.get(text.lower())
    return None


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text.strip())
    except ValueError:
        return None


def _timestamp(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None


class _Parser:
    """Recursive descent, a method for each level: OR, AND, NOT, a comparison."""

    def __init__(self, text: str, keys: Sequence[Column]) -> None:
        self._text = text
        self._places = {key.name.lower(): place for place, key in enumerate(keys)}
        self._readers = [reader(key.type) for key in keys]
        self._types = [key.type or "string" for key in keys]
        self._tokens: list[tuple[str, str]] = []
        self._at, self._depth = 0, 0
        self._plain = True
        self.equal: dict[int, str] = {}
        """Values that keys must equal: those of comparisons that no OR or NOT stands over."""
        self._split()

    def _split(self) -> None:
        place, end = 0, len(self._text.rstrip())
        while place < end:
            match = _TOKEN.match(self._text, place)
            if match is None or match.lastgroup is None:
                raise self._wrong(f"{self._text[place:].strip()[:20]!r} cannot be read")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            place = match.end()

    def whole(self) -> Test:
        test = self._either()
        if self._at < len(self._tokens):
            raise self._wrong(f"{self._tokens[self._at][1]!r} stands after its end")
        return test

    def _either(self) -> Test:
        plain, before = self._plain, dict(self.equal)
        tests = [self._all()]
        while self._word("or"):
            self._plain = False
            tests.append(self._all())
        if len(tests) == 1:
            return tests[0]
        self._plain, self.equal = plain, before
        return lambda values: _or(test(values) for test in tests)

    def _all(self) -> Test:
        tests = [self._not()]
        while self._word("and"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda values: _and(test(values) for test in tests)

    def _not(self) -> Test:
        if self._word("not"):
            plain, self._plain = self._plain, False
            test = self._deeper(self._not)
            self._plain = plain
            return lambda values: _opposite(test(values))
        if self._sign("("):
            test = self._deeper(self._either)
            self._expect(")")
            return test
        return self._comparison()

    def _deeper(self, level: Callable[[], Test]) -> Test:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise self._wrong("it is nested too deeply")
        test = level()
        self._depth -= 1
        return test

    def _comparison(self) -> Test:
        place = self._key()
        if place is None:
            value = self._literal()
            operator = self._operator()
            place = self._key()
            if place is None:
                raise self._wrong("a comparison needs a partition key")
            return self._compared(place, _FLIPPED[operator], value)
        if self._word("is"):
            negative = self._word("not")
            if not self._word("null"):
                raise self._wrong("IS must be followed by NULL or NOT NULL")
            read = self._reader(place)
            return lambda values: (read(values[place]) is None) is not negative
        negative = self._word("not")
        test = self._listed(place)
        if test is None:
            if negative:
                raise self._wrong("NOT must be followed by IN, LIKE or BETWEEN")
            return self._compared(place, self._operator(), self._literal())
        return (lambda values: _opposite(test(values))) if negative else test

    def _listed(self, place: int) -> Test | None:
        read = self._reader(place)
        if self._word("in"):
            self._expect("(")
            found = [self._value(place, self._literal())]
            while self._sign(","):
                found.append(self._value(place, self._literal()))
            self._expect(")")
            chosen = set(found)
            return lambda values: None if (value := read(values[place])) is None else value in chosen
        if self._word("between"):
            low = self._value(place, self._literal())
            if not self._word("and"):
                raise self._wrong("BETWEEN needs an AND")
            high = self._value(place, self._literal())
            return lambda values: None if (value := read(values[place])) is None else low <= value <= high
        if self._word("like"):
            pattern = _like(self._literal())
            return lambda values: None if read(values[place]) is None else bool(pattern.fullmatch(values[place]))
        return None

    def _compared(self, place: int, operator: str, literal: str) -> Test:
        value, read, compare = self._value(place, literal), self._reader(place), _COMPARE[operator]
        if operator == "=" and self._plain and isinstance(value, str):
            self.equal[place] = value
        return lambda values: None if (found := read(values[place])) is None else compare(found, value)

    def _value(self, place: int, literal: str) -> Any:
        value = self._reader(place)(literal)
        if value is None:
            raise self._wrong(f"{literal!r} is not of type {self._types[place]}")
        return value

    def _reader(self, place: int) -> Callable[[str], Any]:
        read = self._readers[place]
        if read is None:
            raise self._wrong(f"keys of type {self._types[place]} cannot be compared")
        return read

    # Tokens

    def _key(self) -> int | None:
        kind, text = self._peek()
        if kind not in ("name", "word"):
            return None
        following = self._tokens[self._at + 1 : self._at + 2]
        word = text.lower() if kind == "word" else ""
        if word in ("date", "timestamp") and [one[0] for one in following] == ["text"]:
            return None
        if word in ("true", "false") and word not in self._places:
            return None
        name = text if kind == "word" else text[1:-1].replace(text[0] * 2, text[0])
        place = self._places.get(name.lower())
        if place is None:
            raise self._wrong(f"{name!r} is no partition key")
        self._at += 1
        return place

    def _literal(self) -> str:
        kind, text = self._peek()
        if kind == "word" and text.lower() in ("date", "timestamp"):
            self._at += 1
            kind, text = self._peek()
            if kind != "text":
                raise self._wrong("a date or timestamp needs a text in quotes")
        if kind == "text":
            self._at += 1
            return text[1:-1].replace("''", "'")
        if kind == "number" or (kind == "word" and text.lower() in ("true", "false")):
            self._at += 1
            return text
        raise self._wrong(f"a value is missing before {text!r}" if text else "a value is missing at its end")

    def _operator(self) -> str:
        kind, text = self._peek()
        text = {"!=": "<>", "==": "="}.get(text, text)
        if kind != "sign" or text not in _COMPARE:
            raise self._wrong(
                f"an operator is missing before {text!r}" if text else "an operator is missing at its end"
            )
        self._at += 1
        return text

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "")

    def _word(self, word: str) -> bool:
        kind, text = self._peek()
        found = kind == "word" and text.lower() == word
        self._at += found
        return found

    def _sign(self, sign: str) -> bool:
        found = self._peek() == ("sign", sign)
        self._at += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._sign(sign):
            raise self._wrong(f"{sign!r} is missing")

    def _wrong(self, what: str) -> ExpressionWrong:
        return ExpressionWrong(f"Unsupported expression '{self._text}': {what}")


def _like(pattern: str) -> re.Pattern[str]:
    """% stands for any text, _ for any character, a backslash takes the next one as it is."""
    parts, place = [""], 0
    while place < len(pattern):
        character = pattern[place]
        if character == "%":
            parts.append("")
        elif character == "_":
            parts[-1] += "."
        else:
            place += character == "\\" and place + 1 < len(pattern)
            parts[-1] += re.escape(pattern[place])
        place += 1
    if len(parts) == 1:
        return re.compile(parts[0], re.DOTALL)
    # Each part matches where it first can and stays there, so that no pattern takes long.
    between = "".join(f"(?>.*?{part})" for part in parts[1:-1])
    return re.compile(f"{parts[0]}{between}.*{parts[-1]}", re.DOTALL)


def _and(truths: Any) -> Truth:
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def _or(truths: Any) -> Truth:
    result: Truth = False
    for truth in truths:
        if truth is True:
            return True
        if truth is None:
            result = None
    return result


def _opposite(truth: Truth) -> Truth:
    return None if truth is None else not truth
