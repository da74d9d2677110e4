"""The text of a command, or of a body in PL/pgSQL, as tokens that are taken one after the other."""

from lakemill.lakesql.dialects.redshift import scanner
from lakemill.lakesql.dialects.redshift.scanner import Word
from lakemill.lakesql.dialects.redshift.statements import identifier
from lakemill.lakesql.errors import SqlFailed


class Tokens:
    """The tokens that are left. Every method raises SqlFailed 42601 where something else must stand there.

    Names are in lower case, those in quotes too; capitals that count are marked (`redshift.cases`).

    >>> tokens = Tokens('ALTER TABLE s."T" RENAME')
    >>> tokens.take("ALTER", "TABLE"), tokens.qualified(), tokens.peek(), tokens.ended()
    (True, ('s', 't'), 'RENAME', False)
    """

    def __init__(self, text: str, lines: bool = False) -> None:
        """lines: errors say in which line they are; else at which position."""
        self.text, self.lines = text, lines
        self.at = 0
        self._tokens = list(scanner.words(text))

    def peek(self, ahead: int = 0) -> str:
        """The word or sign that comes, in capitals; empty at the end, and for what is quoted."""
        token = self._token(ahead)
        return "" if token is None else token.upper

    def kind(self, ahead: int = 0) -> str:
        """Of the token that comes: word, name, string, number, parameter or sign; empty at the end."""
        token = self._token(ahead)
        return "" if token is None else token.kind

    def take(self, *words: str) -> bool:
        """Take these words, if they come."""
        if any(self.peek(place) != word for place, word in enumerate(words)):
            return False
        self.at += len(words)
        return True

    def any_of(self, *words: str) -> str:
        """The one of these words that comes, which is taken; empty if none does."""
        word = self.peek()
        if word and word in words:
            self.at += 1
            return word
        return ""

    def expect(self, *words: str) -> None:
        """Take these words."""
        for word in words:
            if not self.take(word):
                raise self.wrong()

    def end(self) -> None:
        """Nothing may be left."""
        if not self.ended():
            raise self.wrong()

    def ended(self) -> bool:
        return self.at >= len(self._tokens)

    def is_name(self) -> bool:
        """Whether an identifier comes."""
        return self.kind() in ("word", "name")

    def name(self) -> str:
        """An identifier."""
        name = identifier(self._next("word", "name"))
        if not name:
            raise SqlFailed("42601", 'zero-length delimited identifier at or near """"')
        return name

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
        found = self.listed()
        self.expect(")")
        return found

    def listed(self) -> list[str]:
        """name, ..."""
        found = [self.name()]
        while self.take(","):
            found.append(self.name())
        return found

    def is_string(self) -> bool:
        """Whether a quoted text comes."""
        return self.kind() == "string"

    def string(self) -> str:
        """The value of a quoted text."""
        return scanner.unquoted(self._next("string").text)

    def number(self) -> int:
        """An integer, perhaps with a sign."""
        sign = -1 if self.take("-") else 1
        self.take("+")
        if not self.peek().isdecimal():
            raise self.wrong()
        return sign * int(self._next("number").text)

    def parameter(self) -> str:
        """$1"""
        return self._next("parameter").text

    def value(self) -> str:
        """What SET may give: a text, a number or a word."""
        if self.is_string():
            return self.string()
        sign = "-" if self.take("-") else ""
        token = self._next("number", "word", "name")
        return sign + (token.text[1:-1] if token.kind == "name" else token.text)

    def values(self) -> str:
        """value, ...: a list is kept with commas."""
        found = [self.value()]
        while self.take(","):
            found.append(self.value())
        return ", ".join(found)

    def position(self) -> int:
        """Where the next token begins in the text."""
        token = self._token()
        return len(self.text) if token is None else token.start

    def line(self) -> int:
        """The line where the next token stands."""
        return self.text.count("\n", 0, self.position()) + 1

    def rest(self) -> str:
        """Everything that is left, as it stands there."""
        text = self.text[self.position() :].strip()
        self.at = len(self._tokens)
        return text

    def until(self, *stops: str) -> str:
        """The text up to one of these words outside of parentheses and of CASE ... END, or to the end; never empty."""
        begin, depth, end = self.position(), 0, 0
        while (token := self._token()) is not None:
            word = token.upper
            if depth == 0 and word in stops:
                break
            if word in ("(", "[", "CASE"):
                depth += 1
            elif word in (")", "]") or (word == "END" and depth):
                depth -= 1
            if depth < 0:
                break
            end = token.end
            self.at += 1
        if not end:
            raise self.wrong()
        return self.text[begin:end]

    def wrong(self) -> SqlFailed:
        """What stands here is not what must."""
        token = self._token()
        place = "end of input" if token is None else f'or near "{token.text}"'
        failure = SqlFailed("42601", f"syntax error at {place}")
        if not self.lines:
            failure.position = self.position() + 1
        elif token is not None:
            failure.detail = f"line {self.line()}"
        return failure

    def _token(self, ahead: int = 0) -> Word | None:
        place = self.at + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def _next(self, *kinds: str) -> Word:
        """The token that comes, which is taken; it must be of one of these kinds."""
        token = self._token()
        if token is None or token.kind not in kinds:
            raise self.wrong()
        self.at += 1
        return token
