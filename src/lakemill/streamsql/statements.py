"""The statements of a program: streams and pumps.

Only these exist: `CREATE [OR REPLACE] STREAM`, `CREATE [OR REPLACE] PUMP ... AS INSERT INTO ... SELECT STREAM ...` and
`ALTER PUMP ... START`. Everything else is refused by its first words.
"""

from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError
from sqlglot.parser import Parser
from sqlglot.tokens import Token, TokenType

from lakemill.streamsql import sqltypes
from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.tokens import place, rewrite, tokenize


class _Dialect(Dialect):
    """NULL is larger than every value in ORDER BY."""

    NULL_ORDERING = "nulls_are_large"


@dataclass(frozen=True)
class CreateStream:
    name: str
    columns: tuple[pa.Field, ...]
    token: Token


@dataclass(frozen=True)
class CreatePump:
    """`columns` is None where the INSERT names none; `windows` are those of streams in joins, by token start."""

    name: str
    started: bool
    stream: str
    columns: tuple[tuple[str, Token], ...] | None
    query: exp.Expr
    windows: dict[int, list[Token]]
    token: Token
    stream_token: Token


@dataclass(frozen=True)
class Script:
    streams: dict[str, CreateStream]
    pumps: dict[str, CreatePump]


def fold(token: Token) -> str:
    """The name a token stands for: quoted names are exact, others are in upper case."""
    return token.text if token.token_type == TokenType.IDENTIFIER else token.text.upper()


def parse(code: str) -> Script:
    """All statements of the code, in their last version."""
    streams: dict[str, CreateStream] = {}
    pumps: dict[str, CreatePump] = {}
    for tokens in _split(tokenize(code)):
        reader = _Reader(tokens, code)
        words = [token.text.upper() for token in tokens[:5]]
        if words[:1] == ["ALTER"] and words[1:2] == ["PUMP"]:
            _alter(reader, pumps)
            continue
        reader.expect("CREATE", "Only CREATE STREAM, CREATE PUMP and ALTER PUMP ... START are possible here")
        replace = reader.take("OR")
        if replace:
            reader.expect("REPLACE", "OR must be followed by REPLACE")
        what = reader.here()
        if reader.take("STREAM"):
            stream = _stream(reader)
            _check_new(stream.name, streams, replace, stream.token, "stream")
            streams[stream.name] = stream
        elif reader.take("PUMP"):
            pump = _pump(reader)
            _check_new(pump.name, pumps, replace, pump.token, "pump")
            pumps[pump.name] = pump
        else:
            raise SqlError(f"CREATE {what.text.upper()} is not part of this dialect", *place(what))
    return Script(streams, pumps)


def _check_new(name: str, known: dict, replace: bool, token: Token, what: str) -> None:
    if name in known and not replace:
        raise SqlError(f"The {what} {name} exists already", *place(token))


def _split(tokens: list[Token]) -> list[list[Token]]:
    statements: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            statements.append([])
        else:
            statements[-1].append(token)
    return [statement for statement in statements if statement]


class _Reader:
    """Walks over tokens and knows how to complain."""

    def __init__(self, tokens: list[Token], code: str):
        self.tokens = tokens
        self.code = code
        self.at = 0

    def here(self) -> Token:
        if self.at >= len(self.tokens):
            raise SqlError("The statement ends too early", *place(self.tokens[-1]))
        return self.tokens[self.at]

    def take(self, word: str) -> bool:
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER) and token.text.upper() == word:
                self.at += 1
                return True
        return False

    def expect(self, word: str, message: str | None = None) -> None:
        token = self.here()
        if not self.take(word):
            raise SqlError(message or f"Expected {word}, found {token.text}", *place(token))

    def name(self, what: str) -> tuple[str, Token]:
        token = self.here()
        if token.token_type == TokenType.STRING or not (
            token.text[:1].isalpha() or token.token_type == TokenType.IDENTIFIER
        ):
            raise SqlError(f"Expected the name of a {what}, found {token.text}", *place(token))
        self.at += 1
        return fold(token), token

    def done(self) -> bool:
        return self.at >= len(self.tokens)


