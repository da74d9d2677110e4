"""From the text of a body to its nodes. What is wrong is said when the procedure is made."""

from collections.abc import Callable
from functools import lru_cache

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.procedures import declarations
from lakemill.warehouse.procedures.nodes import (
    Assign,
    Block,
    Call,
    Case,
    Close,
    Diagnostics,
    Execute,
    Fetch,
    ForInteger,
    ForQuery,
    If,
    Leave,
    Loop,
    Name,
    Nothing,
    Open,
    Query,
    Raise,
    Return,
    Sql,
    Statement,
    Transaction,
)
from lakemill.warehouse.procedures.words import Words

LEVELS = ("NOTICE", "INFO", "LOG", "WARNING", "EXCEPTION", "DEBUG")
_SQL = {
    *(
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "CREATE",
        "ALTER",
        "DROP",
        "TRUNCATE",
        "GRANT",
        "REVOKE",
        "COPY",
        "UNLOAD",
    ),
    *("SET", "RESET", "LOCK", "COMMENT", "ANALYZE", "REFRESH", "SHOW", "EXPLAIN", "CANCEL"),
}
_TRANSACTIONS = {"BEGIN", "END", "ABORT", "SAVEPOINT"}


@lru_cache(maxsize=256)
def parse(text: str) -> Block:
    """The block that a body is. Raises SqlFailed 42601."""
    words = Words(text)
    label = _label(words)
    if words.peek() not in ("DECLARE", "BEGIN"):
        raise words.wrong()
    found = _block(words, label)
    words.take(";")
    words.end()
    return found


def expression(text: str) -> Query:
    """An expression as a query. Raises SqlFailed 42601."""
    return _checked(f"SELECT {text}")


def values(words: Words) -> list[Query]:
    """( expression, ... )"""
    words.expect("(")
    found: list[Query] = []
    while words.peek() != ")":
        found.append(expression(words.until(",", ")")))
        if not words.take(","):
            break
    words.expect(")")
    return found


def _checked(text: str, change: bool = False) -> Query:
    """change: whether it may be another statement than a query."""
    try:
        if redshift.parse(text).kind != "query" and not change:
            raise SqlFailed("42601", "a query must stand here")
    except SqlFailed as wrong:
        raise SqlFailed(wrong.code, wrong.message, detail=f"in: {text}") from None
    return Query(text)


def _label(words: Words) -> str:
    if not words.take("<", "<"):
        return ""
    name = words.name()
    words.expect(">", ">")
    return name


def _block(words: Words, label: str = "") -> Block:
    line = words.line()
    declared = declarations.parse(words, expression, _checked) if words.take("DECLARE") else []
    words.expect("BEGIN")
    found = Block(line, _statements(words, "END", "EXCEPTION"), label, declared)
    if words.take("EXCEPTION"):
        found.goes_on = words.any_of("CONTINUE_HANDLER", "EXIT_HANDLER") == "CONTINUE_HANDLER"
        words.expect("WHEN")
        if not words.take("OTHERS"):
            raise SqlFailed(
                "42704", f'unrecognized exception condition "{words.name()}"', hint="OTHERS is the only one."
            )
        words.expect("THEN")
        found.handler = _statements(words, "END")
    words.expect("END")
    _end_label(words, label)
    return found


def _end_label(words: Words, label: str) -> None:
    if words.is_name():
        given = words.name()
        if given != label:
            raise SqlFailed("42601", f'end label "{given}" differs from the label "{label}"')


def _statements(words: Words, *stops: str) -> list[Statement]:
    found = []
    while words.peek() not in stops:
        if words.ended():
            raise words.wrong()
        found.append(_statement(words))
    return found


def _statement(words: Words) -> Statement:
    label = _label(words)
    word = words.peek()
    if label and word not in ("DECLARE", "BEGIN", "LOOP", "WHILE", "FOR"):
        raise words.wrong()
    if word in ("DECLARE", "BEGIN"):
        block = _block(words, label)
        words.expect(";")
        return block
    if word in _LOOPS:
        return _LOOPS[word](words, label)
    known = _KINDS.get(word)
    found = known(words) if known is not None and not _assigns(words) else _other(words)
    words.expect(";")
    return found


