"""Words and signs of expressions, and a reader over them that says where something is wrong."""

import dataclasses
import re
from typing import NoReturn

from lakemill.engines.tables.errors import ExpressionInvalid

EXPRESSION_BYTES_MAX = 4096
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<alias>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)|(?P<number>[0-9]+)"
    r"|(?P<sign><>|<=|>=|[=<>(),.\[\]+\-]))"
)
KEYWORDS = {"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"}
END = "<EOF>"


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """kind: name, alias (#n), value (:v), number, sign, keyword (text in capitals) or end."""

    kind: str
    text: str
    start: int
    stop: int


def tokens(text: str) -> list[Token]:
    """All tokens and an end. Raises ExpressionInvalid."""
    if not text.strip():
        raise ExpressionInvalid("The expression can not be empty;")
    if (length := len(text.encode())) > EXPRESSION_BYTES_MAX:
        raise ExpressionInvalid(f"Expression size has exceeded the maximum allowed size; expression size: {length}")
    found: list[Token] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            before = text[found[-1].start : start] if found else ""
            raise ExpressionInvalid(f'Syntax error; token: "{text[start]}", near: "{before}{text[start : start + 2]}"')
        kind = str(match.lastgroup)
        word, start = match[kind], match.start(kind)
        if kind == "name" and word.upper() in KEYWORDS:
            kind, word = "keyword", word.upper()
        found.append(Token(kind, word, start, match.end()))
        at = match.end()
    return [*found, Token("end", END, len(text), len(text))]


class Tokens:
    """A place in a row of tokens."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._all = tokens(text)
        self._at = 0

    @property
    def next(self) -> Token:
        """The token that comes."""
        return self._all[self._at]

    @property
    def following(self) -> Token:
        """The one after it."""
        return self._all[min(self._at + 1, len(self._all) - 1)]

    def take(self) -> Token:
        """The token that comes, and go on."""
        token = self.next
        self._at = min(self._at + 1, len(self._all) - 1)
        return token

    def accept(self, *texts: str) -> Token | None:
        """Take it if it is a keyword or sign of these."""
        return self.take() if self.next.text in texts and self.next.kind in ("keyword", "sign") else None

    def expect(self, text: str) -> Token:
        """Take it; raises ExpressionInvalid if it is another."""
        return self.accept(text) or self.wrong()

    def wrong(self) -> NoReturn:
        """The token that comes does not belong here."""
        token = self.next
        before = self._all[self._at - 1] if self._at else token
        after = self._all[min(self._at + 1, len(self._all) - 1)]
        shown = self._text[token.start : token.stop] or END
        near = self._text[before.start : after.stop].strip()
        raise ExpressionInvalid(f'Syntax error; token: "{shown}", near: "{near}"')

    def end(self) -> None:
        """Nothing more may come."""
        if self.next.kind != "end":
            self.wrong()
