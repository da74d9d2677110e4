"""What stands in FROM: tables, views, tables of external schemas, arrays in a SUPER, PIVOT, generate_series."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import relations as shared
from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.dialects.redshift import grammar
from lakemill.lakesql.dialects.redshift.functions import system
from lakemill.lakesql.dialects.redshift.model import External, Use, View
from lakemill.lakesql.dialects.scope import Field, Scope
from lakemill.lakesql.dialects.typed import Typed, failed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import BIGINT, INTEGER, SUPER, VARBYTE, VARCHAR, Type, of_hive, quoted

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler
    from lakemill.lakesql.dialects.redshift.dialect import Redshift

Found = tuple[str, list[Field]]
HIDDEN = {"$path": VARCHAR, "$size": BIGINT}


def table(c: "Compiler", dialect: "Redshift", node: exp.Table) -> Found:
    """Raises SqlFailed: 42P01 where there is none, 0A000 for a function that is none of tables."""
    if not isinstance(node.this, exp.Identifier):
        return _function(c, dialect, node)
    parts = tuple(p.name.lower() for p in node.parts)
    declared = shared.of_cte(c, node, parts[0]) if len(parts) == 1 else None
    return declared or _relation(c, dialect, node, parts)


def _relation(c: "Compiler", dialect: "Redshift", node: exp.Table, parts: tuple[str, ...]) -> Found:
    try:
        found = dialect.catalog.relation(parts)
    except SqlFailed as error:
        raise failed(error.code, error.message, node) from None
    name = parts[-1]
    qualifiers = (name, *reversed(found.parts[:-1] or parts[:-1]))
    if isinstance(found, View):
        return _view(c, dialect, node, found, qualifiers)
    if isinstance(found, External):
        return _external(c, dialect, node, found, qualifiers)
    use = Use(found, "read", through=dialect.through)
    dialect.uses.append(use)
    fields = [Field(col.name, col.type, quoted(col.name), used=_noting(use.columns, col.name)) for col in found.columns]
    return shared.aliased(c, node, found.sql, fields, qualifiers)


def _noting(used: list[str], column: str) -> Any:
    def note() -> None:
        if column not in used:
            used.append(column)

    return note


def _view(c: "Compiler", dialect: "Redshift", node: exp.Table, view: View, names: tuple[str, ...]) -> Found:
    key = ".".join(view.parts or names)
    if key in c.views or len(c.views) > shared.VIEWS_DEEP_MAX:
        raise failed("42P17", f'infinite recursion detected in rules for relation "{names[0]}"', node)
    dialect.uses.append(Use(view, "read", through=dialect.through))
    before = dialect.catalog, dialect.through
    dialect.catalog, dialect.through = view.catalog or dialect.catalog, view
    try:
        with c.within(ctes=[{}], views=[*c.views, key]):
            sql, columns = c.query(c, grammar.parse(view.sql), None)
    finally:
        dialect.catalog, dialect.through = before
    for field, name in zip(columns, view.columns or [], strict=False):
        field.name = name
    for field in columns:
        field.name = field.name or "?column?"
    return shared.aliased(c, node, f"({sql})", columns, names)


def of_catalog(hive: str) -> tuple[Type, str]:
    """The type that a column of the Glue catalog has here, and how its value is made: {0} is DuckDB's."""
    kind = of_hive(hive)
    if kind.name in {"array", "map", "row"}:
        return SUPER, "CAST(to_json({0}) AS JSON)"
    if kind.name == "tinyint":
        return Type("smallint"), "CAST({0} AS SMALLINT)"
    if kind.name in {"timestamp", "time"}:
        return Type(kind.name), "{0}"
    if kind.name == "varbinary":
        return VARBYTE, "{0}"
    return kind, "{0}"


def _external(c: "Compiler", dialect: "Redshift", node: exp.Table, found: External, names: tuple[str, ...]) -> Found:
    used: list[str] = []
    use = TableUse(found.database, found.name, f"scan_{len(dialect.external)}", used, [])
    dialect.external.append(use)
    dialect.uses.append(Use(found, "read", used, dialect.through))
    fields, made = [], {}
    for name, hive in found.columns:
        kind, made[name.lower()] = of_catalog(hive)
        fields.append(
            Field(name.lower(), kind, quoted(name.lower()), (), (use, name.lower()), used=_noting(used, name.lower()))
        )
    for name, kind in HIDDEN.items():
        fields.append(
            Field(
                name,
                kind,
                quoted("$file_size" if name == "$size" else name),
                hidden=True,
                used=_noting(used, "$file_size" if name == "$size" else name),
            )
        )
    sql, fields = shared.aliased(c, node, quoted(use.view), fields, names)
    for field, (_, form) in zip(fields, made.items(), strict=False):
        field.sql = form.format(field.sql)
    return sql, fields


