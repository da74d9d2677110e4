"""From text to tokens that sqlglot's parser understands.

What the dialect has beyond standard SQL is rewritten here, token by token, so that every token keeps its place in the
text and sqlglot's own parser does the rest:

| written | parsed as |
|---|---|
| `NAME(...)` | `$NAME(...)`: an unknown function, so that its name stays as written |
| `CURRENT_DATE` and other functions without parentheses | `$CURRENT_DATE()` |
| `SELECT STREAM ...` | `SELECT ...` |
| `STEP(x BY INTERVAL '60' SECOND)` | `$STEP(x, INTERVAL '60' SECOND)` |
| `WINDOWED BY STAGGER (PARTITION BY a, b RANGE INTERVAL '1' MINUTE)` | `GROUP BY $STAGGER(INTERVAL '1' MINUTE, a, b)` |
| `stream OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS s` | `stream AS s`, the window being kept beside it |
| `(a - b) SECOND` | `$INTERVAL_IN((a - b), 'SECOND')` |
| `NTH_VALUE(x, 2) FROM LAST` | `$NTH_VALUE(x, 2, 'LAST')` |
| `t + INTERVAL '30' SECOND TO MINUTE` in FLOOR | `t + (INTERVAL '30' SECOND) TO MINUTE` |
| `U&'\\0009'` | `'<tab>'` |
"""

import re
from dataclasses import dataclass, field

from sqlglot.errors import TokenError
from sqlglot.tokens import Token, Tokenizer, TokenType

from lakemill.streamsql.errors import SqlError

UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_NILADIC = {
    *("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_ROW_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"),
}
# Calls with a grammar of their own, which sqlglot knows.
_GRAMMAR = {
    "CAST",
    "EXTRACT",
    "FLOOR",
    "CEIL",
    "CEILING",
    "OVERLAY",
    "POSITION",
    "SUBSTRING",
    "TRIM",
    "TABLE",
    "EXISTS",
}
_TYPES = {"VARCHAR", "CHAR", "CHARACTER", "DECIMAL", "DEC", "NUMERIC", "VARBINARY", "BINARY", "TIMESTAMP", "TIME"}
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)


class _Tokenizer(Tokenizer):
    """Double quotes are for names, FLOAT is as wide as DOUBLE, and there are no comments but SQL's own."""

    IDENTIFIERS = ['"']
    KEYWORDS = {**Tokenizer.KEYWORDS, "FLOAT": TokenType.DOUBLE}


@dataclass
class Rewritten:
    """Tokens for sqlglot, and the windows of streams: start of the name's token -> window name or tokens."""

    tokens: list[Token] = field(default_factory=list)
    windows: dict[int, list[Token]] = field(default_factory=dict)


def place(token: Token) -> tuple[int, int]:
    """Line and column of a token's first character, from 1."""
    return token.line, token.col - (token.end - token.start)


def tokenize(code: str) -> list[Token]:
    """The tokens of the code; SqlError for what is none (an open quote)."""
    try:
        return _Tokenizer().tokenize(code)
    except TokenError as error:
        opened = _open_quote(code)
        line = code.count("\n", 0, opened) + 1
        raise SqlError("A quote or comment is not closed", line, opened - code.rfind("\n", 0, opened)) from error


