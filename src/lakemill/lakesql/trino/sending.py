"""The text that a cluster gets: the tokens of the query where they stood, and nothing between them.

What is between tokens, comments above all, is left out, so that Trino cannot read there what our parser has not seen.
"""

import bisect
import re
from collections.abc import Sequence

from sqlglot import exp
from sqlglot.tokens import TokenType

from lakemill.lakesql.dialects import grammar
from lakemill.lakesql.trino.tables import CATALOGS


class Text:
    """A query to send, and which of its places is which of the statement's.

    >>> sent = Text("SELECT /* all */ a = ? FROM t", ["1 + 2"])
    >>> str(sent)
    'SELECT           a = (1 + 2) FROM t'
    >>> sent.place(1, 35), sent.around("EXPLAIN\\n").place(2, 35)
    ((1, 29), (1, 29))
    """

    def __init__(self, query: str, parameters: Sequence[str] = (), catalog: str = "") -> None:
        """query: as the statement has it, behind as much space as stood before it. parameters: for question marks.

        catalog: what the lake's is called there; empty to leave what the statement calls it.
        """
        self._given, self._text = query, ""
        self._marks: list[tuple[int, int]] = []
        """Where in the text a piece begins, and where that is in what was given."""
        renamed = _catalogs(query, catalog)
        values, end = iter(parameters), 0
        for token in grammar.tokenize(query):
            self._add(re.sub(r"[^\n]", " ", query[end : token.start]), end)
            if token.token_type == TokenType.PLACEHOLDER:
                self._add(_value(next(values)), token.start)
            elif token.start in renamed:
                self._add('"' + catalog.replace('"', '""') + '"', token.start)
            else:
                self._add(query[token.start : token.end + 1], token.start)
            end = token.end + 1

    def __str__(self) -> str:
        return self._text

    def around(self, before: str, after: str = "") -> "Text":
        """The same with something before and after it."""
        made = Text("")
        made._given, made._text = self._given, f"{before}{self._text}{after}"
        made._marks = [(at + len(before), given) for at, given in self._marks]
        return made

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Line and column of the statement, from those of the text; all from 1."""
        at = sum(len(one) + 1 for one in self._text.split("\n")[: line - 1]) + column - 1
        mark = bisect.bisect_right(self._marks, (at, len(self._given))) - 1
        if mark < 0:
            return 1, 1
        begin, given = self._marks[mark]
        end = self._marks[mark + 1][1] if mark + 1 < len(self._marks) else len(self._given)
        found = min(given + at - begin, max(given, end - 1))
        return self._given.count("\n", 0, found) + 1, found - self._given.rfind("\n", 0, found)

    def _add(self, text: str, given: int) -> None:
        if text:
            self._marks.append((len(self._text), given))
            self._text += text


def _value(parameter: str) -> str:
    """A parameter's tokens, without what is between them; `statements.parameter` has seen that it is an expression."""
    tokens = grammar.tokenize(parameter)
    text = " ".join(parameter[token.start : token.end + 1] for token in tokens)
    return text if len(tokens) == 1 else f"({text})"


def _catalogs(query: str, catalog: str) -> set[int]:
    """Where the lake's catalog is named, but by another name."""
    others = [name for name in CATALOGS if name != catalog and name in query.lower()]
    if not catalog or not others:
        return set()
    nodes = grammar.parse(query).find_all(exp.Table, exp.Column)
    names = [node.args["catalog"] for node in nodes if isinstance(node.args.get("catalog"), exp.Identifier)]
    return {name.meta["start"] for name in names if name.name.lower() in others and "start" in name.meta}
