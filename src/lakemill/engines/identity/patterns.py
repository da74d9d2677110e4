"""Texts of a policy with wild cards and variables.

`*` stands for any characters, `?` for one. `${aws:username}` is filled from the request, `${aws:username, 'x'}` has a
default, and `${*}`, `${?}`, `${$}` are those very characters. What a variable brings in is taken literally.
"""

import functools
import re
from collections.abc import Callable
from typing import Any, Protocol

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"^\s*(.+?)\s*,\s*'(.*)'\s*$", re.DOTALL)

ARN_PARTS = 6


class Lookup(Protocol):
    """Where a text gets its variables: condition keys of the request, in lower case."""

    def get(self, key: str) -> tuple[str, ...] | None: ...


class Variable:
    """A variable inside a text. key is lower case, written as it stands there."""

    __slots__ = ("default", "key", "written")

    def __init__(self, inner: str) -> None:
        match = _DEFAULT.match(inner)
        self.written = match[1] if match else inner.strip()
        self.key = self.written.lower()
        self.default: str | None = match[2] if match else None

    def value(self, lookup: Lookup) -> str | None:
        found = lookup.get(self.key)
        return found[0] if found and len(found) == 1 else self.default


class _Character:
    """A character that would be special but is meant literally."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


Piece = str | Variable | _Character


def pieces_of(text: str, *, variables: bool) -> tuple[Piece, ...]:
    """Split a text at its variables; without variables it is one piece."""
    if not variables or "${" not in text:
        return (text,)
    pieces: list[Piece] = []
    position = 0
    for match in _VARIABLE.finditer(text):
        if match.start() > position:
            pieces.append(text[position : match.start()])
        pieces.append(_Character(match[1]) if match[1] in ("*", "?", "$") else Variable(match[1]))
        position = match.end()
    if position < len(text):
        pieces.append(text[position:])
    return tuple(pieces)


class _Wild:
    """A wild card among the tokens of a pattern."""

    __slots__ = ()


_STAR, _ONE = _Wild(), _Wild()
Token = str | _Wild


def tokens_of(text: str) -> list[Token]:
    """Literal runs and wild cards of a text."""
    named: dict[str, Token] = {"*": _STAR, "?": _ONE}
    return [named.get(part, part) for part in re.split(r"([*?])", text) if part]


def expression_of(tokens: list[Token], any_character: str = ".") -> str:
    """The regular expression of tokens, for a match of the whole.

    What stands between two stars is taken at its first occurrence and not given up again (an atomic group): that is
    enough for globs, and it keeps a hostile pattern of many stars linear where backtracking would take for ever.
    """
    runs: list[str] = [""]
    for token in tokens:
        if token is _STAR:
            runs.append("")
        elif token is _ONE:
            runs[-1] += any_character
        elif isinstance(token, str):
            runs[-1] += re.escape(token)
    first, *between = runs
    if not between:
        return first
    last = between.pop()
    return first + "".join(f"(?>{any_character}*?{run})" for run in between if run) + f"{any_character}*{last}"


def glob(text: str, any_character: str = ".") -> str:
    """The regular expression of a text with wild cards.

    >>> glob("a*b?")
    'a.*b.'
    """
    return expression_of(tokens_of(text), any_character)


@functools.lru_cache(maxsize=8192)
def regex(source: str, flags: int = 0) -> re.Pattern[str]:
    """A compiled expression for whole texts."""
    return re.compile(source, re.DOTALL | flags)


class Text:
    """A value of a policy: plain, or with variables that each request fills."""

    __slots__ = ("_pieces", "_static")

    def __init__(self, text: str, *, variables: bool) -> None:
        self._pieces = pieces_of(text, variables=variables)
        self._static = text if all(isinstance(piece, str) for piece in self._pieces) else None

    @property
    def static(self) -> str | None:
        """The text itself when no variable is in it."""
        return self._static

    @property
    def variables(self) -> list[str]:
        """Keys of its variables, as written."""
        return [piece.written for piece in self._pieces if isinstance(piece, Variable)]

    def filled(self, lookup: Lookup) -> str | None:
        """The text with its variables replaced; None when one is undefined."""
        tokens = self._tokens(lookup, lambda text: [text])
        return None if tokens is None else "".join(str(token) for token in tokens)

    def expression(self, lookup: Lookup) -> str | None:
        """Its regular expression, wild cards working; None when a variable is undefined."""
        tokens = self._tokens(lookup, tokens_of)
        return None if tokens is None else expression_of(tokens)

    def _tokens(self, lookup: Lookup, plain: Callable[[str], list[Token]]) -> list[Token] | None:
        tokens: list[Token] = []
        for piece in self._pieces:
            if isinstance(piece, str):
                tokens += plain(piece)
                continue
            value = piece.text if isinstance(piece, _Character) else piece.value(lookup)
            if value is None:
                return None
            tokens.append(value)
        return tokens


class ArnPattern:
    """A resource of a policy. Parts before the fifth colon match part by part; the rest may cross any character.

    >>> ArnPattern("arn:aws:s3:::lake/*", variables=True).matches("arn:aws:s3:::lake/a/b:c", {})
    True
    >>> ArnPattern("arn:aws:kinesis:*:stream/x", variables=True).matches("arn:aws:kinesis:eu-west-1:1:stream/x", {})
    False
    """

    __slots__ = ("_compiled", "_everything", "_exact", "_head", "_tail", "text")

    def __init__(self, text: str, *, variables: bool) -> None:
        self.text = text
        self._everything = set(text) == {"*"}
        self._exact: str | None = None
        self._compiled: re.Pattern[str] | None = None
        parts = text.split(":", ARN_PARTS - 1)
        parts += ["*"] * (ARN_PARTS - len(parts))
        self._head = "".join(glob(part, "[^:]") + ":" for part in parts[:-1])
        self._tail = Text(parts[-1], variables=variables)
        if self._tail.static is not None:
            if "*" in text or "?" in text or text.count(":") < ARN_PARTS - 1:
                self._compiled = regex(self._head + glob(self._tail.static))
            else:
                self._exact = text

    @property
    def static(self) -> str | None:
        """The text itself when no variable is in it."""
        return None if self._tail.static is None else self.text

    @property
    def variables(self) -> list[str]:
        return self._tail.variables

    def expression(self, lookup: Lookup) -> str | None:
        """Its regular expression; None when a variable is undefined."""
        tail = self._tail.expression(lookup)
        return None if tail is None else self._head + tail

    def matches(self, resource: str, lookup: Any) -> bool:
        """Whether the resource is meant. `*` as a resource (an operation on no resource in particular) needs `*`."""
        if self._everything:
            return True
        if self._exact is not None:
            return resource == self._exact
        if self._compiled is not None:
            return self._compiled.fullmatch(resource) is not None
        expression = self.expression(lookup)
        return expression is not None and regex(expression).fullmatch(resource) is not None
