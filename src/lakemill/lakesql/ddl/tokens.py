"""A DDL statement as tokens that are taken one after the other."""

import dataclasses
import re
from collections.abc import Iterator

import sqlglot
from sqlglot.tokens import TokenType

from lakemill.formats import hive
from lakemill.lakesql.ddl.errors import ParseFailed

_PREFIX = "_ "
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[0-3][0-7]{2}|.)", re.S)


@dataclasses.dataclass(frozen=True)
class Token:
    """A piece of the text. kind: sqlglot's, of quoted texts and names."""

    raw: str
    start: int
    kind: TokenType

    @property
    def end(self) -> int:
        return self.start + len(self.raw)

    @property
    def quoted(self) -> bool:
        return self.kind in (TokenType.STRING, TokenType.IDENTIFIER)


class Tokens:
    """The tokens that are left. Every method raises ParseFailed where something else must stand there."""

    def __init__(self, text: str) -> None:
        self.text = _PREFIX + text  # Behind a first word, no other one begins a command that is not taken apart.
        try:
            self._tokens = list(_words(self.text))[1:]
        except sqlglot.errors.TokenError:
            raise ParseFailed("mismatched input '<EOF>': a quoted text does not end", 1, len(text) + 1) from None
        self._at = 0

    def peek(self, ahead: int = 0) -> str:
        """The word or sign that comes, in upper case; empty at the end, and where a quoted text stands."""
        token = self._token(ahead)
        return "" if token is None or token.quoted else token.raw.upper()

    def take(self, *words: str) -> bool:
        """Take these words, if they come."""
        if any(self.peek(place) != word for place, word in enumerate(words)):
            return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Take these words."""
        for word in words:
            if not self.take(word):
                raise self.wrong(word)

    def end(self) -> None:
        """Nothing may be left."""
        if self._at < len(self._tokens):
            raise self.wrong("<EOF>")

    def ended(self) -> bool:
        return self._at >= len(self._tokens)

    def name(self) -> str:
        """An identifier, in lower case; bare or in backticks."""
        token = self._token()
        if token is None or token.kind in (TokenType.STRING, TokenType.NUMBER):
            raise self.wrong("identifier")
        raw, quoted = token.raw, token.quoted
        if not quoted and not re.fullmatch(r"\w+", raw):
            raise self.wrong("identifier")
        self._at += 1
        return (raw[1:-1].replace("``", "`") if quoted else raw).lower()

    def qualified(self, database: str) -> tuple[str, str]:
        """A table's database and name."""
        first = self.name()
        if "." in first and self.peek() != ".":
            database, first = first.split(".", 1)  # `db.t`, as some clients quote it.
        if not self.take("."):
            return database, first
        second = self.name()
        if self.take("."):
            if first != "awsdatacatalog":
                raise self.wrong("<EOF>")
            return second, self.name()
        return first, second

    def string(self) -> str:
        """A quoted text, its escapes resolved; a doubled quote is one."""
        token = self._token()
        if token is None or token.kind != TokenType.STRING:
            raise self.wrong("STRING")
        text, end, quote = token.raw[1:-1], token.end, token.raw[0]
        self._at += 1
        while (more := self._token()) is not None and more.start == end and more.raw[0] == quote:
            text, end = text + quote + more.raw[1:-1], more.end
            self._at += 1
        return unescaped(text)

    def number(self) -> int:
        token = self._token()
        if token is None or not token.raw.isdecimal():
            raise self.wrong("INTEGER_VALUE")
        self._at += 1
        return int(token.raw)

    def literal(self) -> str:
        """A constant: a quoted text, a number, or DATE and TIMESTAMP before a text."""
        if self.peek() in ("DATE", "TIMESTAMP"):
            self._at += 1
            return self.string()
        token = self._token()
        if token is not None and token.kind == TokenType.STRING:
            return self.string()
        sign = "-" if self.take("-") else ""
        token = self._token()
        if token is None or not re.fullmatch(r"[\w.]+", token.raw):
            raise self.wrong("constant")
        self._at += 1
        return sign + token.raw

    def type(self) -> str:
        """A type, as Hive writes it."""
        begin = self._at
        depth = 0
        while (token := self._token()) is not None:
            raw = token.raw
            if depth == 0 and (raw in (",", ")") or (self._at > begin and raw.upper() not in ("<", "(", "PRECISION"))):
                break
            depth += raw.count("<") + raw.count("(") - raw.count(">") - raw.count(")")
            self._at += 1
        if self._at == begin:
            raise self.wrong("type")
        first, last = self._tokens[begin], self._tokens[self._at - 1]
        try:
            return str(hive.parse(self.text[first.start : last.end]))
        except hive.TypeUnknown as unknown:
            raise ParseFailed(f"Column type is unknown: {unknown}", *self._place(first)) from None

    def properties(self) -> dict[str, str]:
        """('key' = 'value', ...)"""
        found = {}
        self.expect("(")
        while True:
            key = self.string()
            self.expect("=")
            found[key] = self.string()
            if not self.take(","):
                self.expect(")")
                return found

    def wrong(self, expected: str) -> ParseFailed:
        """What must stand here, and what does."""
        token = self._token()
        if token is None:
            lines = self.text[len(_PREFIX) :].split("\n")
            return ParseFailed(f"mismatched input '<EOF>'. Expecting: '{expected}'", len(lines), len(lines[-1]) + 1)
        return ParseFailed(f"mismatched input '{token.raw}'. Expecting: '{expected}'", *self._place(token))

    def _token(self, ahead: int = 0) -> Token | None:
        place = self._at + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def _place(self, token: Token) -> tuple[int, int]:
        before = self.text[: token.start]
        line = before.count("\n") + 1
        column = token.start - (before.rfind("\n") + 1) + 1
        return line, column - (len(_PREFIX) if line == 1 else 0)


def _words(text: str) -> Iterator[Token]:
    """Its tokens; words that sqlglot takes as one, such as PARTITIONED BY, one by one."""
    for token in sqlglot.tokenize(text, dialect="hive"):
        raw = text[token.start : token.end + 1]
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            yield Token(raw, token.start, token.token_type)
        else:
            for word in re.finditer(r"\S+", raw):
                yield Token(word[0], token.start + word.start(), token.token_type)


def unescaped(text: str) -> str:
    r"""What stands between quotes, as Hive understands it.

    >>> unescaped(r"a\tb\001\u00e9\'\d")
    "a\tb\x01é'd"
    """

    def character(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if len(code) == 3:
            return chr(int(code, 8))
        return _ESCAPES.get(code, code)

    return _ESCAPE.sub(character, text)
