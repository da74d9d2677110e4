"""COPY, UNLOAD and DDL of external tables as words that are taken one after the other."""

from lakemill.lakesql.dialects.redshift import scanner
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.tokens import Tokens


class Words(Tokens):
    """Tokens of commands in whose quoted texts a backslash stands for itself; what is wrong is told without a place.

    >>> words = Words("COPY t FROM 's3://b/k' -- all")
    >>> words.take("COPY"), words.name(), words.take("FROM"), words.string(), words.ended()
    (True, 't', True, 's3://b/k', True)
    """

    def string(self) -> str:
        """A quoted text; a doubled quote in it is one, all else stands for itself."""
        text = self._next("string").text
        return scanner.unquoted(text) if text.startswith("$") else text[1:-1].replace("''", "'")

    def number(self) -> int:
        """A whole number, also where it stands in quotes."""
        if not self.is_string():
            return super().number()
        text = self.string()
        if not text.removeprefix("-").isdecimal():
            self.at -= 1
            raise self.wrong()
        return int(text)

    def decimal(self) -> float:
        """A number, perhaps with a sign."""
        sign = -1 if self.take("-") else 1
        self.take("+")
        if self.peek().endswith("E"):
            raise self.wrong()
        return sign * float(self._next("number").text)

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
        token = self._token()
        if token is None:
            raise self.wrong()
        self.at += 1
        return token.text

    def wrong(self, expected: str = "") -> SqlFailed:
        """What is said of the word that comes. expected: not told, as Redshift does not."""
        failure = super().wrong()
        failure.message, failure.position = failure.message.replace("'", ""), None
        return failure
