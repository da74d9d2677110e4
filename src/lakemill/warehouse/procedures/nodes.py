"""What a body in PL/pgSQL consists of. Each statement knows its line, from 1."""

from dataclasses import dataclass, field

Name = tuple[str, ...]
"""A variable, or a record and one of its fields."""
LEVELS = {"DEBUG": 10, "LOG": 20, "INFO": 30, "NOTICE": 40, "WARNING": 50, "EXCEPTION": 60}
"""Of RAISE, as SVL_STORED_PROC_MESSAGES counts them."""


@dataclass(eq=False)
class Query:
    """A text in SQL, which may name variables. Of an expression: `SELECT expression`."""

    text: str


@dataclass
class Declaration:
    """A variable. kind: its type as it is written, `record` and `refcursor` among them."""

    name: str
    kind: str
    line: int
    constant: bool = False
    not_null: bool = False
    default: Query | None = None
    cursor: "BoundCursor | None" = None
    alias: str = ""
    """Another variable, or `$1`, that this is another name of."""


@dataclass
class BoundCursor:
    """A cursor that is declared with its query. arguments: names and types."""

    query: Query
    arguments: list[tuple[str, str]]


@dataclass
class Statement:
    line: int


@dataclass
class Block(Statement):
    body: list[Statement]
    label: str = ""
    declarations: list[Declaration] = field(default_factory=list)
    handler: list[Statement] | None = None
    goes_on: bool = False
    """Whether the block goes on behind the statement that has failed, once the handler has ended."""


@dataclass
class Assign(Statement):
    target: Name
    value: Query


@dataclass
class If(Statement):
    branches: list[tuple[Query, list[Statement]]]
    otherwise: list[Statement]


@dataclass
class Case(Statement):
    """branches: conditions; otherwise: None where there is no ELSE, and it fails if none holds."""

    branches: list[tuple[Query, list[Statement]]]
    otherwise: list[Statement] | None


@dataclass
class Loop(Statement):
    """LOOP, and WHILE with a condition."""

    body: list[Statement]
    label: str = ""
    condition: Query | None = None


@dataclass
class ForInteger(Statement):
    variable: str
    first: Query
    last: Query
    body: list[Statement]
    reverse: bool = False
    label: str = ""


@dataclass
class ForQuery(Statement):
    """dynamic: the query is an expression that gives the text of one."""

    targets: list[Name]
    query: Query
    body: list[Statement]
    dynamic: bool = False
    label: str = ""


@dataclass
class Leave(Statement):
    """EXIT, and CONTINUE."""

    again: bool
    label: str = ""
    condition: Query | None = None


@dataclass
class Return(Statement):
    pass


@dataclass
class Nothing(Statement):
    pass


@dataclass
class Raise(Statement):
    """level: one of LEVELS; empty for the error that is handled, again."""

    level: str = ""
    format: str = ""
    values: list[Query] = field(default_factory=list)


@dataclass
class Sql(Statement):
    """A statement of SQL, and PERFORM. into: variables that get the row."""

    query: Query
    into: list[Name] = field(default_factory=list)


@dataclass
class Execute(Statement):
    text: Query
    into: list[Name] = field(default_factory=list)


@dataclass
class Call(Statement):
    name: Name
    values: list[Query]


@dataclass
class Open(Statement):
    """query: of a cursor without one of its own; values: for a cursor with arguments."""

    cursor: str
    query: Query | None = None
    dynamic: bool = False
    values: list[Query] = field(default_factory=list)


@dataclass
class Fetch(Statement):
    cursor: str
    into: list[Name]


@dataclass
class Close(Statement):
    cursor: str


@dataclass
class Diagnostics(Statement):
    """GET DIAGNOSTICS variable := ROW_COUNT"""

    targets: list[Name]


@dataclass
class Transaction(Statement):
    """word: COMMIT, ROLLBACK or START."""

    word: str
