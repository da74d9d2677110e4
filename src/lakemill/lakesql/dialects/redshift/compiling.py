"""From a statement that was taken apart to DuckDB's."""

from functools import partial

from sqlglot import exp

from lakemill.lakesql.dialects.compiler import Compiler
from lakemill.lakesql.dialects.queries import query
from lakemill.lakesql.dialects.redshift import casts, grammar, inlining, relations, writing
from lakemill.lakesql.dialects.redshift.dialect import Redshift
from lakemill.lakesql.dialects.redshift.errors import reworded
from lakemill.lakesql.dialects.redshift.model import Catalog, Compiled, Function, Parameters, Parsed
from lakemill.lakesql.dialects.redshift.names import VARCHAR_MAX
from lakemill.lakesql.dialects.scope import Field, Scope
from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import VARCHAR, Type, quoted


def compile(
    parsed: Parsed, catalog: Catalog, parameters: Parameters | None = None, *, wide: bool = True
) -> Compiled:  # fmt: skip
    """Raises SqlFailed.

    wide: False for sums of products of decimals in 64 bits: DuckDB fails (`errors.too_narrow`) where one does not fit.
    """
    dialect = Redshift(catalog, parameters)
    try:
        compiled = _compiled(parsed, dialect, wide)
        relations.refuse_mixed(dialect)
    except RecursionError:
        raise SqlFailed("54001", "stack depth limit exceeded") from None
    except SqlFailed as error:
        raise reworded(error, parsed.text) from None
    numbers = range(1, max(dialect.types, default=0) + 1)
    compiled.parameters = [dialect.types.get(n, VARCHAR) for n in numbers]
    compiled.uses = dialect.uses
    compiled.external = dialect.external
    compiled.functions = dialect.functions
    if not wide:
        compiled.wider = partial(compile, parsed, catalog, parameters)
    return compiled


def _compiled(parsed: Parsed, dialect: Redshift, wide: bool = True) -> Compiled:
    compiler = Compiler(None, "", query, dialect)  # type: ignore[arg-type]
    compiler.wide = wide
    if parsed.kind == "explain":
        assert parsed.inner is not None
        inner = _compiled(parsed.inner, dialect)
        return Compiled([f"EXPLAIN {inner.sql}"], [("QUERY PLAN", VARCHAR)])
    if parsed.tree is None:
        raise grammar.syntax_error(parsed.text, len(parsed.text) - len(parsed.text.lstrip()))
    if parsed.kind in {"query", "ctas"}:
        sql, fields = query(compiler, parsed.tree, None)
        columns = [(f.name or "?column?", f.type) for f in fields]
        if parsed.kind == "ctas":
            return Compiled([_without_data(sql, parsed)], _of_table(fields, parsed))
        return Compiled([_padded(sql, fields)], columns)
    return writing.compiled(compiler, dialect, parsed)


def _padded(sql: str, fields: list[Field]) -> str:
    """CHAR(n) is shown with its blanks."""
    if not any(f.type.name == "char" and f.type.args for f in fields):
        return sql
    shown = [
        f"rpad({f.sql}, {f.type.args[0]}, ' ') AS {f.sql}" if f.type.name == "char" and f.type.args else f.sql
        for f in fields
    ]
    return f"SELECT {', '.join(shown)} FROM ({sql}) AS result"


def _of_table(fields: list[Field], parsed: Parsed) -> list[tuple[str, Type]]:
    """The columns of a table that is made of a query: a literal is as long as it is, other texts as long as can be."""
    names = [f.name or "?column?" for f in fields]
    for i, name in enumerate(parsed.columns or []):
        if i >= len(names):
            raise SqlFailed("42601", "CREATE TABLE/AS SELECT specifies too many column names")
        names[i] = name
    for i, name in enumerate(names):
        if name in names[:i]:
            raise SqlFailed("42701", f'column "{name}" specified more than once')
    return [(name, _kept(f)) for name, f in zip(names, fields, strict=True)]


def _kept(field: Field) -> Type:
    if field.type != VARCHAR:
        return field.type
    value = field.literal.value if field.literal else None
    return Type("varchar", (max(len(value.encode()), 1) if isinstance(value, str) else VARCHAR_MAX,))


def _without_data(sql: str, parsed: Parsed) -> str:
    if "no_data" in parsed.flags:
        return f"SELECT * FROM ({sql}) AS result WHERE false"
    return sql


def check_function(function: Function, catalog: Catalog) -> None:
    """Raises SqlFailed where the body of a function is no expression of its arguments, or of another type."""
    dialect = Redshift(catalog)
    compiler = Compiler(None, "", query, dialect)  # type: ignore[arg-type]
    values = [Typed(f"CAST(NULL AS {kind.duckdb()})", kind) for kind in function.arguments]
    try:
        inlining.body(compiler, function, values)
    except SqlFailed as error:
        raise reworded(error) from None


def expression(
    text: str, columns: list[tuple[str, Type]], catalog: Catalog, to: Type | None = None, column: str = ""
) -> Typed:
    """An expression by itself, for DEFAULT and the like, in which columns can be named by DuckDB's quoted names.

    to: it is assigned to a column of that type. Raises SqlFailed.
    """
    dialect = Redshift(catalog)
    compiler = Compiler(None, "", query, dialect)  # type: ignore[arg-type]
    compiler.scope = Scope([Field(name, kind, quoted(name)) for name, kind in columns])
    try:
        tree = grammar.parse(f"SELECT {text}")
        if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or tree.args.get("from_"):
            raise grammar.syntax_error(text, 0)
        made = compiler.expression(tree.expressions[0])
        return casts.assigned(made, to, column) if to is not None else dialect.output(made)
    except SqlFailed as error:
        raise reworded(error) from None
