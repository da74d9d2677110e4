"""A command as tokens that are taken one after the other."""

import re
from dataclasses import dataclass

from lakemill.lakesql.errors import SqlFailed

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<string>[eE]?'(?:[^'\\]|''|\\.)*')
    |(?P<dollar>\$(?P<mark>\w*)\$.*?\$(?P=mark)\$)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    |(?P<word>[^\W\d][\w$]*|\#[\w$]+)
    |(?P<sign>::|<>|!=|<=|>=|\|\||.)""",
    re.S | re.X,
)


@dataclass(frozen=True)
class Token:
    """kind: string, dollar, quoted, number, word, or sign."""

    raw: str
    start: int
    kind: str

    @property
    def end(self) -> int:
        return self.start + len(self.raw)


class Tokens:
    """The tokens that are left. Every method raises SqlFailed 42601 where something else must stand there.

    Names are in lower case, those in quotes too; capitals that count are marked (`redshift.cases`).

    >>> Tokens('ALTER TABLE s."T" RENAME').words(2)
    ['ALTER', 'TABLE']
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = [
            Token(found[0], found.start(), found.lastgroup if found.lastgroup != "mark" else "dollar")  # type: ignore[arg-type]
            for found in _TOKEN.finditer(text)
            if found.lastgroup != "space"
        ]
        self._at = 0

    def words(self, most: int) -> list[str]:
        """The first words, in capitals."""
        found = []
        for token in self._tokens[:most]:
            if token.kind != "word":
                break
            found.append(token.raw.upper())
        return found

    def peek(self, ahead: int = 0) -> str:
        """The word or sign that comes, in capitals; empty at the end, and where a quoted text stands."""
        token = self._token(ahead)
        return "" if token is None or token.kind in ("string", "dollar", "quoted") else token.raw.upper()

    def take(self, *words: str) -> bool:
        """Take these words, if they come."""
        if any(self.peek(place) != word for place, word in enumerate(words)):
            return False
        self._at += len(words)
        return True

    def any_of(self, *words: str) -> str:
        """The one of these words that comes, which is taken; empty if none does."""
        word = self.peek()
        if word and word in words:
            self._at += 1
            return word
        return ""

    def expect(self, *words: str) -> None:
        """Take these words."""
        for word in words:
            if not self.take(word):
                raise self.wrong()

    def end(self) -> None:
        """Nothing may be left."""
        if self._at < len(self._tokens):
            raise self.wrong()

    def ended(self) -> bool:
        return self._at >= len(self._tokens)

    def name(self) -> str:
        """An identifier."""
        token = self._token()
        if token is None or token.kind not in ("word", "quoted"):
            raise self.wrong()
        self._at += 1
        if token.kind == "word":
            return token.raw.lower()
        name = token.raw[1:-1].replace('""', '"')
        if not name:
            raise SqlFailed("42601", 'zero-length delimited identifier at or near """"')
        return name.lower()

    def qualified(self) -> tuple[str, ...]:
        """A name of one to three parts."""
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        if len(parts) > 3:
            raise SqlFailed("42601", f"improper qualified name (too many dotted names): {'.'.join(parts)}")
        return tuple(parts)

    def names(self) -> list[str]:
        """(name, ...)"""
        self.expect("(")
        found = [self.name()]
        while self.take(","):
            found.append(self.name())
        self.expect(")")
        return found

    def listed(self) -> list[str]:
        """name, ..."""
        found = [self.name()]
        while self.take(","):
            found.append(self.name())
        return found

    def string(self) -> str:
        """A quoted text."""
        token = self._token()
        if token is None or token.kind not in ("string", "dollar"):
            raise self.wrong()
        self._at += 1
        return _unquoted(token)

    def is_string(self) -> bool:
        """Whether a quoted text comes."""
        token = self._token()
        return token is not None and token.kind in ("string", "dollar")

    def number(self) -> int:
        """An integer, perhaps with a sign."""
        sign = -1 if self.take("-") else 1
        self.take("+")
        token = self._token()
        if token is None or not token.raw.isdecimal():
            raise self.wrong()
        self._at += 1
        return sign * int(token.raw)

    def value(self) -> str:
        """What SET may give: a text, a number or a word."""
        if self.is_string():
            return self.string()
        sign = "-" if self.take("-") else ""
        token = self._token()
        if token is None or token.kind not in ("number", "word", "quoted"):
            raise self.wrong()
        self._at += 1
        return sign + (token.raw[1:-1] if token.kind == "quoted" else token.raw)

    def position(self) -> int:
        """Where the next token begins in the text."""
        token = self._token()
        return len(self.text) if token is None else token.start

    def rest(self) -> str:
        """Everything that is left, as it stands there."""
        text = self.text[self.position() :].strip()
        self._at = len(self._tokens)
        return text

    def until(self, *words: str) -> str:
        """The text up to one of these words or signs outside of parentheses, or to the end; empty where none stands."""
        begin, depth = self.position(), 0
        end = begin
        while (token := self._token()) is not None:
            word = self.peek()
            if depth == 0 and word in words:
                break
            depth += {"(": 1, ")": -1}.get(word, 0)
            if depth < 0:
                break
            end = token.end
            self._at += 1
        return self.text[begin:end]

    def wrong(self) -> SqlFailed:
        """What stands here is not what must."""
        token = self._token()
        if token is None:
            return SqlFailed("42601", "syntax error at end of input", position=len(self.text) + 1)
        return SqlFailed("42601", f'syntax error at or near "{token.raw}"', position=token.start + 1)

    def _token(self, ahead: int = 0) -> Token | None:
        place = self._at + ahead
        return self._tokens[place] if place < len(self._tokens) else None


def _unquoted(token: Token) -> str:
    if token.kind == "dollar":
        mark = token.raw[: token.raw.index("$", 1) + 1]
        return token.raw[len(mark) : -len(mark)]
    body = token.raw[token.raw.index("'") + 1 : -1].replace("''", "'")
    return re.sub(r"\\(.)", r"\1", body, flags=re.S)
