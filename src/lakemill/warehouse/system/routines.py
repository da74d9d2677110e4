"""Procedures and functions of users, calls of procedures, and what these said."""

from collections.abc import Iterator
from typing import Any

from lakemill.lakesql.dialects.redshift import names as types
from lakemill.warehouse.objects import Routine, type_of
from lakemill.warehouse.procedures import telling
from lakemill.warehouse.system.privileges import split
from lakemill.warehouse.system.views import Known, Rows, view

PG = "pg_catalog"
_PLPGSQL, _SQL = 100125, 14
_REFCURSOR, _VOID = 1790, 2278


def _routines(known: Known) -> Iterator[tuple[str, Routine]]:
    """p or f, and each that is in the database."""
    for letter, kind in (("p", "procedure"), ("f", "function")):
        for routine in known.store.all(kind, known.database).values():
            yield letter, routine


def _oid(argument: Any) -> int:
    return _REFCURSOR if argument.cursor else types.oid(type_of(argument.type))


def _definition(known: Known, letter: str, one: Routine) -> tuple[Any, ...]:
    """oid to provolatile"""
    return (
        *(one.oid, one.name, known.schema_oid(one.schema), known.user_id(one.owner)),
        *(_PLPGSQL if letter == "p" else _SQL, False, one.definer, False, False, (one.volatility or "v")[0]),
    )


def _signature(one: Routine) -> tuple[int, int, str]:
    """pronargs to proargtypes"""
    result = types.oid(type_of(one.returns)) if one.returns else _VOID
    return len(one.inputs), result, " ".join(str(_oid(argument)) for argument in one.inputs)


def _names(routine: Routine) -> str | None:
    names = [argument.name for argument in routine.arguments]
    return "{" + ",".join(names) + "}" if any(names) else None


@view(PG, "pg_language", "oid:oid lanname:name lanispl:bool lanpltrusted:bool")
def pg_language(known: Known) -> Rows:
    """Languages of functions."""
    yield 12, "internal", False, False
    yield _SQL, "sql", False, True
    yield _PLPGSQL, "plpgsql", True, True


@view(
    PG,
    "pg_proc",
    "oid:oid proname:name pronamespace:oid proowner:int4 prolang:oid proisagg:bool prosecdef:bool proisstrict:bool "
    "proretset:bool provolatile:char pronargs:int2 prorettype:oid proargtypes proargnames prosrc prokind:char",
)
def pg_proc(known: Known) -> Rows:
    """Functions and procedures of users."""
    for letter, one in _routines(known):
        yield (*_definition(known, letter, one), *_signature(one), _names(one), one.body, letter)


@view(
    PG,
    "pg_proc_info",
    "prooid:oid proname:name pronamespace:oid proowner:int4 prolang:oid proisagg:bool prosecdef:bool proisstrict:bool "
    "proretset:bool provolatile:char prokind:char pronargs:int2 prorettype:oid proargtypes proallargtypes proargmodes "
    "proargnames prosrc",
)
def pg_proc_info(known: Known) -> Rows:
    """Functions and procedures of users, with the modes of their arguments."""
    for letter, one in _routines(known):
        every = ",".join(str(_oid(argument)) for argument in one.arguments)
        modes = ",".join({"in": "i", "out": "o", "inout": "b"}[argument.mode] for argument in one.arguments)
        plain = all(argument.mode == "in" for argument in one.arguments)
        yield (
            *(*_definition(known, letter, one), letter, *_signature(one)),
            *(None if plain else f"{{{every}}}", None if plain else f"{{{modes}}}", _names(one), one.body),
        )


def _types(routine: Routine) -> str:
    return ", ".join(types.shown(type_of(argument.type), False) for argument in routine.inputs)


@view(PG, "svv_redshift_functions", "database_name schema_name function_name function_type argument_type result_type")
def svv_redshift_functions(known: Known) -> Rows:
    """Functions and procedures of users."""
    for letter, one in _routines(known):
        kind = "STORED PROCEDURE" if letter == "p" else "REGULAR FUNCTION"
        result = types.shown(type_of(one.returns), False) if one.returns else ""
        yield known.database, one.schema, one.name, kind, _types(one), result


@view(
    PG,
    "svv_function_privileges",
    "namespace_name function_name argument_types privilege_type identity_id:int4 identity_name identity_type "
    "admin_option:bool",
)
def svv_function_privileges(known: Known) -> Rows:
    """Rights on functions and procedures."""
    for _, one in _routines(known):
        for right, option, number, name, kind in split(known, one.rights):
            yield one.schema, one.name, _types(one), right, number, name, kind, option


@view(
    PG,
    "svl_stored_proc_call",
    "userid:int4 session_userid:int4 query:int8 label xid:int8 pid:int4 database querytxt starttime:timestamp "
    "endtime:timestamp aborted:int4 from_sp_call:int8",
)
def svl_stored_proc_call(known: Known) -> Rows:
    """Calls of procedures, those from others too."""
    return known.past(telling.CALLS, telling.TABLES[telling.CALLS], "query")


@view(
    PG,
    "svl_stored_proc_messages",
    "userid:int4 session_userid:int4 pid:int4 xid:int8 query:int8 recordtime:timestamp loglevel:int4 loglevel_text "
    "message linenum:int4 querytxt label aborted:int4",
)
def svl_stored_proc_messages(known: Known) -> Rows:
    """What RAISE said."""
    return known.past(telling.MESSAGES, telling.TABLES[telling.MESSAGES], "query")