def _open_quote(code: str) -> int:
    """Where the quote or comment starts that never ends."""
    pattern = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|['\"]|/\*", re.S)
    for match in pattern.finditer(code):
        if match.group() in ("'", '"', "/*"):
            return match.start()
    return len(code)


def rewrite(tokens: list[Token]) -> Rewritten:
    """Turn a query's tokens into what sqlglot parses."""
    result = Rewritten()
    _Rewriter(tokens, result).run()
    return result


class _Rewriter:
    def __init__(self, tokens: list[Token], result: Rewritten):
        self.tokens = tokens
        self.result = result
        self.out = result.tokens
        self.at = 0
        # For every open parenthesis: where it is in `out`, and the name of the call it belongs to.
        self.open: list[tuple[int, str]] = []
        # How long `out` was when the last parenthesis around a query was closed.
        self.query_ends = -1

    def run(self) -> None:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if not (
                self._drop_stream(token) or self._stagger(token) or self._stream_window(token) or self._interval(token)
            ):
                self._plain(token)
                self.at += 1

    def _peek(self, ahead: int = 1) -> Token | None:
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def _is(self, token: Token | None, text: str) -> bool:
        return token is not None and token.token_type != TokenType.STRING and token.text.upper() == text

    def _drop_stream(self, token: Token) -> bool:
        if self._is(token, "STREAM") and self.out and self.out[-1].token_type == TokenType.SELECT:
            following = self._peek()
            if following is None or following.token_type not in (TokenType.COMMA, TokenType.FROM, TokenType.DOT):
                self.at += 1
                return True
        return False

    def _stagger(self, token: Token) -> bool:
        if not (self._is(token, "WINDOWED") and self._is(self._peek(), "BY")):
            return False
        if not (self._is(self._peek(2), "STAGGER") and self._is(self._peek(3), "(")):
            raise SqlError(
                "WINDOWED BY must be followed by STAGGER (PARTITION BY ... RANGE INTERVAL ...)", *place(token)
            )
        inside, end = self._parenthesised(self.at + 3)
        cut = next((i for i, t in enumerate(inside) if t.token_type == TokenType.RANGE), None)
        if cut is None:
            raise SqlError("STAGGER needs its length: RANGE INTERVAL '1' MINUTE", *place(token))
        keys = inside[:cut]
        if keys:
            if keys[0].token_type != TokenType.PARTITION_BY:
                raise SqlError("STAGGER begins with PARTITION BY", *place(keys[0]))
            keys = [_like(keys[0], TokenType.COMMA, ","), *keys[1:]]
        interval = [t for t in inside[cut + 1 :] if not self._is(t, "PRECEDING")]
        self.out.append(_like(token, TokenType.GROUP_BY, "GROUP BY"))
        self.out.append(_like(token, TokenType.VAR, "$STAGGER"))
        self.out.append(_like(token, TokenType.L_PAREN, "("))
        nested = rewrite(interval + keys)
        self.out.extend(nested.tokens)
        self.out.append(_like(token, TokenType.R_PAREN, ")"))
        self.at = end + 1
        return True

    def _stream_window(self, token: Token) -> bool:
        """`OVER` behind a name or a query (not behind a call) is the window of a stream in a join."""
        if token.token_type != TokenType.OVER or not self.out or self.out[-1].text.upper() == "NULLS":
            return False
        of_query = self.query_ends == len(self.out)
        if self.out[-1].token_type not in _NAMES and not of_query:
            return False
        if self._is(self._peek(), "("):
            inside, end = self._parenthesised(self.at + 1)
        else:
            name = self._peek()
            if name is None or name.token_type not in _NAMES:
                raise SqlError("OVER needs a window: a name or (RANGE INTERVAL ... PRECEDING)", *place(token))
            inside, end = [name], self.at + 1
        self.at = end + 1
        owner: Token | None = self.out[-1]
        if of_query:
            owner = self._peek(1 if self._is(self._peek(0), "AS") else 0)
            if owner is None or owner.token_type not in _NAMES:
                raise SqlError("A query with a window needs a name: (SELECT ...) OVER (...) AS name", *place(token))
        self.result.windows[owner.start] = [token, *inside]  # type: ignore[union-attr]
        return True

    def _interval(self, token: Token) -> bool:
        """`FLOOR(t + INTERVAL '30' SECOND TO MINUTE)`: the unit behind TO is that of FLOOR, as it is none below."""
        ahead = [part.text.upper() if (part := self._peek(i)) is not None else "" for i in range(5)]
        if token.token_type != TokenType.INTERVAL or ahead[3] != "TO" or not {ahead[2], ahead[4]} <= set(UNITS):
            return False
        if UNITS.index(ahead[4]) > UNITS.index(ahead[2]):
            return False
        self.out.append(_like(token, TokenType.L_PAREN, "("))
        self.out += self.tokens[self.at : self.at + 3]
        self.out.append(_like(token, TokenType.R_PAREN, ")"))
        self.at += 3
        return True

    def _parenthesised(self, start: int) -> tuple[list[Token], int]:
        """The tokens inside the parenthesis that opens at `start`, and where it closes."""
        depth = 0
        for index in range(start, len(self.tokens)):
            kind = self.tokens[index].token_type
            depth += (kind == TokenType.L_PAREN) - (kind == TokenType.R_PAREN)
            if depth == 0:
                return self.tokens[start + 1 : index], index
        raise SqlError("This parenthesis is not closed", *place(self.tokens[start]))

    def _plain(self, token: Token) -> None:
        kind = token.token_type
        name = token.text.upper()
        called = self._is(self._peek(), "(")
        if kind == TokenType.L_PAREN:
            before = self.out[-1].text if self.out and self.out[-1].token_type == TokenType.VAR else ""
            self.open.append((len(self.out), before))
        elif kind == TokenType.R_PAREN:
            self._close(token)
            return
        elif kind in (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER):
            if kind == TokenType.STRING and self._is_unicode(token):
                del self.out[-2:]
                token = _like(token, TokenType.STRING, _unescape(token))
        elif name == "BY" and self.open and self.open[-1][1] == "$STEP":
            token = _like(token, TokenType.COMMA, ",")
        elif self.out and self.out[-1].token_type == TokenType.DOT:
            pass
        elif name in _NILADIC and not called:
            self.out += [_like(token, TokenType.VAR, "$" + name), _like(token, TokenType.L_PAREN, "(")]
            token = _like(token, TokenType.R_PAREN, ")")
        elif called and (kind == TokenType.VAR or name in _NILADIC or name == "REPLACE"):
            if name not in _GRAMMAR and name not in _TYPES and not self._is_alias():
                token = _like(token, TokenType.VAR, "$" + name)
        elif called and name in ("CHAR_LENGTH", "CHARACTER_LENGTH"):
            token = _like(token, TokenType.VAR, "$" + name)
        self.out.append(token)

    def _is_alias(self) -> bool:
        """Whether the name before a parenthesis is no call but an alias with names of columns."""
        return bool(self.out) and self.out[-1].token_type in (TokenType.ALIAS, TokenType.R_PAREN)

    def _is_unicode(self, token: Token) -> bool:
        if len(self.out) < 2 or not (self._is(self.out[-2], "U") and self._is(self.out[-1], "&")):
            return False
        return self.out[-2].end + 1 == self.out[-1].start

    def _close(self, token: Token) -> None:
        start, call = self.open.pop() if self.open else (0, "")
        following = self._peek()
        self.out.append(token)
        if self.out[start].token_type == TokenType.L_PAREN and self.out[start + 1].token_type == TokenType.SELECT:
            self.query_ends = len(self.out)
        if call == "$NTH_VALUE" and self._is(following, "FROM") and self._peek(2) is not None:
            side = self._peek(2).text.upper()  # type: ignore[union-attr]
            if side in ("FIRST", "LAST"):
                self.out[-1:] = [_like(token, TokenType.COMMA, ","), _like(token, TokenType.STRING, side), token]
                self.at += 2
        elif not call and following is not None and following.text.upper() in UNITS:
            before = self.out[start - 1].token_type if start else None
            if following.token_type != TokenType.VAR or before in (TokenType.VAR, TokenType.IN, TokenType.INTERVAL):
                return
            self.out[start:start] = [_like(token, TokenType.VAR, "$INTERVAL_IN"), _like(token, TokenType.L_PAREN, "(")]
            self.out += [_like(token, TokenType.COMMA, ","), _like(following, TokenType.STRING, following.text.upper())]
            self.out.append(token)
            self.at += 1


def _like(token: Token, kind: TokenType, text: str) -> Token:
    """A token at the place of another."""
    return Token(kind, text=text, line=token.line, col=token.col, start=token.start, end=token.end)


def _unescape(token: Token) -> str:
    def char(match: re.Match) -> str:
        return "\\" if match.group(1) == "\\" else chr(int(match.group(1).lstrip("+"), 16))

    try:
        return re.sub(r"\\(\\|[0-9A-Fa-f]{4}|\+[0-9A-Fa-f]{6})", char, token.text)
    except ValueError as error:
        raise SqlError("This unicode escape names no character", *place(token)) from error
