"""Redshift's grammar by sqlglot, with function calls left as they were written, as in `dialects.grammar`."""

from functools import cache

from sqlglot import exp
from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from lakemill.lakesql.dialects import grammar
from lakemill.lakesql.dialects.redshift import refusals, scanner
from lakemill.lakesql.dialects.redshift.errors import reworded
from lakemill.lakesql.errors import SqlFailed

# Calls with a syntax of their own, and words before a parenthesis that are no calls.
_OWN_SYNTAX = {"cast", "convert", "extract", "trim", "position", "substring", "overlay"}
_NO_CALLS = {
    *("values", "in", "any", "all", "some", "exists", "as", "using", "on", "and", "or", "not", "over", "by", "group"),
    *("rollup", "cube", "sets", "where", "having", "when", "then", "else", "case", "between", "limit"),
    *("top", "from", "join", "select", "union", "except", "intersect", "minus", "pivot", "unpivot", "for", "with"),
    *("varchar", "char", "nvarchar", "nchar", "character", "bpchar", "varying", "decimal", "numeric", "float", "time"),
    *("timestamp", "varbyte", "varbinary", "set", "into", "offset", "interval", "distinct", "filter", "within", "like"),
    *(
        "exclude",
        "ilike",
        "similar",
        "to",
        "escape",
        "is",
        "return",
        "insert",
        "default",
        "bit",
        "fetch",
        "lateral",
        "qualify",
    ),
}
_RESERVED = {
    *("ALL", "AND", "ANY", "AS", "ASC", "BETWEEN", "BOTH", "CASE", "CAST", "CHECK", "COLLATE", "COLUMN", "CONSTRAINT"),
    *("CREATE", "CROSS", "DEFAULT", "DESC", "DISTINCT", "ELSE", "END", "EXCEPT", "FALSE", "FOR", "FROM", "FULL"),
    *("GRANT", "GROUP", "HAVING", "IN", "INNER", "INTERSECT", "INTO", "IS", "JOIN", "LEADING", "LEFT", "LIKE", "LIMIT"),
    *("MINUS", "NATURAL", "NOT", "NULL", "OFFSET", "ON", "OR", "ORDER", "OUTER", "RIGHT", "SELECT", "SOME", "TABLE"),
    *("THEN", "TO", "TOP", "TRAILING", "TRUE", "UNION", "UNIQUE", "USING", "WHEN", "WHERE", "WITH"),
}


# A statement that ends with one of these lacks something.
_ENDS_EARLY = {*_RESERVED, "WHERE", "SET", "BY", "VALUES", "(", ",", "=", "+", "-", "*", "/"} - {
    "NULL",
    "TRUE",
    "FALSE",
    "END",
}
# Stands for the sign of `$1`: a letter of no statement's names.
_PARAMETER = "\u02ac"


def tokenize(text: str) -> list[Token]:
    """Raises SqlFailed(42601) where a quote does not end."""
    known = list(scanner.words(text))
    # Between two of `$1` sqlglot would see a string in dollar quotes.
    shown = list(text)
    for parameter in known:
        if parameter.kind == "parameter":
            shown[parameter.start] = _PARAMETER
    try:
        found = list(Redshift().tokenize("".join(shown)))
    except TokenError:
        raise syntax_error(text, known[-1].start if known else None) from None
    written = {w.start: w for w in known if w.kind == "string"}
    made = []
    for token in found:
        word = written.get(token.start)
        if word is not None and token.token_type not in {TokenType.IDENTIFIER}:
            token = Token(
                TokenType.STRING, scanner.unquoted(word.text), token.line, token.col, token.start, token.end, []
            )
        made.append(token)
    return made


