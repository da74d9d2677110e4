"""A command of Redshift as words that are taken one after the other: COPY, UNLOAD, and DDL of external tables."""

import dataclasses
import re

from lakemill.lakesql.errors import SqlFailed

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<string>'(?:[^']|'')*')
    |(?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<quoted>"(?:[^"]|"")+")
    |(?P<number>[+-]?\d+(?:\.\d+)?)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<sign>.)""",
    re.S | re.X,
)


@dataclasses.dataclass(frozen=True)
class Word:
    """kind: string, dollar, quoted, number, word or sign. start: its place in the text, from 0."""

    kind: str
    raw: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.raw)


class Words:
    """The words that are left. Methods raise SqlFailed with 42601 where something else must stand there.

    >>> words = Words("COPY t FROM 's3://b/k' -- all")
    >>> words.take("COPY"), words.name(), words.take("FROM"), words.string(), words.ended()
    (True, 't', True, 's3://b/k', True)
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._words = [
            Word(match.lastgroup or "", match[0], match.start())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "space"
        ]  # fmt: skip
        if self._words and self._words[-1].raw == ";":
            self._words.pop()
        self._at = 0

    def peek(self, ahead: int = 0) -> str:
        """The word or sign that comes, in upper case; empty at the end, and where a quoted text stands."""
        word = self._word(ahead)
        return word.raw.upper() if word is not None and word.kind in ("word", "sign", "number") else ""

    def kind(self, ahead: int = 0) -> str:
        """Of the word that comes; empty at the end."""
        word = self._word(ahead)
        return "" if word is None else word.kind

    def take(self, *words: str) -> bool:
        """Take these words, if they come."""
        if any(self.peek(place) != word for place, word in enumerate(words)):
            return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.take(word):
                raise self.wrong()

    def ended(self) -> bool:
        return self._at >= len(self._words)

    def end(self) -> None:
        """Nothing may be left."""
        if not self.ended():
            raise self.wrong()

    def name(self) -> str:
        """An identifier, in lower case, as Redshift folds them whether they are quoted or not."""
        word = self._word()
        if word is None or word.kind not in ("word", "quoted"):
            raise self.wrong()
        self._at += 1
        if word.kind == "word":
            return word.raw.lower()
        return word.raw[1:-1].replace('""', '"').lower()

    def names(self) -> tuple[str, ...]:
        """Identifiers with points between them."""
        found = [self.name()]
        while self.take("."):
            found.append(self.name())
        return tuple(found)

    def string(self) -> str:
        """A quoted text; a doubled quote in it is one, all else stands for itself."""
        word = self._word()
        if word is None or word.kind not in ("string", "dollar"):
            raise self.wrong()
        self._at += 1
        if word.kind == "dollar":
            tag = word.raw[: word.raw.index("$", 1) + 1]
            return word.raw[len(tag) : -len(tag)]
        return word.raw[1:-1].replace("''", "'")

    def number(self) -> int:
        """A whole number, also where it stands in quotes."""
        word = self._word()
        raw = "" if word is None else word.raw.strip("'")
        if word is None or word.kind not in ("number", "string") or not re.fullmatch(r"[+-]?\d+", raw):
            raise self.wrong()
        self._at += 1
        return int(raw)

    def decimal(self) -> float:
        word = self._word()
        if word is None or word.kind != "number":
            raise self.wrong()
        self._at += 1
        return float(word.raw)

    def literal(self) -> str:
        """A constant: a quoted text, a number or a word, with DATE or TIMESTAMP before a text."""
        if self.peek() in ("DATE", "TIMESTAMP") and self.kind(1) == "string":
            self._at += 1
        word = self._word()
        if word is not None and word.kind in ("string", "dollar"):
            return self.string()
        if word is None or word.kind not in ("number", "word"):
            raise self.wrong()
        self._at += 1
        return word.raw

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

    def raw(self) -> str:
        """The next word, as it stands there."""
        word = self._word()
        if word is None:
            raise self.wrong()
        self._at += 1
        return word.raw

    def rest(self) -> str:
        """All that is left, as it stands there."""
        word = self._word()
        self._at = len(self._words)
        return "" if word is None else self.text[word.start :].rstrip().removesuffix(";")

    def enclosed(self) -> str:
        """The text of what stands between the parenthesis that comes and the one that closes it."""
        self.expect("(")
        begin, depth = self._word(), 1
        while (word := self._word()) is not None:
            depth += {"(": 1, ")": -1}.get(word.raw, 0)
            self._at += 1
            if depth == 0:
                return "" if begin is None else self.text[begin.start : word.start]
        raise self.wrong()

    def wrong(self, expected: str = "") -> SqlFailed:
        """What is said of the word that comes. expected: not told, as Redshift does not."""
        word = self._word()
        if word is None:
            return SqlFailed("42601", "syntax error at end of input")
        return SqlFailed("42601", f'syntax error at or near "{word.raw.strip(chr(39))}"')

    def _word(self, ahead: int = 0) -> Word | None:
        place = self._at + ahead
        return self._words[place] if place < len(self._words) else None
