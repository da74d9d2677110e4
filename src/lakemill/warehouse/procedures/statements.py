"""Statements that no other statements are in: assignments, SQL, cursors, messages, the ends of transactions."""

from collections.abc import Callable

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.procedures.expressions import expression, query, values
from lakemill.warehouse.procedures.nodes import (
    LEVELS,
    Assign,
    Call,
    Close,
    Diagnostics,
    Execute,
    Fetch,
    Leave,
    Name,
    Nothing,
    Open,
    Raise,
    Return,
    Sql,
    Statement,
    Transaction,
)
from lakemill.warehouse.tokens import Tokens

_SQL = {
    *("INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "ALTER", "DROP", "TRUNCATE", "GRANT", "REVOKE", "COPY"),
    *("UNLOAD", "SET", "RESET", "LOCK", "COMMENT", "ANALYZE", "REFRESH", "SHOW", "EXPLAIN", "CANCEL"),
}
_TRANSACTIONS = {"BEGIN", "END", "ABORT", "SAVEPOINT"}


def parse(tokens: Tokens) -> Statement:
    """The statement that comes, without the semicolon behind it. Raises SqlFailed."""
    if assigns(tokens):
        return _assign(tokens)
    word = tokens.peek()
    if word in _KINDS:
        return _KINDS[word](tokens)
    if word in _TRANSACTIONS:
        raise SqlFailed("0A000", f"{word} is not supported in stored procedures")
    if word not in _SQL:
        raise tokens.wrong()
    return Sql(tokens.line(), query(tokens.until(";"), change=True))


def assigns(tokens: Tokens) -> bool:
    """Whether an assignment comes; a variable may have the name of a keyword."""
    at = 3 if tokens.peek(1) == "." else 1
    return tokens.is_name() and (tokens.peek(at) == "=" or (tokens.peek(at) == ":" and tokens.peek(at + 1) == "="))


def _assign(tokens: Tokens) -> Statement:
    line, target = tokens.line(), tokens.qualified()
    tokens.take(":")
    tokens.expect("=")
    return Assign(line, target, expression(tokens.until(";")))


def _select(tokens: Tokens) -> Statement:
    line = tokens.line()
    into, text = _without_into(tokens)
    if not into:
        raise SqlFailed(
            *("42601", "SELECT query has no destination for result data"),
            hint="If you want to discard the results, use PERFORM instead.",
        )
    return Sql(line, query(text), into)


def _without_into(tokens: Tokens) -> tuple[list[Name], str]:
    """The variables behind INTO, and the query without it."""
    begin, depth, into, cut = tokens.position(), 0, list[Name](), (0, 0)
    while not tokens.ended() and not (depth == 0 and tokens.peek() == ";"):
        word = tokens.peek()
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "INTO" and depth == 0 and not into:
            start = tokens.position()
            tokens.take("INTO")
            into = targets(tokens)
            cut = (start, tokens.position())
            continue
        tokens.at += 1
    text = tokens.text[begin : tokens.position()]
    if into:
        text = text[: cut[0] - begin] + " " + text[cut[1] - begin :]
    return into, text.strip()


def targets(tokens: Tokens) -> list[Name]:
    """variable, ..."""
    found = [tokens.qualified()]
    while tokens.take(","):
        found.append(tokens.qualified())
    return found


def _perform(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("PERFORM")
    return Sql(line, query(f"SELECT {tokens.until(';')}"))


def _leave(tokens: Tokens) -> Statement:
    line, again = tokens.line(), tokens.any_of("EXIT", "CONTINUE") == "CONTINUE"
    label = tokens.name() if tokens.is_name() and tokens.peek() != "WHEN" else ""
    condition = expression(tokens.until(";")) if tokens.take("WHEN") else None
    return Leave(line, again, label, condition)


def _return(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("RETURN")
    if tokens.peek() != ";":
        raise SqlFailed("42804", "RETURN cannot have a parameter in a procedure", detail=f"line {line}")
    return Return(line)


def _raise(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("RAISE")
    if tokens.peek() == ";":
        return Raise(line)
    level = tokens.any_of(*LEVELS)
    if not level:
        raise tokens.wrong()
    format, given = tokens.string(), []
    while tokens.take(","):
        given.append(expression(tokens.until(",", ";")))
    if format.replace("%%", "").count("%") != len(given):
        few = format.replace("%%", "").count("%") > len(given)
        raise SqlFailed("42601", f"too {'few' if few else 'many'} parameters specified for RAISE")
    return Raise(line, level, format, given)


def _execute(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("EXECUTE")
    text = expression(tokens.until("INTO", "USING", ";"))
    into = targets(tokens) if tokens.take("INTO") else []
    if tokens.peek() == "USING":
        raise SqlFailed("0A000", "EXECUTE ... USING is not supported", hint="Use quote_literal().")
    return Execute(line, text, into)


def _call(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("CALL")
    return Call(line, tokens.qualified(), values(tokens))


def _open(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("OPEN")
    found = Open(line, tokens.name())
    if tokens.take("FOR"):
        found.dynamic = tokens.take("EXECUTE")
        text = tokens.until(";")
        found.query = expression(text) if found.dynamic else query(text)
    elif tokens.peek() == "(":
        found.values = values(tokens)
    return found


def _fetch(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("FETCH")
    tokens.take("NEXT")
    tokens.any_of("FROM", "IN")
    cursor = tokens.name()
    tokens.expect("INTO")
    return Fetch(line, cursor, targets(tokens))


def _close(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("CLOSE")
    return Close(line, tokens.name())


def _diagnostics(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("GET", "DIAGNOSTICS")
    found = []
    while True:
        found.append(tokens.qualified())
        tokens.take(":")
        tokens.expect("=")
        if not tokens.take("ROW_COUNT"):
            raise SqlFailed("42601", f'unrecognized GET DIAGNOSTICS item "{tokens.peek().lower()}"')
        if not tokens.take(","):
            return Diagnostics(line, found)


def _nothing(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("NULL")
    return Nothing(line)


def _transaction(tokens: Tokens) -> Statement:
    line = tokens.line()
    word = tokens.any_of("COMMIT", "ROLLBACK", "START")
    tokens.expect("TRANSACTION") if word == "START" else tokens.any_of("WORK", "TRANSACTION")
    return Transaction(line, word)


_KINDS: dict[str, Callable[[Tokens], Statement]] = {
    **dict.fromkeys(("SELECT", "WITH", "("), _select),
    "PERFORM": _perform,
    **dict.fromkeys(("EXIT", "CONTINUE"), _leave),
    "RETURN": _return,
    "RAISE": _raise,
    "EXECUTE": _execute,
    "CALL": _call,
    "OPEN": _open,
    "FETCH": _fetch,
    "CLOSE": _close,
    "GET": _diagnostics,
    "NULL": _nothing,
    **dict.fromkeys(("COMMIT", "ROLLBACK", "START"), _transaction),
}
