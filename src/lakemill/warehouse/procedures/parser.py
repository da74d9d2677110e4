"""From the text of a body to its nodes: blocks, conditions, loops. What is wrong is said when the procedure is made."""

from collections.abc import Callable
from functools import lru_cache

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.procedures import declarations, statements
from lakemill.warehouse.procedures.expressions import expression, query
from lakemill.warehouse.procedures.nodes import Block, Case, ForInteger, ForQuery, If, Loop, Query, Statement
from lakemill.warehouse.tokens import Tokens


@lru_cache(maxsize=256)
def parse(text: str) -> Block:
    """The block that a body is. Raises SqlFailed 42601."""
    tokens = Tokens(text, lines=True)
    label = _label(tokens)
    if tokens.peek() not in ("DECLARE", "BEGIN"):
        raise tokens.wrong()
    found = _block(tokens, label)
    tokens.take(";")
    tokens.end()
    return found


def _label(tokens: Tokens) -> str:
    if not tokens.take("<", "<"):
        return ""
    name = tokens.name()
    tokens.expect(">", ">")
    return name


def _block(tokens: Tokens, label: str = "") -> Block:
    line = tokens.line()
    declared = declarations.parse(tokens) if tokens.take("DECLARE") else []
    tokens.expect("BEGIN")
    found = Block(line, _statements(tokens, "END", "EXCEPTION"), label, declared)
    if tokens.take("EXCEPTION"):
        found.goes_on = tokens.any_of("CONTINUE_HANDLER", "EXIT_HANDLER") == "CONTINUE_HANDLER"
        tokens.expect("WHEN")
        if not tokens.take("OTHERS"):
            raise SqlFailed(
                "42704", f'unrecognized exception condition "{tokens.name()}"', hint="OTHERS is the only one."
            )
        tokens.expect("THEN")
        found.handler = _statements(tokens, "END")
    tokens.expect("END")
    _end_label(tokens, label)
    return found


def _end_label(tokens: Tokens, label: str) -> None:
    if tokens.is_name():
        given = tokens.name()
        if given != label:
            raise SqlFailed("42601", f'end label "{given}" differs from the label "{label}"')


def _statements(tokens: Tokens, *stops: str) -> list[Statement]:
    found = []
    while tokens.peek() not in stops:
        if tokens.ended():
            raise tokens.wrong()
        found.append(_statement(tokens))
    return found


def _statement(tokens: Tokens) -> Statement:
    label = _label(tokens)
    word = tokens.peek()
    if label and word not in ("DECLARE", "BEGIN", "LOOP", "WHILE", "FOR"):
        raise tokens.wrong()
    if word in ("DECLARE", "BEGIN"):
        block = _block(tokens, label)
        tokens.expect(";")
        return block
    if word in _LOOPS:
        return _LOOPS[word](tokens, label)
    if word in _CONDITIONS and not statements.assigns(tokens):
        found = _CONDITIONS[word](tokens)
    else:
        found = statements.parse(tokens)
    tokens.expect(";")
    return found


def _if(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("IF")
    branches, otherwise = [], list[Statement]()
    while True:
        condition = expression(tokens.until("THEN"))
        tokens.expect("THEN")
        branches.append((condition, _statements(tokens, "ELSIF", "ELSEIF", "ELSE", "END")))
        if not tokens.any_of("ELSIF", "ELSEIF"):
            break
    if tokens.take("ELSE"):
        otherwise = _statements(tokens, "END")
    tokens.expect("END", "IF")
    return If(line, branches, otherwise)


def _case(tokens: Tokens) -> Statement:
    line = tokens.line()
    tokens.expect("CASE")
    subject = "" if tokens.peek() == "WHEN" else tokens.until("WHEN")
    branches = []
    while tokens.take("WHEN"):
        text = tokens.until("THEN")
        tokens.expect("THEN")
        condition = expression(f"({subject}) IN ({text})" if subject else text)
        branches.append((condition, _statements(tokens, "WHEN", "ELSE", "END")))
    otherwise = _statements(tokens, "END") if tokens.take("ELSE") else None
    tokens.expect("END", "CASE")
    return Case(line, branches, otherwise)


def _body(tokens: Tokens, label: str) -> list[Statement]:
    tokens.expect("LOOP")
    found = _statements(tokens, "END")
    tokens.expect("END", "LOOP")
    _end_label(tokens, label)
    tokens.expect(";")
    return found


def _loop(tokens: Tokens, label: str) -> Statement:
    line = tokens.line()
    return Loop(line, _body(tokens, label), label)


def _while(tokens: Tokens, label: str) -> Statement:
    line = tokens.line()
    tokens.expect("WHILE")
    condition = expression(tokens.until("LOOP"))
    return Loop(line, _body(tokens, label), label, condition)


def _for(tokens: Tokens, label: str) -> Statement:
    line = tokens.line()
    tokens.expect("FOR")
    targets = statements.targets(tokens)
    tokens.expect("IN")
    if tokens.take("EXECUTE"):
        text = expression(tokens.until("LOOP"))
        return ForQuery(line, targets, text, _body(tokens, label), dynamic=True, label=label)
    if (tokens.peek(1) if tokens.peek() == "(" else tokens.peek()) in ("SELECT", "WITH"):
        return ForQuery(line, targets, query(tokens.until("LOOP")), _body(tokens, label), label=label)
    reverse = tokens.take("REVERSE")
    first, last = _range(tokens)
    if len(targets) != 1 or len(targets[0]) != 1:
        raise SqlFailed("42601", "a FOR loop over integers has one variable")
    return ForInteger(line, targets[0][0], first, last, _body(tokens, label), reverse, label)


def _range(tokens: Tokens) -> tuple[Query, Query]:
    begin = tokens.position()
    depth = 0
    while not (depth == 0 and tokens.peek() == "." and tokens.peek(1) == "."):
        if tokens.ended() or tokens.peek() == "LOOP":
            raise tokens.wrong()
        depth += {"(": 1, ")": -1}.get(tokens.peek(), 0)
        tokens.at += 1
    first = expression(tokens.text[begin : tokens.position()])
    tokens.expect(".", ".")
    return first, expression(tokens.until("LOOP"))


_CONDITIONS: dict[str, Callable[[Tokens], Statement]] = {"IF": _if, "CASE": _case}
_LOOPS: dict[str, Callable[[Tokens, str], Statement]] = {"LOOP": _loop, "WHILE": _while, "FOR": _for}
