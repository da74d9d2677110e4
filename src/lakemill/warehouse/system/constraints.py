"""Keys: declared, and shown; Redshift does not enforce them."""

from lakemill.warehouse.objects import Foreign
from lakemill.warehouse.system.keys import KEY_OID_FIRST, keys
from lakemill.warehouse.system.views import Known, Listed, Rows, view

PG, INFORMATION = "pg_catalog", "information_schema"


def _target(known: Known, one: Listed, foreign: Foreign) -> Listed | None:
    schema = foreign.table[-2] if len(foreign.table) > 1 else one.schema
    return next((t for t in known.relations if (t.schema, t.name) == (schema, foreign.table[-1])), None)


def _references(known: Known, one: Listed, foreign: Foreign) -> list[str]:
    target = _target(known, one, foreign)
    primary = target.relation.primary_key if target is not None else None
    return foreign.references or (primary.columns if primary is not None else [])


@view(
    PG,
    "pg_constraint",
    "oid:oid conname:name connamespace:oid contype:char condeferrable:bool condeferred:bool conrelid:oid contypid:oid "
    "confrelid:oid confupdtype:char confdeltype:char confmatchtype:char conkey confkey conbin consrc",
)
def pg_constraint(known: Known) -> Rows:
    """Keys; conkey is the text of an array of column numbers."""
    for number, (one, name, kind, columns, foreign) in enumerate(keys(known)):
        target = _target(known, one, foreign) if foreign is not None else None
        referred = _numbers(target, _references(known, one, foreign)) if foreign is not None and target else None
        mark = "a" if foreign is not None else " "
        yield (
            *(KEY_OID_FIRST + number, name, known.schema_oid(one.schema), kind, False, False, one.relation.oid, 0),
            *(target.relation.oid if target is not None else 0, mark, mark, "u" if foreign is not None else " "),
            *(_numbers(one, columns), referred, None, None),
        )


def _numbers(one: Listed, names: list[str]) -> str:
    found = [column.number for name in names if (column := one.relation.column(name)) is not None]
    return "{" + ",".join(map(str, found)) + "}"


@view(
    PG,
    "pg_index",
    "indexrelid:oid indrelid:oid indkey indclass indnatts:int2 indisunique:bool indisprimary:bool indisclustered:bool "
    "indexprs indpred",
)
def pg_index(known: Known) -> Rows:
    """What primary keys and unique columns would have as indexes; indkey as an int2vector."""
    for number, (one, _, kind, columns, _) in enumerate(keys(known)):
        if kind != "f":
            indkey = _numbers(one, columns)[1:-1].replace(",", " ")
            yield (
                *(
                    KEY_OID_FIRST + number,
                    one.relation.oid,
                    indkey,
                    "",
                    len(columns),
                    True,
                    kind == "p",
                    False,
                    None,
                    None,
                ),
            )


@view(PG, "pg_indexes", "schemaname:name tablename:name indexname:name tablespace:name indexdef")
def pg_indexes(known: Known) -> Rows:
    """The same as text."""
    for one, name, kind, columns, _ in keys(known):
        if kind != "f":
            definition = f"CREATE UNIQUE INDEX {name} ON {one.schema}.{one.name} USING btree ({', '.join(columns)})"
            yield one.schema, one.name, name, None, definition


_KINDS = {"p": "PRIMARY KEY", "u": "UNIQUE", "f": "FOREIGN KEY"}


@view(
    INFORMATION,
    "table_constraints",
    "constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name constraint_type "
    "is_deferrable initially_deferred",
)
def table_constraints(known: Known) -> Rows:
    """Keys of tables."""
    for one, name, kind, _, _ in keys(known):
        if known.visible(one):
            base = known.database
            yield base, one.schema, name, base, one.schema, one.name, _KINDS[kind], "NO", "NO"


@view(
    INFORMATION,
    "key_column_usage",
    "constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name column_name "
    "ordinal_position:int4",
)
def key_column_usage(known: Known) -> Rows:
    """Columns of keys."""
    for one, name, _, columns, _ in keys(known):
        for place, column in enumerate(columns, 1):
            if known.visible(one):
                yield known.database, one.schema, name, known.database, one.schema, one.name, column, place


@view(
    INFORMATION,
    "constraint_column_usage",
    "table_catalog table_schema table_name column_name constraint_catalog constraint_schema constraint_name",
)
def constraint_column_usage(known: Known) -> Rows:
    """Columns that keys use: of a foreign key those that it refers to."""
    base = known.database
    for one, name, _, columns, foreign in keys(known):
        target = _target(known, one, foreign) if foreign is not None else one
        used = _references(known, one, foreign) if foreign is not None else columns
        for column in used if target is not None else []:
            assert target is not None
            yield base, target.schema, target.name, column, base, one.schema, name


@view(
    INFORMATION,
    "referential_constraints",
    "constraint_catalog constraint_schema constraint_name unique_constraint_catalog unique_constraint_schema "
    "unique_constraint_name match_option update_rule delete_rule",
)
def referential_constraints(known: Known) -> Rows:
    """Foreign keys."""
    base = known.database
    for one, name, _, _, foreign in keys(known):
        target = _target(known, one, foreign) if foreign is not None else None
        if target is not None:
            primary = target.relation.primary_key
            unique = (primary.name if primary is not None else "") or f"{target.name}_pkey"
            yield base, one.schema, name, base, target.schema, unique, "NONE", "NO ACTION", "NO ACTION"
