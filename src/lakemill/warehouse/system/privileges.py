"""Grants."""

from collections.abc import Iterator
from typing import Any

from lakemill.warehouse.system.views import Known, Rows, view

PG, INFORMATION = "pg_catalog", "information_schema"


def split(known: Known, rights: dict[str, list[str]]) -> Iterator[tuple[str, bool, int, str, str]]:
    """Right, whether it may be given on, number, name and kind of who has it."""
    for grantee, held in rights.items():
        kind, _, name = grantee.partition(":")
        numbers: dict[str, dict[str, Any]] = {"user": known.users, "group": known.groups, "role": known.roles}
        number = numbers[kind][name].id if name and name in numbers[kind] else 0
        for one in held:
            yield one.removesuffix("*"), one.endswith("*"), number, name or "public", kind


@view(
    PG,
    "svv_relation_privileges",
    "namespace_name relation_name privilege_type identity_id:int4 identity_name identity_type admin_option:bool",
)
def svv_relation_privileges(known: Known) -> Rows:
    """On tables and views."""
    for one in known.relations:
        if not one.system and known.visible(one):
            for right, option, number, name, kind in split(known, one.relation.rights):
                yield one.schema, one.name, right, number, name, kind, option


@view(
    PG,
    "svv_schema_privileges",
    "namespace_name privilege_type identity_id:int4 identity_name identity_type admin_option:bool",
)
def svv_schema_privileges(known: Known) -> Rows:
    """On schemas."""
    for schema, document in known.schemas.items():
        for right, option, number, name, kind in split(known, document.rights):
            yield schema, right, number, name, kind, option


@view(
    PG,
    "svv_database_privileges",
    "database_name privilege_type identity_id:int4 identity_name identity_type admin_option:bool",
)
def svv_database_privileges(known: Known) -> Rows:
    """On databases."""
    for database, document in known.databases.items():
        for right, option, number, name, kind in split(known, document.rights):
            yield database, right, number, name, kind, option


@view(
    PG,
    "svv_column_privileges",
    "namespace_name relation_name column_name privilege_type identity_id:int4 identity_name identity_type",
)
def svv_column_privileges(known: Known) -> Rows:
    """On single columns."""
    for one in known.relations:
        for grantee, columns in one.relation.columns_rights.items():
            for column, held in columns.items():
                for right, _, number, name, kind in split(known, {grantee: held}):
                    yield one.schema, one.name, column, right, number, name, kind


@view(
    INFORMATION,
    "table_privileges",
    "grantor grantee table_catalog table_schema table_name privilege_type is_grantable with_hierarchy",
)
def table_privileges(known: Known) -> Rows:
    """On tables and views, as the standard names it."""
    for one in known.relations:
        if not one.system and known.visible(one):
            for right, option, _, name, _ in split(known, one.relation.rights):
                yield (
                    *(one.relation.owner, name, known.database, one.schema, one.name, right),
                    *("YES" if option else "NO", "NO"),
                )


@view(PG, "pg_default_acl", "defacluser:int4 defaclnamespace:oid defaclobjtype:char defaclacl")
def pg_default_acl(known: Known) -> Rows:
    """ALTER DEFAULT PRIVILEGES."""
    from lakemill.warehouse.system.views import acl

    for name, schema in known.store.all("schema", known.database).items():
        for key, held in schema.defaults.items():
            owner = key.removesuffix("/TABLES")
            yield known.user_id(owner), known.schema_oid(name) if name else 0, "r", acl(held, owner)