def parse(text: str) -> exp.Expr:
    """The tree of one statement, names in lower case. Raises SqlFailed(42601) with a position."""
    found = tokenize(text)
    _check(found, text)
    try:
        trees = Redshift().parser().parse(_marked(_bracketed(_without_schema(found))), text)
    except ParseError as error:
        raise _in_redshifts_words(error, found, text) from None
    except RecursionError:
        raise SqlFailed("54001", "stack depth limit exceeded") from None
    if len(trees) != 1 or trees[0] is None:
        raise syntax_error(text, None)
    tree = trees[0]
    grammar.finished(tree, text)
    for column in list(tree.find_all(exp.Column)):
        if column.name.startswith(_PARAMETER) and len(column.parts) == 1:
            mark = exp.Parameter(this=exp.Literal.number(column.name[1:]))
            mark.meta.update(column.this.meta)
            column.replace(mark)
    for nulls in list(tree.find_all(exp.IgnoreNulls, exp.RespectNulls)):
        call = nulls.parent
        if isinstance(call, exp.Anonymous):
            # FIRST_VALUE(x IGNORE NULLS) is FIRST_VALUE(x) IGNORE NULLS.
            nulls.replace(nulls.this)
            call.replace(type(nulls)(this=call.copy()))
    for identifier in tree.find_all(exp.Identifier):
        identifier.set("this", identifier.this.lower())
    try:
        refusals.check(tree)
    except SqlFailed as error:
        raise reworded(error, text) from None
    return tree


def syntax_error(text: str, start: int | None) -> SqlFailed:
    """start: where the word begins at which it fails; None at the end."""
    if start is None or start >= len(text):
        return SqlFailed("42601", "syntax error at end of input", position=len(text) + 1)
    word = next((w for w in scanner.words(text) if w.start == start), None)
    shown = word.text if word else text[start : start + 1]
    return SqlFailed("42601", f'syntax error at or near "{shown}"', position=start + 1)


@cache
def _callable_words() -> frozenset[str]:
    """Functions whose names may be keywords of sqlglot's."""
    from lakemill.lakesql.dialects.redshift.functions import families

    made = families()
    known = {*made["table"], *made["rules"], *made["aggregates"], *made["windows"], *made["refused"]}
    return frozenset(known - _NO_CALLS - _OWN_SYNTAX)


def _without_schema(found: list[Token]) -> list[Token]:
    """Functions and types are all in pg_catalog, which may stand before them."""
    made: list[Token] = []
    for i, token in enumerate(found):
        schema = found[i - 1] if i and token.token_type == TokenType.DOT else token
        at = i - 1 if schema is not token else i
        if schema.text.lower() == "pg_catalog" and at + 1 < len(found) and found[at + 1].token_type == TokenType.DOT:
            before = found[at - 1] if at else None
            cast = before is not None and before.token_type == TokenType.DCOLON
            call = at + 3 < len(found) and found[at + 3].token_type == TokenType.L_PAREN
            if cast or (call and (before is None or before.text.upper() != "INTO")):
                continue
        made.append(token)
    return made


_TYPED = {"DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIME", "TIMETZ", "INTERVAL"}


def _bracketed(found: list[Token]) -> list[Token]:
    """DATE '2020-01-31'::VARCHAR casts the date; sqlglot would cast the string."""
    made: list[Token] = []
    for i, token in enumerate(found):
        literal = i > 0 and token.token_type == TokenType.STRING and found[i - 1].text.upper() in _TYPED
        if literal and i + 1 < len(found) and found[i + 1].token_type == TokenType.DCOLON:
            word = made.pop()
            made += [
                grammar.signed(word, TokenType.L_PAREN, "("),
                word,
                token,
                grammar.signed(token, TokenType.R_PAREN, ")"),
            ]
            continue
        made.append(token)
    return made


def _marked(found: list[Token]) -> list[Token]:
    marked: list[Token] = []
    for i, token in enumerate(found):
        after = found[i + 1].token_type if i + 1 < len(found) else None
        word = token.text.lower()
        plain = token.token_type not in {TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER}
        # The rest of APPROXIMATE COUNT(DISTINCT x) means the same and more.
        if plain and word == "approximate" and i + 2 < len(found) and found[i + 2].token_type == TokenType.L_PAREN:
            continue
        calls = token.token_type == TokenType.VAR or word in _callable_words()
        cast = i > 0 and found[i - 1].token_type == TokenType.DCOLON
        named = i > 0 and found[i - 1].text.upper() in {"INTO", "TABLE", "UPDATE", "JOIN", "ALIAS"}
        if (
            after == TokenType.L_PAREN
            and plain
            and calls
            and not cast
            and not named
            and word not in _NO_CALLS | _OWN_SYNTAX
            and not _declares(found, i)
        ):
            token = grammar.renamed(token, grammar.MARK + token.text)
        marked.append(token)
    return marked


