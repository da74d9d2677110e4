"""pg_catalog: databases, schemas, relations, columns, users."""

from lakemill.lakesql.dialects.redshift import names as types
from lakemill.lakesql.types import INTEGER
from lakemill.warehouse.settings import SETTINGS
from lakemill.warehouse.system.keys import indexes
from lakemill.warehouse.system.views import Known, Rows, acl, view

PG = "pg_catalog"


@view(PG, "pg_namespace", "oid:oid nspname:name nspowner:int4 nspacl")
def pg_namespace(known: Known) -> Rows:
    """Schemas."""
    for name, schema in known.schemas.items():
        yield schema.oid, name, known.user_id(schema.owner), acl(schema.rights, schema.owner)


@view(
    PG,
    "pg_class",
    "oid:oid relname:name relnamespace:oid reltype:oid relowner:int4 relam:oid relfilenode:oid reltablespace:oid "
    "relpages:int4 reltuples:float4 reltoastrelid:oid relhasindex:bool relisshared:bool relkind:char relnatts:int2 "
    "relchecks:int2 reltriggers:int2 relhasoids:bool relhaspkey:bool relhasrules:bool relhassubclass:bool relacl "
    "releffectivediststyle:int4 relpersistence:char",
)
def pg_class(known: Known) -> Rows:
    """Tables and views."""
    styles = {"EVEN": 0, "KEY": 1, "ALL": 8, "AUTO": 10}
    counts = rows_about(known)
    for one in known.relations:
        relation = one.relation
        temporary = one.schema == known.temporary
        yield (
            *(relation.oid, one.name, known.schema_oid(one.schema), 0, known.user_id(relation.owner), 0, relation.oid),
            *(0, 0, float(counts.get((one.schema, one.name), 0)), 0, False, False, one.kind, len(relation.columns)),
            *(0, len(relation.foreign), False, relation.primary_key is not None, one.kind == "v", False),
            *(acl(relation.rights, relation.owner), styles[relation.distribution], "t" if temporary else "p"),
        )
    for oid, one, name, columns in indexes(known):
        owner = known.user_id(one.relation.owner)
        yield (
            *(oid, name, known.schema_oid(one.schema), 0, owner, 0, oid, 0, 0, 0.0, 0, False, False, "i", len(columns)),
            *(0, 0, False, False, False, False, None, 0, "p"),
        )


def rows_about(known: Known) -> dict[tuple[str, str], int]:
    """About how many rows tables have, by schema and name."""
    begin = f"{known.database}."
    found = known.session.connection.execute(
        "SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE starts_with(schema_name, ?)", [begin]
    ).fetchall()
    return {(schema.removeprefix(begin), name): size for schema, name, size in found}


@view(
    PG,
    "pg_attribute",
    "attrelid:oid attname:name atttypid:oid attstattarget:int4 attlen:int2 attnum:int2 attndims:int4 attcacheoff:int4 "
    "atttypmod:int4 attbyval:bool attstorage:char attalign:char attnotnull:bool atthasdef:bool attisdropped:bool "
    "attislocal:bool attinhcount:int4 attisdistkey:bool attsortkeyord:int4 attencodingtype:int2 attidentity:char",
)
def pg_attribute(known: Known) -> Rows:
    """Columns."""
    for one in known.relations:
        relation = one.relation
        for column in relation.columns:
            kind = column.typed()
            order = relation.sort_key.index(column.name) + 1 if column.name in relation.sort_key else 0
            order = -order if relation.sort_style == "INTERLEAVED" and order % 2 == 0 else order
            size = types.size(kind)
            yield (
                *(relation.oid, column.name, types.oid(kind), -1, size, column.number, 0, -1, types.typmod(kind)),
                *(0 < size <= 8, "p" if size > 0 else "x", "i", column.not_null),
                *(bool(column.default or column.identity), False, True, 0, column.name == relation.distribution_key),
                *(order, 0, ("d" if column.by_default else "a") if column.identity else ""),
            )
    for oid, one, _, columns in indexes(known):
        for number, name in enumerate(columns, 1):
            known_column = one.relation.column(name)
            kind = known_column.typed() if known_column is not None else INTEGER
            size = types.size(kind)
            yield (
                *(oid, name, types.oid(kind), -1, size, number, 0, -1, types.typmod(kind), 0 < size <= 8),
                *("p" if size > 0 else "x", "i", False, False, False, True, 0, False, 0, 0, ""),
            )


@view(PG, "pg_attrdef", "adrelid:oid adnum:int2 adbin adsrc oid:oid")
def pg_attrdef(known: Known) -> Rows:
    """Defaults of columns."""
    for one in known.relations:
        for column in one.relation.columns:
            default = default_of(column.default, column.identity, column.by_default)
            if default:
                yield one.relation.oid, column.number, default, default, one.relation.oid


def default_of(default: str, identity: list[int], by_default: bool) -> str:
    """How a default is shown."""
    if not identity:
        return default
    return f"{'default_identity' if by_default else 'identity'}(0, 0, '{identity[0]},{identity[1]}'::text)"


@view(PG, "pg_description", "objoid:oid classoid:oid objsubid:int4 description")
def pg_description(known: Known) -> Rows:
    """Comments on tables, views and columns, and on schemas."""
    for one in known.relations:
        if one.relation.comment:
            yield one.relation.oid, 1259, 0, one.relation.comment
        for column in one.relation.columns:
            if column.comment:
                yield one.relation.oid, 1259, column.number, column.comment
    for schema in known.schemas.values():
        if schema.comment:
            yield schema.oid, 2615, 0, schema.comment


