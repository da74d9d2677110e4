"""Materialized views, what they read, and what became of their refreshes."""

from typing import Any

from lakemill.warehouse import refreshing
from lakemill.warehouse.system.views import Known, Listed, Rows, view

PG = "pg_catalog"
_RECOMPUTED = 0
"""The state of a view that is made anew in full when it is refreshed."""


def _views(known: Known) -> list[Listed]:
    return [one for one in known.own if one.relation.kind == "materialized" and known.visible(one)]


def _staleness(known: Known, one: Listed) -> str:
    """u: nobody can tell whether an external table has changed."""
    if one.relation.outside:
        return "u"
    return "t" if refreshing.stale(known.store, one.relation) else "f"


@view(
    PG,
    "svv_mv_info",
    "database_name:name schema_name:name user_name:name name:name is_stale:char state:int4 autorewrite:char "
    "autorefresh:char",
)
def svv_mv_info(known: Known) -> Rows:
    """Materialized views."""
    for one in _views(known):
        refreshes = "t" if one.relation.auto_refresh else "f"
        stale = _staleness(known, one)
        yield known.database, one.schema, one.relation.owner, one.name, stale, _RECOMPUTED, "f", refreshes


@view(
    PG,
    "stv_mv_info",
    "db_name:name schema:name name:name updated_upto_xid:int8 is_stale:char owner_user_name:name state:int4 "
    "autorewrite:char autorefresh:char",
)
def stv_mv_info(known: Known) -> Rows:
    """Materialized views."""
    for one in _views(known):
        held, refreshes = max(one.relation.changes.values(), default=0), "t" if one.relation.auto_refresh else "f"
        yield (
            *(known.database, one.schema, one.name, held, _staleness(known, one), one.relation.owner),
            *(_RECOMPUTED, "f", refreshes),
        )


@view(PG, "stv_mv_deps", "db_name:name schema:name name:name ref_schema:name ref_name:name ref_database_name:name")
def stv_mv_deps(known: Known) -> Rows:
    """Tables that materialized views read."""
    tables = {one.relation.oid: one for one in known.own}
    for one in _views(known):
        for oid in one.relation.depends:
            if oid in tables:
                read = tables[oid]
                yield known.database, one.schema, one.name, read.schema, read.name, known.database


def _refreshes(known: Known) -> list[tuple[Any, ...]]:
    return known.past(refreshing.TABLE, refreshing.COLUMNS, "starttime, oid")


@view(
    PG,
    "svl_mv_refresh_status",
    "db_name:name userid:int8 schema_name:name mv_name:name xid:int8 starttime:timestamp endtime:timestamp status "
    "refresh_type",
)
def svl_mv_refresh_status(known: Known) -> Rows:
    """Refreshes of materialized views."""
    for user, _, xid, database, schema, name, _, start, end, status, kind in _refreshes(known):
        yield database, user, schema, name, xid, start, end, status, kind


@view(
    PG,
    "sys_mv_refresh_history",
    "user_id:int4 session_id:int4 transaction_id:int8 database_name schema_name mv_id:int8 mv_name refresh_type "
    "status start_time:timestamp end_time:timestamp duration:int8",
)
def sys_mv_refresh_history(known: Known) -> Rows:
    """Refreshes of materialized views."""
    for user, pid, xid, database, schema, name, oid, start, end, status, kind in _refreshes(known):
        took = int((end - start).total_seconds() * 1_000_000)
        yield user, pid, xid, database, schema, oid, name, kind, status, start, end, took