def _description(reader: _Reader) -> None:
    """A remark for readers; nothing depends on it."""
    if reader.take("DESCRIPTION"):
        reader.at += 1


def _stream(reader: _Reader) -> CreateStream:
    name, token = reader.name("stream")
    reader.expect("(", f"The stream {name} needs its columns in parentheses")
    columns: dict[str, pa.Field] = {}
    while True:
        column, at = reader.name("column")
        if column in columns:
            raise SqlError(f"The column {column} is there twice", *place(at))
        kind = _type(reader)
        nullable = not reader.take("NOT")
        if not nullable:
            reader.expect("NULL")
        columns[column] = sqltypes.field(column, kind, nullable)
        if not reader.take(","):
            break
    reader.expect(")")
    _description(reader)
    if not reader.done():
        raise SqlError(f"{reader.here().text.upper()} is not possible in CREATE STREAM", *place(reader.here()))
    return CreateStream(name, tuple(columns.values()), token)


def _type(reader: _Reader) -> sqltypes.SqlType:
    token = reader.here()
    reader.at += 1
    parameters = []
    if reader.take("("):
        while not reader.take(")"):
            number = reader.here()
            if number.token_type != TokenType.NUMBER or not number.text.isdigit():
                raise SqlError("Expected a whole number", *place(number))
            parameters.append(int(number.text))
            reader.at += 1
            reader.take(",")
    if token.text.upper() == "INTERVAL":
        while not reader.done() and reader.here().text.upper() in ("DAY", "HOUR", "MINUTE", "SECOND", "TO"):
            reader.at += 1
    if token.text.upper() == "TIMESTAMP" and parameters and parameters[0] <= 9:
        parameters = []  # a precision: all times are kept to the millisecond
    try:
        return sqltypes.named(token.text.upper(), parameters)
    except ValueError as error:
        raise SqlError(str(error), *place(token)) from error


def _pump(reader: _Reader) -> CreatePump:
    name, token = reader.name("pump")
    _description(reader)
    started = not reader.take("STOPPED")
    reader.take("STARTED")
    reader.expect("AS")
    reader.expect("INSERT", "A pump must be AS INSERT INTO a stream")
    reader.expect("INTO")
    stream, stream_token = reader.name("stream")
    columns = None
    following = reader.tokens[reader.at + 1 : reader.at + 2]
    if not (following and following[0].token_type == TokenType.SELECT) and reader.take("("):
        named = [reader.name("column")]
        while reader.take(","):
            named.append(reader.name("column"))
        reader.expect(")")
        columns = tuple(named)
    rewritten = rewrite(reader.tokens[reader.at :])
    if not rewritten.tokens or rewritten.tokens[0].token_type not in (TokenType.SELECT, TokenType.L_PAREN):
        raise SqlError("A pump needs SELECT STREAM", *place(stream_token))
    query = parse_query(rewritten.tokens, reader.code)
    return CreatePump(name, started, stream, columns, query, rewritten.windows, token, stream_token)


def parse_query(tokens: list[Token], code: str) -> exp.Expr:
    try:
        parsed = Parser(dialect=_Dialect()).parse(tokens, code)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        near = str(first.get("highlight", "")).strip()
        end = int(first.get("col") or 0)
        message = f"This cannot be parsed near {near}" if near else "This cannot be parsed"
        raise SqlError(message, int(first.get("line") or 0), max(1, end - max(0, len(near) - 1))) from error
    if len(parsed) != 1 or parsed[0] is None:
        raise SqlError("A pump has one query", *place(tokens[0]))
    return parsed[0]


def _alter(reader: _Reader, pumps: dict[str, CreatePump]) -> None:
    reader.at = 2
    name, token = reader.name("pump")
    if name not in pumps:
        raise SqlError(f"There is no pump {name}", *place(token))
    state = reader.here()
    if not (reader.take("START") or reader.take("STOP")):
        raise SqlError(f"ALTER PUMP knows START and STOP, not {state.text.upper()}", *place(state))
    old = pumps[name]
    started = state.text.upper() == "START"
    pumps[name] = CreatePump(
        old.name, started, old.stream, old.columns, old.query, old.windows, old.token, old.stream_token
    )