_DATABASE = (
    "oid:oid datname:name datdba:int4 encoding:int4 datistemplate:bool datallowconn:bool datlastsysoid:oid "
    "datvacuumxid:oid datfrozenxid:oid dattablespace:oid datconfig datacl"
)


@view(PG, "pg_database", _DATABASE)
def pg_database(known: Known) -> Rows:
    """Databases."""
    for name, one in known.databases.items():
        settings = ",".join(f"{key}={value}" for key, value in one.settings.items())
        yield (
            *(one.oid, name, known.user_id(one.owner), 6, False, True, 0, 0, 0, 0),
            *(f"{{{settings}}}" if settings else None, acl(one.rights, one.owner)),
        )


@view(PG, "pg_database_info", "datid:oid datname:name datconnlimit")
def pg_database_info(known: Known) -> Rows:
    """Databases, and how many may connect."""
    for name, one in known.databases.items():
        yield one.oid, name, "UNLIMITED" if one.limit < 0 else str(one.limit)


_USER = "usename:name usesysid:int4 usecreatedb:bool usesuper:bool usecatupd:bool passwd valuntil useconfig"


@view(PG, "pg_user", _USER)
def pg_user(known: Known) -> Rows:
    """Users, without their passwords."""
    for name, one in known.users.items():
        settings = ",".join(f"{key}={value}" for key, value in one.settings.items())
        yield (
            *(name, one.id, one.create_databases, one.superuser, False, "********", one.valid_until or None),
            f"{{{settings}}}" if settings else None,
        )


@view(
    PG,
    "pg_user_info",
    "usename:name usesysid:int4 usecreatedb:bool usesuper:bool usecatupd:bool passwd valuntil useconfig useconnlimit",
)
def pg_user_info(known: Known) -> Rows:
    """Users, and how often they may connect."""
    for row, one in zip(pg_user(known), known.users.values(), strict=True):
        yield *row, "UNLIMITED" if one.connections_max < 0 else str(one.connections_max)


@view(PG, "svv_user_info", "user_name user_id:int4 createdb:bool superuser:bool catalog_update:bool connection_limit")
def svv_user_info(known: Known) -> Rows:
    """Users."""
    for name, one in known.users.items():
        limit = "UNLIMITED" if one.connections_max < 0 else str(one.connections_max)
        yield name, one.id, one.create_databases, one.superuser, False, limit


@view(PG, "pg_group", "groname:name grosysid:int4 grolist")
def pg_group(known: Known) -> Rows:
    """Groups, with the numbers of their members."""
    for name, one in known.groups.items():
        members = ",".join(str(known.user_id(member)) for member in one.members)
        yield name, one.id, f"{{{members}}}"


@view(PG, "svv_roles", "role_id:int4 role_name role_owner external_id")
def svv_roles(known: Known) -> Rows:
    """Roles."""
    for name, one in known.roles.items():
        yield one.id, name, one.owner, None


@view(PG, "svv_user_grants", "user_id:int4 user_name role_id:int4 role_name admin_option:bool")
def svv_user_grants(known: Known) -> Rows:
    """Roles of users."""
    for name, one in known.roles.items():
        for member in one.members:
            if member.startswith("user:"):
                user = member.removeprefix("user:")
                yield known.user_id(user), user, one.id, name, False


@view(PG, "svv_role_grants", "role_id:int4 role_name granted_role_id:int4 granted_role_name")
def svv_role_grants(known: Known) -> Rows:
    """Roles of roles."""
    for name, one in known.roles.items():
        for member in one.members:
            other = known.roles.get(member.removeprefix("role:"))
            if member.startswith("role:") and other is not None:
                yield other.id, member.removeprefix("role:"), one.id, name


@view(PG, "pg_settings", "name setting unit category short_desc extra_desc context vartype source min_val max_val")
def pg_settings(known: Known) -> Rows:
    """Settings of the session."""
    for name, value in sorted(known.session.settings.all().items()):
        source = "default" if name in SETTINGS and SETTINGS[name].default == value else "session"
        yield name, value, None, None, None, None, "user", "string", source, None, None


@view(PG, "pg_am", "oid:oid amname:name")
def pg_am(known: Known) -> Rows:
    """Access methods: there are no indexes."""
    return []


@view(PG, "pg_tablespace", "oid:oid spcname:name spcowner:int4 spclocation spcacl")
def pg_tablespace(known: Known) -> Rows:
    """Tablespaces: the one."""
    yield 1663, "pg_default", 1, "", None


@view(PG, "pg_inherits", "inhrelid:oid inhparent:oid inhseqno:int4")
def pg_inherits(known: Known) -> Rows:
    """Inheritance of tables: there is none."""
    return []


@view(PG, "pg_trigger", "oid:oid tgrelid:oid tgname:name tgfoid:oid tgtype:int2 tgenabled:bool tgisconstraint:bool")
def pg_trigger(known: Known) -> Rows:
    """Triggers: there are none."""
    return []


@view(PG, "pg_rewrite", "oid:oid rulename:name ev_class:oid ev_attr:int2 ev_type:char is_instead:bool ev_action")
def pg_rewrite(known: Known) -> Rows:
    """Rules: those of views."""
    for one in known.relations:
        if one.kind == "v" and not one.system:
            yield one.relation.oid, "_RETURN", one.relation.oid, -1, "1", True, one.definition