def _assigns(words: Words) -> bool:
    at = 3 if words.peek(1) == "." else 1
    return words.is_name() and (words.peek(at) == "=" or (words.peek(at) == ":" and words.peek(at + 1) == "="))


def _other(words: Words) -> Statement:
    """An assignment, or a statement of SQL."""
    line = words.line()
    if _assigns(words):
        target = words.qualified()
        words.take(":")
        words.expect("=")
        return Assign(line, target, expression(words.until(";")))
    if words.peek() in _TRANSACTIONS:
        raise SqlFailed("0A000", f"{words.peek()} is not supported in stored procedures")
    if words.peek() not in _SQL:
        raise words.wrong()
    return Sql(line, _checked(words.until(";"), change=True))


def _select(words: Words) -> Statement:
    line, begin = words.line(), words.at
    into, text = _without_into(words)
    if not into:
        words.at = begin
        raise SqlFailed(
            *("42601", "SELECT query has no destination for result data"),
            hint="If you want to discard the results, use PERFORM instead.",
        )
    return Sql(line, _checked(text), into)


def _without_into(words: Words) -> tuple[list[Name], str]:
    """The variables behind INTO, and the query without it."""
    begin, depth, into, cut = words.position(), 0, list[Name](), (0, 0)
    while not words.ended() and not (depth == 0 and words.peek() == ";"):
        word = words.peek()
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "INTO" and depth == 0 and not into:
            start = words.position()
            words.take("INTO")
            into = _targets(words)
            cut = (start, words.position())
            continue
        words.at += 1
    text = words.text[begin : words.position()]
    if into:
        text = text[: cut[0] - begin] + " " + text[cut[1] - begin :]
    return into, text.strip()


def _targets(words: Words) -> list[Name]:
    found = [words.qualified()]
    while words.take(","):
        found.append(words.qualified())
    return found


def _perform(words: Words) -> Statement:
    line = words.line()
    words.expect("PERFORM")
    return Sql(line, _checked(f"SELECT {words.until(';')}"))


def _if(words: Words) -> Statement:
    line = words.line()
    words.expect("IF")
    branches, otherwise = [], list[Statement]()
    while True:
        condition = expression(words.until("THEN"))
        words.expect("THEN")
        branches.append((condition, _statements(words, "ELSIF", "ELSEIF", "ELSE", "END")))
        if not words.any_of("ELSIF", "ELSEIF"):
            break
    if words.take("ELSE"):
        otherwise = _statements(words, "END")
    words.expect("END", "IF")
    return If(line, branches, otherwise)


def _case(words: Words) -> Statement:
    line = words.line()
    words.expect("CASE")
    subject = "" if words.peek() == "WHEN" else words.until("WHEN")
    branches = []
    while words.take("WHEN"):
        text = words.until("THEN")
        words.expect("THEN")
        condition = expression(f"({subject}) IN ({text})" if subject else text)
        branches.append((condition, _statements(words, "WHEN", "ELSE", "END")))
    otherwise = _statements(words, "END") if words.take("ELSE") else None
    words.expect("END", "CASE")
    return Case(line, branches, otherwise)


def _body(words: Words, label: str) -> list[Statement]:
    words.expect("LOOP")
    found = _statements(words, "END")
    words.expect("END", "LOOP")
    _end_label(words, label)
    words.expect(";")
    return found


def _loop(words: Words, label: str) -> Statement:
    line = words.line()
    return Loop(line, _body(words, label), label)


def _while(words: Words, label: str) -> Statement:
    line = words.line()
    words.expect("WHILE")
    condition = expression(words.until("LOOP"))
    return Loop(line, _body(words, label), label, condition)


def _for(words: Words, label: str) -> Statement:
    line = words.line()
    words.expect("FOR")
    targets = _targets(words)
    words.expect("IN")
    if words.take("EXECUTE"):
        text = expression(words.until("LOOP"))
        return ForQuery(line, targets, text, _body(words, label), dynamic=True, label=label)
    if (words.peek(1) if words.peek() == "(" else words.peek()) in ("SELECT", "WITH"):
        query = _checked(words.until("LOOP"))
        return ForQuery(line, targets, query, _body(words, label), label=label)
    reverse = words.take("REVERSE")
    first, last = _range(words)
    if len(targets) != 1 or len(targets[0]) != 1:
        raise SqlFailed("42601", "a FOR loop over integers has one variable")
    return ForInteger(line, targets[0][0], first, last, _body(words, label), reverse, label)


