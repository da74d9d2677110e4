"""The words of a statement, as far as it takes to tell statements apart and what kind they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lakemill.lakesql.errors import SqlFailed

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)|(?P<comment>/\*)|(?P<string>[eE]?'(?:[^'\\]|\\.|'')*(?:'|(?P<open>\Z)))"""
    r"""|(?P<name>"(?:[^"]|"")*(?:"|(?P<unended>\Z)))|(?P<parameter>\$\d+)|\$(?P<tag>(?:[A-Za-z_]\w*)?)\$"""
    r"""|(?P<word>[#A-Za-z_\u0080-\uffff][\w$]*)"""
    # 1..10 is two numbers with two signs between.
    r"""|(?P<number>(?:(?<!\.)\.)?\d+(?:\.(?!\.)\d*)?(?:[eE](?:[+-]?\d+|(?!\w)))?)|(?P<sign>::|.)""",
    re.S,
)


@dataclass
class Word:
    """kind: word, name (in double quotes), string, number, parameter ($1), sign. start, end: places in the text."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """In capitals; empty for what is quoted."""
        return "" if self.kind in {"name", "string"} else self.text.upper()


def words(text: str) -> Iterator[Word]:
    """Raises SqlFailed(42601) where a quote does not end.

    >>> [word.text for word in words("1..10 - .5e-3")]
    ['1', '.', '.', '10', '-', '.5e-3']
    """
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None
        begin, at, kind = at, found.end(), found.lastgroup
        if found["open"] is not None or found["unended"] is not None:
            what = "quoted string" if found["open"] is not None else "quoted identifier"
            raise SqlFailed("42601", f'unterminated {what} at or near "{text[begin : begin + 64]}"', position=begin + 1)
        if kind == "comment":
            at = _after_comment(text, begin)
        elif kind == "tag":
            end = text.find(found[0], at)
            if end < 0:
                message = f'unterminated dollar-quoted string at or near "{text[begin : begin + 64]}"'
                raise SqlFailed("42601", message, position=begin + 1)
            at = end + len(found[0])
            yield Word("string", text[begin:at], begin, at)
        elif kind != "space":
            yield Word(kind or "sign", text[begin:at], begin, at)


def _after_comment(text: str, at: int) -> int:
    depth, begin = 0, at
    for found in re.finditer(r"/\*|\*/", text[begin:]):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return begin + found.end()
    raise SqlFailed("42601", f'unterminated /* comment at or near "{text[begin : begin + 64]}"', position=begin + 1)


def split(text: str) -> list[str]:
    """The statements, apart at semicolons; without those that are empty."""
    made, begin, any_word = [], 0, False
    for word in words(text):
        if word.text == ";" and word.kind == "sign":
            if any_word:
                made.append(text[begin : word.start].strip())
            begin, any_word = word.end, False
        else:
            any_word = True
    if any_word:
        made.append(text[begin:].strip())
    return made


def unquoted(text: str) -> str:
    """The value of a string as it is written, with its quotes.

    >>> unquoted("'it''s'"), unquoted(r"'a\\'b\\\\d'"), unquoted("$$x$$")
    ("it's", "a'b\\\\d", 'x')
    """
    if text.startswith("$"):
        tag = text[: text.index("$", 1) + 1]
        return text[len(tag) : -len(tag)]
    inside = text[text.index("'") + 1 : -1]
    return re.sub(r"''|\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", _escaped, inside, flags=re.S)


def _escaped(found: re.Match[str]) -> str:
    sign = found[1]
    if sign is None:
        return "'"
    if sign[0] in "01234567":
        return chr(int(sign, 8))
    if sign[0] == "x" and len(sign) > 1:
        return chr(int(sign[1:], 16))
    return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}.get(sign, sign)
