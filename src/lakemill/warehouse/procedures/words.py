"""The words of a body in PL/pgSQL, taken one after the other."""

from lakemill.lakesql.dialects.redshift import scanner
from lakemill.lakesql.dialects.redshift.scanner import Word
from lakemill.lakesql.errors import SqlFailed


class Words:
    """Every method raises SqlFailed 42601 where something else must stand there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._words = [part for word in scanner.words(text) for part in _apart(word)]
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        """The word or sign that comes, in capitals; empty at the end, and for what is quoted."""
        place = self.at + ahead
        return self._words[place].upper if place < len(self._words) else ""

    def kind(self, ahead: int = 0) -> str:
        """Of the word that comes: word, name, string, number, parameter or sign; empty at the end."""
        place = self.at + ahead
        return self._words[place].kind if place < len(self._words) else ""

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

    def ended(self) -> bool:
        return self.at >= len(self._words)

    def end(self) -> None:
        """Nothing may be left."""
        if not self.ended():
            raise self.wrong()

    def is_name(self, ahead: int = 0) -> bool:
        """Whether an identifier comes."""
        return self.kind(ahead) in ("word", "name")

    def name(self) -> str:
        """An identifier, in lower case."""
        if not self.is_name():
            raise self.wrong()
        word = self._words[self.at]
        self.at += 1
        return (word.text[1:-1].replace('""', '"') if word.kind == "name" else word.text).lower()

    def qualified(self) -> tuple[str, ...]:
        """A name with dots."""
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        return tuple(parts)

    def string(self) -> str:
        """The value of a quoted text."""
        if self.kind() != "string":
            raise self.wrong()
        self.at += 1
        return scanner.unquoted(self._words[self.at - 1].text)

    def parameter(self) -> str:
        """$1"""
        if self.kind() != "parameter":
            raise self.wrong()
        self.at += 1
        return self._words[self.at - 1].text

    def line(self) -> int:
        """The line where the next word stands."""
        return self.text.count("\n", 0, self.position()) + 1

    def position(self) -> int:
        """Where the next word begins in the text."""
        return self._words[self.at].start if self.at < len(self._words) else len(self.text)

    def until(self, *stops: str) -> str:
        """The text up to one of these words outside of parentheses and of CASE ... END. Raises where it is empty."""
        begin, depth, end = self.at, 0, self.position()
        while not self.ended():
            word = self.peek()
            if depth == 0 and word in stops:
                break
            if word in ("(", "[", "CASE"):
                depth += 1
            elif word in (")", "]") or (word == "END" and depth):
                depth -= 1
            if depth < 0:
                break
            end = self._words[self.at].end
            self.at += 1
        if self.at == begin:
            raise self.wrong()
        return self.text[self._words[begin].start : end]

    def wrong(self) -> SqlFailed:
        """What stands here is not what must."""
        if self.ended():
            return SqlFailed("42601", "syntax error at end of input")
        word = self._words[self.at]
        return SqlFailed("42601", f'syntax error at or near "{word.text}"', detail=f"line {self.line()}")


def _apart(word: Word) -> list[Word]:
    """`1..10` is two numbers with two dots between."""
    if word.kind != "number" or ".." not in word.text:
        return [word]
    left, _, right = word.text.partition("..")
    dots = word.start + len(left)
    made = [Word("number", left, word.start, dots), Word("sign", ".", dots, dots + 1)]
    made.append(Word("sign", ".", dots + 1, dots + 2))
    if right:
        kind = "number" if right[0].isdigit() else "word"
        made.append(Word(kind, right, dots + 2, word.end))
    return made
