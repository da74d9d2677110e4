"""Kinds of statements: what surrounds a query, and what is none.

Statements whose syntax sqlglot does not know (UNLOAD, PREPARE ...) are taken apart by their tokens; the query inside is
parsed where it stands, so that places in messages are those of the whole statement.
"""

import re
from typing import Any

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from lakemill.lakesql.dialects import changestatements, grammar
from lakemill.lakesql.dialects.grammar import place
from lakemill.lakesql.dialects.model import Parsed
from lakemill.lakesql.dialects.typed import not_supported
from lakemill.lakesql.errors import SqlFailed

STATEMENT_BYTES_MAX = 262144
_DDL = {"DROP", "ALTER", "MSCK", "SHOW", "DESCRIBE", "DESC"}
_QUERY = {"SELECT", "WITH", "VALUES", "TABLE", "("}
_REFUSED = {
    "TRUNCATE",
    "GRANT",
    "REVOKE",
    "CALL",
    "SET",
    "RESET",
    "USE",
}
_REFUSED |= {"ANALYZE", "COMMENT", "COMMIT", "ROLLBACK", "START"}


class _Reader:
    """Tokens, one after another."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.inner = ""
        """The text of the query that is in it, where it stands."""
        self.tokens = grammar.tokenize(text)
        last = self.tokens[-1] if len(self.tokens) == 2 else None
        if last is not None and last.token_type == TokenType.STRING and text[last.start] != "'":
            # A command, whose rest the tokenizer takes as one text: its words stand where they stood.
            rest = self.tokens[0].end + 1
            self.tokens[1:] = grammar.tokenize(re.sub(r"[^\n]", " ", text[:rest]) + text[rest:])

    def word(self, ahead: int = 0) -> str:
        """In capitals; empty at the end, and for what is quoted."""
        token = self.token(ahead)
        if token is None or token.token_type in {TokenType.STRING, TokenType.IDENTIFIER}:
            return ""
        return token.text.upper()

    def token(self, ahead: int = 0) -> Token | None:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def take(self, *words: str) -> bool:
        """Whether these words come next; they are passed over then."""
        if all(self.word(i) == w for i, w in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.take(word):
                raise self.wrong(f"'{word}'")

    def wrong(self, expected: str = "") -> SqlFailed:
        token, more = self.token(), f". Expecting: {expected}" if expected else ""
        if token is None:
            lines = self.text.split("\n")
            return SqlFailed("SYNTAX_ERROR", f"mismatched input '<EOF>'{more}", len(lines), len(lines[-1]) + 1)
        shown = self.text[token.start : token.end + 1]
        return SqlFailed("SYNTAX_ERROR", f"mismatched input '{shown}'{more}", *place(token, self.text))

    def identifier(self) -> str:
        token = self.token()
        if token is None or token.token_type == TokenType.STRING or not re.match(r"[\w\"`]", self.text[token.start]):
            raise self.wrong("<identifier>")
        self.at += 1
        return token.text.strip("`")

    def name(self) -> tuple[str, str]:
        """Database (or nothing) and table, in lower case."""
        parts = [self.identifier()]
        while self.take("."):
            parts.append(self.identifier())
        if len(parts) > 3:
            raise self.wrong()
        return (parts[-2].lower() if len(parts) > 1 else ""), parts[-1].lower()

    def string(self) -> str:
        token = self.token()
        if token is None or token.token_type != TokenType.STRING:
            raise self.wrong("<string>")
        self.at += 1
        return token.text

    def bracketed(self) -> tuple[int, int]:
        """Passes over a parenthesis. The places of what is inside, as tokens."""
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            token = self.token()
            if token is None:
                raise self.wrong("')'")
            depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
            self.at += 1
        return start, self.at - 1

    def part(self, start: int, end: int) -> str:
        """The text of tokens, behind as much empty space as stood before it."""
        if start >= end:
            raise self.wrong("<query>")
        first, last = self.tokens[start].start, self.tokens[end - 1].end
        return re.sub(r"[^\n]", " ", self.text[:first]) + self.text[first : last + 1]

    def query(self, start: int, end: int) -> exp.Expr:
        self.inner = self.part(start, end)
        tree = grammar.parse(self.inner)
        if not isinstance(tree, exp.Query | exp.Values | exp.Subquery):
            self.at = start
            raise self.wrong("<query>")
        return tree

    def properties(self) -> dict[str, Any]:
        """What stands in WITH (name = value, ...)."""
        start, end = self.bracketed()
        self.at, found = start, {}
        while self.at < end:
            name = self.identifier().lower()
            self.expect("=")
            begin, depth = self.at, 0
            while self.at < end and (depth or self.word() != ","):
                depth += (self.word() in {"(", "["}) - (self.word() in {")", "]"})
                self.at += 1
            if begin == self.at:
                raise self.wrong("<expression>")
            found[name] = _value(
                grammar.parse("SELECT " + self.text[self.tokens[begin].start : self.tokens[self.at - 1].end + 1])
            )
            if self.at < end:
                self.expect(",")
        self.at = end + 1
        return found

    def end(self) -> None:
        if self.token() is not None:
            raise self.wrong("<EOF>")


def _value(tree: exp.Expr) -> Any:
    value = tree.expressions[0] if isinstance(tree, exp.Select) and len(tree.expressions) == 1 else tree
    if isinstance(value, exp.Literal):
        return value.this if value.is_string else float(value.this) if "." in value.this else int(value.this)
    if isinstance(value, exp.Boolean):
        return bool(value.this)
    if isinstance(value, exp.Array):
        return [_value(e) for e in value.expressions]
    raise SqlFailed("INVALID_TABLE_PROPERTY", f"A property must be a literal: {value.sql('trino')}")


def parse(text: str, parameters: list[str] | None = None) -> Parsed:
    """What kind of statement it is, and what is in it. Raises SqlFailed with line and column.

    parameters: SQL texts for its question marks. None leaves them in the tree.
    """
    if len(text.encode()) > STATEMENT_BYTES_MAX:
        raise SqlFailed("QUERY_TEXT_TOO_LARGE", f"Query text length exceeds the maximum length ({STATEMENT_BYTES_MAX})")
    stripped = re.sub(r"\s*;\s*$", "", text).rstrip()
    reader = _Reader(stripped)
    parsed = _parsed(reader)
    tree, parsed.query = parsed.tree, reader.inner
    if tree is not None:
        marks = [n for n in tree.dfs() if isinstance(n, exp.Placeholder)]
        parsed.parameters = len(marks)
        if parameters is not None and parsed.kind not in {"prepare", "execute"}:
            parsed.tree = substitute(tree, parameters)
    return parsed


def _parsed(reader: _Reader) -> Parsed:
    text, first = reader.text, reader.word()
    if not reader.tokens:
        raise SqlFailed("SYNTAX_ERROR", "mismatched input '<EOF>'. Expecting: <query>", 1, 1)
    if first in _QUERY:
        return Parsed("query", text, reader.query(0, len(reader.tokens)))
    if first in _DDL:
        return Parsed("ddl", text)
    if first == "CREATE":
        return _create(reader)
    if first in _RULES:
        return _RULES[first](reader)
    if first in _REFUSED:
        raise not_supported(f"{first} statement")
    words = "ALTER CREATE DEALLOCATE DESC DESCRIBE DROP EXECUTE EXPLAIN INSERT MSCK PREPARE SHOW UNLOAD WITH"
    raise reader.wrong(", ".join(f"'{word}'" for word in words.split()) + ", <query>")


def _create(reader: _Reader) -> Parsed:
    reader.expect("CREATE")
    flags = {"replace"} if reader.take("OR", "REPLACE") else set()
    if reader.take("VIEW"):
        target = reader.name()
        reader.expect("AS")
        body = reader.text[reader.tokens[reader.at].start :] if reader.token() else ""
        tree = reader.query(reader.at, len(reader.tokens))
        return Parsed("create_view", reader.text, tree, target, body=body, flags=flags)
    if flags or not reader.take("TABLE"):
        return Parsed("ddl", reader.text)
    if reader.take("IF", "NOT", "EXISTS"):
        flags.add("if_not_exists")
    try:
        target = reader.name()
        if reader.word() not in {"AS", "WITH"}:
            return Parsed("ddl", reader.text)
    except SqlFailed:
        return Parsed("ddl", reader.text)
    properties = reader.properties() if reader.take("WITH") else {}
    reader.expect("AS")
    end = len(reader.tokens)
    last = [t.text.upper() for t in reader.tokens[-3:]]
    if last == ["WITH", "NO", "DATA"]:
        flags.add("no_data")
        end -= 3
    elif last[-2:] == ["WITH", "DATA"]:
        end -= 2
    return Parsed("ctas", reader.text, reader.query(reader.at, end), target, properties=properties, flags=flags)


def _insert(reader: _Reader) -> Parsed:
    reader.expect("INSERT", "INTO")
    target, columns = reader.name(), None
    if reader.word() == "(" and reader.word(1) not in {"SELECT", "WITH", "VALUES", "(", "TABLE"}:
        start, end = reader.bracketed()
        reader.at, columns = start, []
        while reader.at < end:
            columns.append(reader.identifier().lower())
            if reader.at < end:
                reader.expect(",")
        reader.at = end + 1
    return Parsed("insert", reader.text, reader.query(reader.at, len(reader.tokens)), target, columns)


def _unload(reader: _Reader) -> Parsed:
    reader.expect("UNLOAD")
    start, end = reader.bracketed()
    tree = reader.query(start, end)
    reader.expect("TO")
    location = reader.string()
    properties = reader.properties() if reader.take("WITH") else {}
    reader.end()
    return Parsed("unload", reader.text, tree, properties=properties, location=location)


def _explain(reader: _Reader) -> Parsed:
    reader.expect("EXPLAIN")
    flags = {"analyze"} if reader.take("ANALYZE") else set()
    if reader.word() == "(" and reader.word(1) in {"TYPE", "FORMAT"}:
        reader.bracketed()
        raise not_supported("EXPLAIN with options")
    reader.take("VERBOSE")
    return Parsed("explain", reader.text, reader.query(reader.at, len(reader.tokens)), flags=flags)


def _prepare(reader: _Reader) -> Parsed:
    reader.expect("PREPARE")
    name = reader.identifier()
    reader.expect("FROM")
    if reader.token() is None:
        raise reader.wrong("<statement>")
    body = reader.text[reader.tokens[reader.at].start :]
    inner = parse(reader.part(reader.at, len(reader.tokens)))
    return Parsed("prepare", reader.text, inner.tree, ("", name), body=body)


def _execute(reader: _Reader) -> Parsed:
    reader.expect("EXECUTE")
    name, using = reader.identifier(), []
    if reader.take("USING"):
        begin, depth = reader.at, 0
        while True:
            word = reader.word()
            if reader.token() is None or (word == "," and not depth):
                if begin == reader.at:
                    raise reader.wrong("<expression>")
                using.append(reader.text[reader.tokens[begin].start : reader.tokens[reader.at - 1].end + 1])
                if reader.token() is None:
                    break
                begin = reader.at + 1
            depth += (word in {"(", "["}) - (word in {")", "]"})
            reader.at += 1
    reader.end()
    return Parsed("execute", reader.text, None, ("", name), using=using)


def _deallocate(reader: _Reader) -> Parsed:
    reader.expect("DEALLOCATE", "PREPARE")
    name = reader.identifier()
    reader.end()
    return Parsed("deallocate", reader.text, None, ("", name))


_RULES = {
    "INSERT": _insert,
    "UNLOAD": _unload,
    "EXPLAIN": _explain,
    "PREPARE": _prepare,
    "EXECUTE": _execute,
    "DEALLOCATE": _deallocate,
    **changestatements.RULES,
}


def substitute(tree: exp.Expr, parameters: list[str]) -> exp.Expr:
    """The tree with expressions for its question marks, each parsed by itself, so that it stays one expression.

    Raises SqlFailed(INVALID_PARAMETER_USAGE).
    """
    marks = _in_order(tree)
    if len(marks) != len(parameters):
        message = f"Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}"
        raise SqlFailed("INVALID_PARAMETER_USAGE", message)
    for mark, text in zip(marks, parameters, strict=True):
        mark.replace(parameter(text))
    return tree


def _in_order(tree: exp.Expr) -> list[exp.Expr]:
    """The question marks as they stand in the text. The tree has them in another order, and without places."""
    marks: list[exp.Expr] = [n for n in tree.dfs() if isinstance(n, exp.Placeholder)]
    if len(marks) < 2:
        return marks
    for number, mark in enumerate(marks):
        mark.set("this", f"mark_{number}_")
    numbers = dict.fromkeys(int(found) for found in re.findall(r":mark_(\d+)_", tree.sql("trino")))
    for mark in marks:
        mark.set("this", None)
    return [marks[number] for number in numbers]


def parameter(text: str) -> exp.Expr:
    """The expression of a parameter's text. Raises SqlFailed for anything but one expression."""
    wrong = SqlFailed("INVALID_PARAMETER_USAGE", f"Parameter is not an expression: {text}")
    try:
        tree = grammar.parse("SELECT " + text)
    except SqlFailed:
        raise wrong from None
    others = {k for k, v in tree.args.items() if v and k != "expressions"}
    if not isinstance(tree, exp.Select) or others or len(tree.expressions) != 1:
        raise wrong
    value = tree.expressions[0]
    if isinstance(value, exp.Alias | exp.Star) or value.find(exp.Column, exp.Query, exp.Placeholder) is not None:
        raise wrong
    for node in value.walk():
        node.meta.pop("place", None)
    return value.pop()
