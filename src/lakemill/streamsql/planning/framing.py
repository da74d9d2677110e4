"""How large a window is: the frames behind OVER, in WINDOW clauses, and of streams in joins."""

from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.expressions import name_of, position, refuse_others
from lakemill.streamsql.intervals import interval
from lakemill.streamsql.sqltypes import DURATION
from lakemill.streamsql.statements import fold, parse_query
from lakemill.streamsql.tokens import place, rewrite


@dataclass(frozen=True)
class Frame:
    """`duration` ms before the current row, or `rows` rows; and what the window is partitioned by."""

    duration: int | None
    rows: int | None
    partition: tuple[exp.Expr, ...]


def frame_of(window: exp.Window, select: exp.Select) -> Frame:
    """The frame of a function's OVER, by name or in place."""
    named = window.args.get("alias")
    if named is not None:
        window = _named(name_of(named), select, position(named))
    return _frame(window)


def _named(name: str, select: exp.Select, where: tuple[int, int]) -> exp.Window:
    for window in select.args.get("windows") or []:
        if name_of(window.this) == name:
            return window
    raise SqlError(f"There is no window {name}; define it behind WINDOW", *where)


def _frame(window: exp.Window) -> Frame:
    where = position(window)
    refuse_others(window, ("this", "partition_by", "order", "spec", "over", "alias"))
    if window.args.get("order") is not None:
        raise SqlError("A window of a stream is in the order of ROWTIME; ORDER BY is not possible in it", *where)
    spec = window.args.get("spec")
    if spec is None:
        raise SqlError("A window needs an end: RANGE INTERVAL ... PRECEDING or ROWS n PRECEDING", *where)
    refuse_others(spec, ("kind", "start", "start_side", "end", "end_side"))
    end = spec.args.get("end")
    if end is not None and not _is_current(end):
        raise SqlError("A window ends with the current row", *where)
    start, side = spec.args.get("start"), str(spec.args.get("start_side")).upper()
    partition = tuple(window.args.get("partition_by") or ())
    by_rows = str(spec.args.get("kind")).upper() == "ROWS"
    if _is_current(start):
        return Frame(None, 0, partition) if by_rows else Frame(1, None, partition)
    if side != "PRECEDING" or not isinstance(start, exp.Expr):
        raise SqlError("A window without an end is not possible on a stream, nor one that looks ahead", *where)
    if by_rows:
        if not isinstance(start, exp.Literal) or start.is_string or not start.this.isdigit():
            raise SqlError("ROWS takes a whole number", *where)
        return Frame(None, int(start.this), partition)
    return Frame(duration_of(start), None, partition)


def _is_current(part: object) -> bool:
    return str(part).upper() == "CURRENT ROW"


def duration_of(node: exp.Expr) -> int:
    """The length of an interval literal in ms; SqlError if it is none, or not positive."""
    try:
        if not isinstance(node, exp.Interval):
            raise ValueError("RANGE takes an interval like INTERVAL '1' MINUTE")
        expr = interval(node)
        if expr.kind != DURATION:
            raise ValueError("A window is measured in days, hours, minutes or seconds")
        duration = round(expr.value().total_seconds() * 1000)
        if duration < 1:
            raise ValueError("A window has a positive length")
    except ValueError as error:
        raise SqlError(str(error), *position(node)) from error
    return duration


def stream_window(tokens: list[Token], select: exp.Select) -> int:
    """The length in ms of a stream's window in a join: tokens are OVER and a name, or OVER and a frame."""
    over, *inside = tokens
    if len(inside) == 1 and inside[0].token_type in (TokenType.VAR, TokenType.IDENTIFIER):
        frame = _frame(_named(fold(inside[0]), select, place(inside[0])))
    else:
        frame = _parsed(over, inside)
    if frame.partition:
        raise SqlError("The window of a stream in a join cannot be partitioned", *place(over))
    if frame.duration is None:
        raise SqlError("The window of a stream in a join is one of time: RANGE INTERVAL ... PRECEDING", *place(over))
    return frame.duration


def _parsed(over: Token, inside: list[Token]) -> Frame:
    """The frame of tokens that stand behind a stream: parsed as that of a function."""

    def like(kind: TokenType, text: str) -> Token:
        return Token(kind, text=text, line=over.line, col=over.col, start=over.start, end=over.end)

    call = [like(TokenType.SELECT, "SELECT"), like(TokenType.VAR, "$COUNT"), like(TokenType.L_PAREN, "(")]
    call += [like(TokenType.STAR, "*"), like(TokenType.R_PAREN, ")"), over, like(TokenType.L_PAREN, "(")]
    query = parse_query([*call, *rewrite(inside).tokens, like(TokenType.R_PAREN, ")")], "")
    return _frame(query.expressions[0])