def item(c: "Compiler", node: exp.Expr, visible: Scope) -> Found | None:
    """`FROM t, t.items AS i AT n`: the elements of an array in a column that stands before it.

    `UNPIVOT t.object AS value AT name`: the members of an object.
    """
    parts, alias, at, members = _navigation(node)
    known = {f.qualifiers[0] for f in visible.fields if f.qualifiers}
    if len(parts) < 2 or parts[0] not in known:
        return None
    found = visible.find(parts, node)
    if found is None or found[0].type != SUPER:
        return None
    value = found[0].take()
    for name in found[1]:
        value = Typed(f"json_extract({value.sql}, '$.\"{name}\"')", SUPER)
    name, ours = alias or parts[-1], c.name("u")
    if members:
        return _members(value, name, at, ours)
    made = f"CASE WHEN json_type({value.sql}) = 'ARRAY' THEN super_items({value.sql})"
    made += f" WHEN {value.sql} IS NOT NULL THEN [CAST({value.sql} AS JSON)] END"
    fields, numbered = [Field(name, SUPER, f"{ours}.e", (name,))], ""
    if at:
        numbered = f", unnest(range(len({made}))) AS i"
        fields.append(Field(at, BIGINT, f"{ours}.i", ()))
    return f"LATERAL (SELECT unnest({made}) AS e{numbered}) AS {ours}", fields


def _navigation(node: exp.Expr) -> tuple[list[str], str, str, bool]:
    """A dotted name, its alias and that of the index, and whether it is UNPIVOT."""
    alias = at = ""
    members = isinstance(node, exp.Pivot) and bool(node.args.get("unpivot")) and not node.expressions
    inner: Any = node.this if members else node
    if isinstance(inner, exp.AtIndex):
        at, inner = inner.expression.name.lower(), inner.this
    if isinstance(inner, exp.Alias):
        alias, inner = inner.alias.lower(), inner.this
    if isinstance(inner, exp.Unnest) and len(inner.expressions) == 1:
        alias = inner.alias.lower() or (inner.args["alias"].columns[0].name if inner.args.get("alias") else "")
        inner = inner.expressions[0]
    if isinstance(inner, exp.Table) and isinstance(inner.this, exp.Identifier):
        alias = alias or inner.alias.lower()
    elif not isinstance(inner, exp.Column):
        return [], "", "", False
    return [p.name.lower() for p in inner.parts], alias, at, members


def _members(value: Typed, name: str, at: str, ours: str) -> Found:
    keys = f"CASE WHEN json_type({value.sql}) = 'OBJECT' THEN json_keys({value.sql}) END"
    fields = [Field(name, SUPER, f"json_extract({value.sql}, '$.' || to_json({ours}.k))", (name,))]
    if at:
        fields.append(Field(at, VARCHAR, f"{ours}.k", ()))
    return f"LATERAL (SELECT unnest({keys}) AS k) AS {ours}", fields


def _function(c: "Compiler", dialect: "Redshift", node: exp.Table) -> Found:
    call = node.this
    name = call.name.lower() if isinstance(call, exp.Anonymous) else type(call).__name__.lower()
    if name in system.RULES and not call.expressions and name != "generate_series":
        value = c.expression(call)
        return shared.aliased(c, node, f"(SELECT {value.sql} AS c0)", [Field(name, value.type, "c0")], (name,))
    if name == "pg_get_late_binding_view_cols":
        return _relation(c, dialect, node, ("pg_catalog", name))
    if name != "generate_series":
        raise failed("0A000", f"function {name} in FROM is not supported", node)
    dialect.leader.append(name)
    values = [c.expression(e) for e in call.expressions]
    if len(values) not in {2, 3} or any(c.dialect.cost(v.type, BIGINT) is None for v in values):
        shown = ", ".join(c.dialect.shown(v.type) for v in values)
        raise failed("42883", f"function generate_series({shown}) does not exist", node)
    kind = BIGINT if any(v.type == BIGINT for v in values) else INTEGER
    inside = ", ".join(c.dialect.coerce(v, kind).sql for v in values)
    made = f"(SELECT CAST(g AS {kind.duckdb()}) AS c0 FROM generate_series({inside}) AS t(g))"
    alias = node.args.get("alias")
    column = alias.name.lower() if alias and alias.name and not alias.columns else "generate_series"
    return shared.aliased(c, node, made, [Field(column, kind, "c0")], ("generate_series",))


def refuse_mixed(dialect: "Redshift") -> None:
    """What only the leader node has cannot be used with tables of the compute nodes."""
    tables = [u for u in dialect.uses if not isinstance(u.relation, View) and not getattr(u.relation, "leader", False)]
    if dialect.leader and tables:
        message = "Specified types or functions (one per INFO message) not supported on Redshift tables."
        raise SqlFailed("0A000", message, detail=f'Function "{dialect.leader[0]}" not supported.')