def _declares(found: list[Token], at: int) -> bool:
    """Whether `name (` gives names to columns: WITH name (a, b) AS, and FROM x AS name (a, b)."""
    before = found[at - 1] if at else None
    if before is not None and before.text.upper() == "APPROXIMATE":
        return False
    depth, i = 0, at + 1
    while i < len(found):
        depth += (found[i].token_type == TokenType.L_PAREN) - (found[i].token_type == TokenType.R_PAREN)
        if depth == 0:
            break
        i += 1
    as_query = (
        i + 2 < len(found)
        and found[i + 1].token_type == TokenType.ALIAS
        and found[i + 2].token_type == TokenType.L_PAREN
        and before is not None
        and (before.token_type == TokenType.COMMA or before.text.upper() in {"WITH", "RECURSIVE"})
    )
    aliased = before is not None and (
        before.token_type == TokenType.R_PAREN
        or (before.token_type == TokenType.ALIAS and found[at + 2].token_type not in {TokenType.SELECT})
        or (before.token_type in {TokenType.VAR, TokenType.IDENTIFIER} and before.text.upper() not in _RESERVED)
    )
    return as_query or aliased


_NO_NAMES = {"WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "FROM", "ON", "UNION", "SELECT", "AND", "OR"}
_BEFORE_A_LIST = {"SELECT", "DISTINCT", "FROM", "BY", "SET", "VALUES", "WHERE", "ON", "HAVING", "WITH", "AND", "OR"}
_BEHIND_A_LIST = {"FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "EXCEPT", "MINUS", "QUALIFY"}
_PAIRS = {TokenType.R_PAREN: TokenType.L_PAREN, TokenType.R_BRACKET: TokenType.L_BRACKET}


def _check(found: list[Token], text: str) -> None:
    """What sqlglot would pass over: brackets, commas, reserved words as names."""
    depth: list[TokenType] = []
    for i, token in enumerate(found):
        before = found[i - 1] if i else None
        word = token.text.upper() if _plain(token) else ""
        if token.token_type in _PAIRS.values():
            depth.append(token.token_type)
        elif token.token_type in _PAIRS and (not depth or depth.pop() != _PAIRS[token.token_type]):
            raise syntax_error(text, token.start)
        if before is None:
            continue
        kind, last = before.token_type, before.text.upper() if _plain(before) else ""
        if (
            word in {"`", "{", "}", "?"}
            or (kind in {TokenType.FROM, TokenType.JOIN} and word in _NO_NAMES)
            or (kind == TokenType.ALIAS and word in _RESERVED - {"SELECT", "WITH"})
            or (token.token_type == TokenType.COMMA and (last in _BEFORE_A_LIST or last in {",", "("}))
            or (kind == TokenType.COMMA and (word in _BEHIND_A_LIST or word == ")"))
        ):
            raise syntax_error(text, token.start)
    if depth or (found and found[-1].token_type == TokenType.COMMA):
        raise syntax_error(text, None)


def _plain(token: Token) -> bool:
    return token.token_type not in {TokenType.IDENTIFIER, TokenType.STRING}


def _in_redshifts_words(error: ParseError, found: list[Token], text: str) -> SqlFailed:
    told = error.errors[0] if error.errors else {}
    line, ends, highlight = told.get("line"), told.get("col"), told.get("highlight") or ""
    for token in found:
        if (
            token.line == line
            and token.col == ends
            and (not highlight or token.text in highlight or highlight in text[token.start : token.end + 1])
        ):
            if token is found[-1] and (
                "Expected" in told.get("description", "Expected") or token.text.upper() in _ENDS_EARLY
            ):
                break
            return syntax_error(text, token.start)
    return syntax_error(text, None)
