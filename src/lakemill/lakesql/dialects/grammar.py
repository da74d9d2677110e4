"""Trino's grammar by sqlglot, with function calls left as they were written.

sqlglot replaces functions that it knows by nodes of its own, and with them their names, argument counts and places.
Here a call stays a call (`exp.Anonymous`): names are marked before parsing and the marks are taken off afterwards.
"""

import bisect
import re
from functools import cache
from itertools import pairwise
from typing import Any

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from lakemill.lakesql.errors import SqlFailed

MARK = "fn$"
SUBSCRIPT = "subscript"
# Calls whose arguments have a syntax of their own; and words that a parenthesis follows without being calls.
_OWN_SYNTAX = {"cast", "try_cast", "extract", "trim", "position", "bernoulli", "system", "group", "substring"}
_NOT_TRINO_SIGNS = {
    "::",
    ":",
    "~",
    "//",
    "**",
    "->>",
    "{",
    "}",
    "#",
    "^",
    "&",
    "|",
    "<=>",
    "==",
    ":=",
    "@",
    "!",
    "<<",
    ">>",
}
_NOT_TRINO_TYPES = {"float", "string", "text", "int64", "number", "long"}
# What Trino's grammar does not let stand for a name without quotes.
_RESERVED = {
    *[
        "ALTER",
        "AND",
        "AS",
        "BETWEEN",
        "BY",
        "CASE",
        "CAST",
        "CONSTRAINT",
        "CREATE",
        "CROSS",
        "CUBE",
        "DELETE",
        "DESCRIBE",
        "DISTINCT",
        "DROP",
        "ELSE",
        "END",
    ],
    *[
        "ESCAPE",
        "EXCEPT",
        "EXECUTE",
        "EXISTS",
        "EXTRACT",
        "FALSE",
        "FOR",
        "FROM",
        "FULL",
        "GROUP",
        "GROUPING",
        "HAVING",
        "IN",
        "INNER",
        "INSERT",
        "INTERSECT",
    ],
    *[
        "INTO",
        "IS",
        "JOIN",
        "LEFT",
        "LIKE",
        "NATURAL",
        "NOT",
        "NULL",
        "ON",
        "OR",
        "ORDER",
        "OUTER",
        "PREPARE",
        "RECURSIVE",
        "RIGHT",
        "ROLLUP",
        "SELECT",
        "SKIP",
    ],
    *["TABLE", "THEN", "TRUE", "UESCAPE", "UNION", "UNNEST", "USING", "VALUES", "WHEN", "WHERE", "WITH"],
}


# After these words at the beginning, sqlglot takes the rest of a statement for one text.
_COMMAND = re.compile(
    r"((?:\s|--[^\n]*\n|/\*.*?\*/)*)(EXPLAIN|ANALYZE|VERBOSE|PREPARE|EXECUTE|DEALLOCATE)\b", re.I | re.S
)


def tokenize(text: str) -> list[Token]:
    """Raises SqlFailed where a quote does not end."""
    command = _COMMAND.match(text)
    if command:
        first = Token(TokenType.VAR, command[2], 1, 1, command.start(2), command.end(2) - 1, [])
        return [first, *tokenize(re.sub(r"[^\n]", " ", command[0]) + text[command.end() :])]
    try:
        return list(Trino().tokenize(text))
    except TokenError:
        line, column = text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1
        raise SqlFailed("SYNTAX_ERROR", "mismatched input '<EOF>'", line, column) from None


def place(token: Token, text: str) -> tuple[int, int]:
    """Line and column of a token, both from 1."""
    return text.count("\n", 0, token.start) + 1, token.start - text.rfind("\n", 0, token.start)


def parse(text: str) -> exp.Expr:
    """The tree of one statement. Raises SqlFailed(SYNTAX_ERROR) in Trino's words."""
    found = tokenize(text)
    _check_brackets(found, text)
    _check_words(found, text)
    try:
        trees = Trino().parser().parse(_marked(found, text), text)
    except ParseError as error:
        raise _in_trinos_words(error, found, text) from None
    except RecursionError:
        raise SqlFailed("STACK_OVERFLOW", "statement is too large (stack overflow during analysis)") from None
    if len(trees) != 1 or trees[0] is None:
        extra = next((t for t in found if t.token_type == TokenType.SEMICOLON), None)
        if extra is None:
            raise SqlFailed("SYNTAX_ERROR", "mismatched input '<EOF>'", 1, 1)
        raise SqlFailed("SYNTAX_ERROR", "Only one sql statement is allowed", *place(extra, text))
    tree = trees[0]
    finished(tree, text)
    place_casts(tree, found, text)
    for node in list(tree.find_all(exp.Bracket)):
        inner = node.expressions[0]
        if isinstance(inner, exp.Anonymous) and inner.name == SUBSCRIPT:
            node.set("expressions", inner.expressions)
    return tree


