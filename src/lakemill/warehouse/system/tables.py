"""What Redshift tells of tables beside PostgreSQL: keys of distribution and order, sizes."""

from lakemill.lakesql.dialects.redshift import names as types
from lakemill.lakesql.types import quoted
from lakemill.warehouse.objects import TEMPORARY, Relation
from lakemill.warehouse.store import place
from lakemill.warehouse.system.views import Known, Rows, view

PG = "pg_catalog"
_BLOCK_BYTES = 1 << 20


@view(
    PG,
    "pg_tables",
    "schemaname:name tablename:name tableowner:name tablespace:name hasindexes:bool hasrules:bool hastriggers:bool",
)
def pg_tables(known: Known) -> Rows:
    """Tables."""
    for one in known.relations:
        if one.kind == "r":
            yield one.schema, one.name, one.relation.owner, None, False, False, bool(one.relation.foreign)


@view(PG, "pg_views", "schemaname:name viewname:name viewowner:name definition")
def pg_views(known: Known) -> Rows:
    """Views."""
    for one in known.relations:
        if one.kind == "v":
            yield one.schema, one.name, one.relation.owner, one.definition


@view(
    PG,
    "pg_table_def",
    "schemaname:name tablename:name column:name type encoding distkey:bool sortkey:int4 notnull:bool",
)
def pg_table_def(known: Known) -> Rows:
    """Columns of the tables in the schemas of the search path."""
    path = {*known.session.names.path(), known.temporary, "pg_catalog"}
    for one in known.relations:
        relation = one.relation
        if one.schema not in path or one.system or one.kind != "r":
            continue
        for column in relation.columns:
            order = relation.sort_key.index(column.name) + 1 if column.name in relation.sort_key else 0
            order = -order if relation.sort_style == "INTERLEAVED" and order % 2 == 0 else order
            yield (
                *(one.schema, one.name, column.name, types.shown(column.typed()), encoding(relation, column.name)),
                *(column.name == relation.distribution_key, order, column.not_null),
            )


def encoding(relation: Relation, name: str) -> str:
    """The encoding that a column was given, or what Redshift would take."""
    column = relation.column(name)
    if column is None or column.encode:
        return column.encode if column is not None and column.encode != "raw" else "none"
    if name in relation.sort_key or column.typed().name in ("boolean", "real", "double"):
        return "none"
    return "lzo" if column.typed().name in ("char", "varchar", "super", "varbyte") else "az64"


def distribution(relation: Relation) -> str:
    """As svv_table_info tells it: KEY(a), EVEN, ALL, AUTO(ALL)."""
    if relation.distribution == "KEY":
        return f"KEY({relation.distribution_key})"
    return "AUTO(ALL)" if relation.distribution == "AUTO" else relation.distribution


@view(
    PG,
    "svv_table_info",
    "database schema table_id:oid table encoded diststyle sortkey1 max_varchar:int4 sortkey1_enc sortkey_num:int4 "
    "size:int8 pct_used:numeric empty:int8 unsorted:numeric stats_off:numeric tbl_rows:numeric skew_sortkey1:numeric "
    "skew_rows:numeric estimated_visible_rows:numeric risk_event vacuum_sort_benefit:numeric create_time:timestamp",
)
def svv_table_info(known: Known) -> Rows:
    """Tables with rows, those of materialized views too."""
    import datetime

    for one in known.own:
        relation = one.relation
        if relation.kind == "view" or one.schema == TEMPORARY or not known.visible(one):
            continue
        rows = _count(known, one.schema, one.name)
        if not rows:
            continue
        first = relation.sort_key[0] if relation.sort_key else ""
        longest = max(
            (c.typed().args[0] for c in relation.columns if c.typed().name == "varchar" and c.typed().args), default=0
        )
        encoded = any(column.encode not in ("", "raw") for column in relation.columns)
        sorting = f"INTERLEAVED({first})" if first and relation.sort_style == "INTERLEAVED" else first
        yield (
            *(known.database, one.schema, relation.oid, one.name, "Y" if encoded else "Y, AUTO(ENCODE)"),
            *(distribution(relation), sorting or ("AUTO(SORTKEY)" if relation.sort_style == "AUTO" else None), longest),
            *(encoding(relation, first) if first else "", len(relation.sort_key), _blocks(known, one.schema, one.name)),
            *(None, 0, None, 0, rows, None, None, rows, None, None),
            datetime.datetime.fromisoformat(relation.created),
        )


def _count(known: Known, schema: str, name: str) -> int:
    where = f"{place(known.database, schema)}.{quoted(name)}"
    row = known.session.connection.execute(f"SELECT count(*) FROM {where}").fetchone()
    return row[0] if row else 0


def _blocks(known: Known, schema: str, name: str) -> int:
    """Its size in blocks of 1 MB, at least one for rows that are not in the file yet."""
    where = f"{place(known.database, schema)}.{quoted(name)}".replace("'", "''")
    row = known.session.connection.execute(
        f"SELECT count(DISTINCT block_id) FILTER (WHERE persistent) FROM pragma_storage_info('{where}')"
    ).fetchone()
    return max(1, -(-(row[0] if row else 0) * (256 << 10) // _BLOCK_BYTES))
