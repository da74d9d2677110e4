"""information_schema, and the views of Redshift's that say the same."""

from lakemill.lakesql.dialects.redshift import names as types
from lakemill.lakesql.types import Type
from lakemill.warehouse.objects import Column
from lakemill.warehouse.system.catalog import default_of
from lakemill.warehouse.system.views import Known, Listed, Rows, view

INFORMATION, PG = "information_schema", "pg_catalog"
_PRECISION = {"smallint": (16, 2, 0), "integer": (32, 2, 0), "bigint": (64, 2, 0), "real": (24, 2, None)}
_NOTHING = (None,) * 9
_COLUMNS = (
    "table_catalog table_schema table_name column_name ordinal_position:int4 column_default is_nullable data_type "
    "character_maximum_length:int4 character_octet_length:int4 numeric_precision:int4 numeric_precision_radix:int4 "
    "numeric_scale:int4 datetime_precision:int4 interval_type interval_precision character_set_catalog "
    "character_set_schema character_set_name collation_catalog collation_schema collation_name domain_name"
)


def _kind(known: Known, one: Listed) -> str:
    if one.kind == "v":
        return "VIEW"
    return "LOCAL TEMPORARY" if one.schema == known.temporary else "BASE TABLE"


def typed(kind: Type) -> tuple[str, int | None, int | None, int | None, int | None, int | None]:
    """Name, length, precision, radix, scale, digits of a second's fraction."""
    name = types.shown(kind, arguments=False)
    length = kind.args[0] if kind.name in ("varchar", "char", "varbyte") and kind.args else None
    precision, radix, scale = _PRECISION.get(kind.name, (None, None, None))
    if kind.name == "double":
        precision, radix = 53, 2
    if kind.name == "decimal":
        precision, radix, scale = kind.args[0], 10, kind.args[1]
    fraction = 6 if kind.name in ("timestamp", "timestamptz", "time", "timetz") else None
    return name, length, precision, radix, scale, fraction


def _column(known: Known, one: Listed, column: Column, place: int) -> tuple[object, ...]:
    name, length, precision, radix, scale, fraction = typed(column.typed())
    default = default_of(column.default, column.identity, column.by_default) or None
    return (
        *(known.database, one.schema, one.name, column.name, place, default, "NO" if column.not_null else "YES", name),
        *(length, length, precision, radix, scale, fraction, *_NOTHING),
    )


@view(INFORMATION, "schemata", "catalog_name schema_name schema_owner default_character_set_catalog sql_path")
def schemata(known: Known) -> Rows:
    """Schemas."""
    for name, schema in known.schemas.items():
        yield known.database, name, schema.owner, None, None


@view(INFORMATION, "tables", "table_catalog table_schema table_name table_type")
def tables(known: Known) -> Rows:
    """Tables and views that the user may see."""
    for one in known.relations:
        if known.visible(one):
            yield known.database, one.schema, one.name, _kind(known, one)


@view(INFORMATION, "columns", _COLUMNS)
def columns(known: Known) -> Rows:
    """Columns of tables and views that the user may see."""
    for one in known.relations:
        if known.visible(one):
            for place, column in enumerate(one.relation.columns, 1):
                yield _column(known, one, column, place)


@view(INFORMATION, "views", "table_catalog table_schema table_name view_definition check_option is_updatable")
def views(known: Known) -> Rows:
    """Views."""
    for one in known.relations:
        if one.kind == "v" and known.visible(one):
            yield known.database, one.schema, one.name, one.definition, "NONE", "NO"


@view(PG, "svv_tables", "table_catalog table_schema table_name table_type remarks")
def svv_tables(known: Known) -> Rows:
    """Tables and views, with comments."""
    for one in known.relations:
        if known.visible(one):
            yield known.database, one.schema, one.name, _kind(known, one), one.relation.comment or None


@view(PG, "svv_columns", f"{_COLUMNS} remarks")
def svv_columns(known: Known) -> Rows:
    """Columns, with comments."""
    for one in known.relations:
        if known.visible(one):
            for place, column in enumerate(one.relation.columns, 1):
                yield *_column(known, one, column, place), column.comment or None


_TABLES = "database_name schema_name table_name table_type table_acl remarks"
_ALL_COLUMNS = (
    "database_name schema_name table_name column_name ordinal_position:int4 column_default is_nullable data_type "
    "character_maximum_length:int4 numeric_precision:int4 numeric_scale:int4 remarks"
)


def _all_columns(known: Known) -> Rows:
    for one in known.relations:
        if known.visible(one):
            for place, column in enumerate(one.relation.columns, 1):
                name, length, precision, _, scale, _ = typed(column.typed())
                default = default_of(column.default, column.identity, column.by_default) or None
                yield (
                    *(known.database, one.schema, one.name, column.name, place, default),
                    *("NO" if column.not_null else "YES", name, length, precision, scale, column.comment or None),
                )


def _all_tables(known: Known) -> Rows:
    for one in known.relations:
        if known.visible(one):
            kind = "VIEW" if one.kind == "v" else "TABLE"
            yield known.database, one.schema, one.name, kind, None, one.relation.comment or None


def _all_schemas(known: Known) -> Rows:
    for name, schema in known.schemas.items():
        kind = "external" if schema.external is not None else "local"
        yield known.database, name, known.user_id(schema.owner), kind, None, None, None


_SCHEMAS = "database_name schema_name schema_owner:int4 schema_type schema_acl source_database schema_option"
view(PG, "svv_all_columns", _ALL_COLUMNS)(_all_columns)
view(PG, "svv_all_tables", _TABLES)(_all_tables)
view(PG, "svv_all_schemas", _SCHEMAS)(_all_schemas)
view(PG, "svv_redshift_columns", _ALL_COLUMNS)(_all_columns)
view(PG, "svv_redshift_tables", f"{_TABLES} table_owner:int4")(
    lambda known: [(*row, None) for row in _all_tables(known)]
)
view(PG, "svv_redshift_schemas", _SCHEMAS)(lambda known: [row for row in _all_schemas(known) if row[3] == "local"])


@view(PG, "svv_redshift_databases", "database_name database_owner:int4 database_type database_acl database_options")
def svv_redshift_databases(known: Known) -> Rows:
    """Databases."""
    for name, one in known.databases.items():
        yield name, known.user_id(one.owner), "local", None, None


@view(
    PG, "pg_get_late_binding_view_cols", "view_schema:name view_name:name col_name:name col_type:varchar col_num:int4"
)
def late_binding_columns(known: Known) -> Rows:
    """Columns of views that are bound late, as far as these can be read now: the function of this name gives them."""
    for one in known.relations:
        if one.relation.late and known.visible(one):
            for number, (name, kind) in enumerate(known.columns_of(one), 1):
                yield one.schema, one.name, name, types.shown(kind), number