def _range(words: Words) -> tuple[Query, Query]:
    begin = words.position()
    depth = 0
    while not (depth == 0 and words.peek() == "." and words.peek(1) == "."):
        if words.ended() or words.peek() == "LOOP":
            raise words.wrong()
        depth += {"(": 1, ")": -1}.get(words.peek(), 0)
        words.at += 1
    first = expression(words.text[begin : words.position()])
    words.expect(".", ".")
    return first, expression(words.until("LOOP"))


def _leave(words: Words) -> Statement:
    line, again = words.line(), words.any_of("EXIT", "CONTINUE") == "CONTINUE"
    label = words.name() if words.is_name() and words.peek() != "WHEN" else ""
    condition = expression(words.until(";")) if words.take("WHEN") else None
    return Leave(line, again, label, condition)


def _return(words: Words) -> Statement:
    line = words.line()
    words.expect("RETURN")
    if words.peek() != ";":
        raise SqlFailed("42804", "RETURN cannot have a parameter in a procedure", detail=f"line {line}")
    return Return(line)


def _raise(words: Words) -> Statement:
    line = words.line()
    words.expect("RAISE")
    if words.peek() == ";":
        return Raise(line)
    level = words.any_of(*LEVELS)
    if not level:
        raise words.wrong()
    format, given = words.string(), []
    while words.take(","):
        given.append(expression(words.until(",", ";")))
    if format.replace("%%", "").count("%") != len(given):
        few = format.replace("%%", "").count("%") > len(given)
        raise SqlFailed("42601", f"too {'few' if few else 'many'} parameters specified for RAISE")
    return Raise(line, level, format, given)


def _execute(words: Words) -> Statement:
    line = words.line()
    words.expect("EXECUTE")
    text = expression(words.until("INTO", "USING", ";"))
    into = _targets(words) if words.take("INTO") else []
    if words.peek() == "USING":
        raise SqlFailed("0A000", "EXECUTE ... USING is not supported", hint="Use quote_literal().")
    return Execute(line, text, into)


def _call(words: Words) -> Statement:
    line = words.line()
    words.expect("CALL")
    return Call(line, words.qualified(), values(words))


def _open(words: Words) -> Statement:
    line = words.line()
    words.expect("OPEN")
    found = Open(line, words.name())
    if words.take("FOR"):
        found.dynamic = words.take("EXECUTE")
        text = words.until(";")
        found.query = expression(text) if found.dynamic else _checked(text)
    elif words.peek() == "(":
        found.values = values(words)
    return found


def _fetch(words: Words) -> Statement:
    line = words.line()
    words.expect("FETCH")
    words.take("NEXT")
    words.any_of("FROM", "IN")
    cursor = words.name()
    words.expect("INTO")
    return Fetch(line, cursor, _targets(words))


def _close(words: Words) -> Statement:
    line = words.line()
    words.expect("CLOSE")
    return Close(line, words.name())


def _diagnostics(words: Words) -> Statement:
    line = words.line()
    words.expect("GET", "DIAGNOSTICS")
    targets = []
    while True:
        targets.append(words.qualified())
        words.take(":")
        words.expect("=")
        if not words.take("ROW_COUNT"):
            raise SqlFailed("42601", f'unrecognized GET DIAGNOSTICS item "{words.peek().lower()}"')
        if not words.take(","):
            return Diagnostics(line, targets)


def _nothing(words: Words) -> Statement:
    line = words.line()
    words.expect("NULL")
    return Nothing(line)


def _transaction(words: Words) -> Statement:
    line = words.line()
    word = words.any_of("COMMIT", "ROLLBACK", "START")
    words.expect("TRANSACTION") if word == "START" else words.any_of("WORK", "TRANSACTION")
    return Transaction(line, word)


_LOOPS: dict[str, Callable[[Words, str], Statement]] = {"LOOP": _loop, "WHILE": _while, "FOR": _for}
_KINDS: dict[str, Callable[[Words], Statement]] = {
    **dict.fromkeys(("SELECT", "WITH", "("), _select),
    "PERFORM": _perform,
    "IF": _if,
    "CASE": _case,
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