def finished(tree: exp.Expr, text: str) -> None:
    """Note the place of every node that has one, and take the marks off."""
    # Where lines begin, so that a place costs no search through the text.
    lines = [0, *(m.end() for m in re.finditer("\n", text))]
    for node in tree.walk():
        start = node.meta.get("start")
        if start is not None:
            line = bisect.bisect_right(lines, start)
            node.meta["place"] = (line, start - lines[line - 1] + 1)
        if isinstance(node, exp.Identifier | exp.Var | exp.Anonymous) and str(node.this).startswith(MARK):
            node.set("this", node.this[len(MARK) :])


@cache
def _callable_words() -> set[str]:
    """Functions whose names may be keywords of sqlglot's."""
    from lakemill.lakesql.dialects.functions import registry

    return registry.names() - {"map"}


def _subscribable(token: Token) -> bool:
    """Whether what ends with this token can have a subscript."""
    if token.token_type in {TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER}:
        return True
    return token.text in {")", "]"} or (token.text.isidentifier() and token.text.upper() not in _RESERVED)


def _marked(found: list[Token], text: str) -> list[Token]:
    """Calls with their marks, and subscripts inside of calls: sqlglot would count from 0 in those it understands."""
    marked: list[Token] = []
    open_brackets: list[bool] = []
    for i, token in enumerate(found):
        if token.token_type == TokenType.L_BRACKET:
            subscript = i > 0 and found[i - 1].token_type != TokenType.ARRAY
            if subscript and not _subscribable(found[i - 1]):
                raise SqlFailed("SYNTAX_ERROR", "mismatched input '['. Expecting: <expression>", *place(token, text))
            open_brackets.append(subscript)
            marked.append(token)
            if subscript:
                marked += [renamed(token, MARK + SUBSCRIPT), signed(token, TokenType.L_PAREN, "(")]
            continue
        if token.token_type == TokenType.R_BRACKET and open_brackets and open_brackets.pop():
            marked.append(signed(token, TokenType.R_PAREN, ")"))
        after = found[i + 1].token_type if i + 1 < len(found) else None
        word = token.text.lower()
        calls = token.token_type == TokenType.VAR or (
            word in _callable_words() and token.token_type not in {TokenType.IDENTIFIER, TokenType.STRING}
        )
        if after == TokenType.L_PAREN and calls and word not in _OWN_SYNTAX and not _is_clause(found, i, word):
            token = renamed(token, MARK + token.text)
        elif (
            word in _NOT_TRINO_TYPES
            and i > 0
            and found[i - 1].token_type == TokenType.ALIAS
            and after == TokenType.R_PAREN
        ):
            raise SqlFailed("TYPE_NOT_FOUND", f"Unknown type: {word}")
        elif word in _NOT_TRINO_TYPES and token.token_type not in {TokenType.IDENTIFIER, TokenType.STRING}:
            token = renamed(token, MARK + token.text)
        marked.append(token)
    return marked


def _is_clause(found: list[Token], at: int, word: str) -> bool:
    """Whether FILTER (WHERE ...), LEFT (JOIN) and the like, rather than a call of that name."""
    if word == "filter":
        return at + 2 < len(found) and found[at + 2].token_type == TokenType.WHERE
    return word == "date" and at > 0 and found[at - 1].token_type == TokenType.ALIAS


def place_casts(tree: exp.Expr, found: list[Token], text: str) -> None:
    """Where CAST, and the word before a literal such as DATE '2020-01-31', stand: sqlglot does not tell."""
    numbers = {token.start: i for i, token in enumerate(found)}
    taken: set[int] = set()
    # The innermost come first, and each takes the nearest CAST before it.
    for node in reversed(list(tree.find_all(exp.Cast))):
        starts = [n.meta["start"] for n in node.this.walk() if "start" in n.meta]
        at = numbers.get(min(starts)) if starts else None
        if at is None or at == 0:
            continue
        word = at - 1
        if not isinstance(node.this, exp.Literal) or found[word].token_type == TokenType.L_PAREN:
            while word > 0 and (word in taken or found[word].text.upper() not in {"CAST", "TRY_CAST"}):
                word -= 1
            taken.add(word)
        node.meta["start"] = found[word].start
        node.meta["place"] = place(found[word], text)


def signed(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end, [])


def renamed(token: Token, text: str) -> Token:
    return Token(TokenType.VAR, text, token.line, token.col, token.start, token.end, token.comments)


def _check_brackets(found: list[Token], text: str) -> None:
    pairs = {TokenType.R_PAREN: TokenType.L_PAREN, TokenType.R_BRACKET: TokenType.L_BRACKET}
    open_ones: list[Any] = []
    for token in found:
        if text[token.start] == "`":
            message = "backquoted identifiers are not supported; use double quotes to quote identifiers"
            raise SqlFailed("SYNTAX_ERROR", message, *place(token, text))
        if token.token_type in pairs.values():
            open_ones.append(token.token_type)
        elif token.token_type in pairs:
            if not open_ones or open_ones.pop() != pairs[token.token_type]:
                line, column = place(token, text)
                raise SqlFailed("SYNTAX_ERROR", f"mismatched input '{token.text}'", line, column)
        elif token.token_type == TokenType.PARAMETER or (token.text in _NOT_TRINO_SIGNS and _is_sign(token, text)):
            raise SqlFailed("SYNTAX_ERROR", f"mismatched input '{token.text}'", *place(token, text))


def _is_sign(token: Token, text: str) -> bool:
    return text[token.start] not in "'\""


def _check_words(found: list[Token], text: str) -> None:
    """Reserved words as aliases, which sqlglot would let pass."""
    for before, token in pairwise(found):
        if (
            before.token_type in {TokenType.FROM, TokenType.JOIN}
            and token.token_type == TokenType.STRING
            and not _in_call(found, before)
        ):
            raise SqlFailed("SYNTAX_ERROR", f"mismatched input '{token.text}'", *place(token, text))
        if (
            before.token_type == TokenType.ALIAS
            and token.token_type != TokenType.IDENTIFIER
            and token.text.upper() in _RESERVED - {"SELECT", "VALUES", "WITH", "TABLE"}
        ):
            raise SqlFailed(
                "SYNTAX_ERROR", f"mismatched input '{token.text}'. Expecting: <identifier>", *place(token, text)
            )


def _in_call(found: list[Token], token: Token) -> bool:
    """Whether FROM is that of TRIM('x' FROM 'y') or EXTRACT(... FROM ...)."""
    depth = 0
    for before in reversed(found[: found.index(token)]):
        depth += (before.token_type == TokenType.R_PAREN) - (before.token_type == TokenType.L_PAREN)
        if depth < 0:
            return True
        if depth == 0 and before.token_type == TokenType.SELECT:
            return False
    return False


def _in_trinos_words(error: ParseError, found: list[Token], text: str) -> SqlFailed:
    told = error.errors[0] if error.errors else {}
    highlight = told.get("highlight") or ""
    at = re.search(r"Line (\d+), Col: (\d+)", str(error))
    if not found or not at:
        return SqlFailed("SYNTAX_ERROR", "mismatched input '<EOF>'", 1, 1)
    line, ends = int(at[1]), int(at[2])
    for token in found:
        row, column = place(token, text)
        if (
            row == line
            and column <= ends <= column + max(token.end - token.start, 0) + 1
            and (not highlight or token.text == highlight or highlight in text[token.start : token.end + 1])
        ):
            # Where sqlglot points at the last token, the input ended too early.
            if token is found[-1] and "Expected" in told.get("description", "Expected"):
                break
            return SqlFailed("SYNTAX_ERROR", f"mismatched input '{text[token.start : token.end + 1]}'", row, column)
    last = found[-1]
    row, column = place(last, text)
    return SqlFailed("SYNTAX_ERROR", "mismatched input '<EOF>'", row, column + last.end - last.start + 1)
