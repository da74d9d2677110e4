"""CREATE EXTERNAL SCHEMA: a database of the Glue Data Catalog under the name of a schema."""

import json
from typing import TYPE_CHECKING, Any

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused
from lakemill.warehouse import rights
from lakemill.warehouse.loading.words import Words
from lakemill.warehouse.objects import Schema
from lakemill.warehouse.results import Result
from lakemill.warehouse.spectrum.errors import told
from lakemill.warehouse.spectrum.lakes import opened

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_SOURCES = ("HIVE METASTORE", "POSTGRES", "MYSQL", "KINESIS", "MSK", "KAFKA", "REDSHIFT", "SAP_CDS")


def create(session: "Session", words: Words) -> Result:
    """After CREATE EXTERNAL SCHEMA. Raises SqlFailed."""
    lenient = words.take("IF", "NOT", "EXISTS")
    name = words.name()
    words.expect("FROM")
    external, make_database = _source(words, name)
    rights.require(session, "database", session.store.get("database", session.database), session.database, "CREATE")
    if name.startswith("pg_") or name == "information_schema":
        raise SqlFailed("42939", f'unacceptable schema name "{name}"')
    if session.store.get("schema", name, session.database) is not None:
        if not lenient:
            raise SqlFailed("42P06", f'schema "{name}" already exists')
        session.notices.append(f'INFO:  Schema "{name}" already exists and has been skipped')
        return Result("CREATE SCHEMA")
    if make_database:
        _make_database(session, external)
    session.transaction.touched()
    document = Schema(oid=session.store.number(), owner=session.user, external=external)
    session.store.put("schema", name, document, session.database)
    return Result("CREATE SCHEMA")


def _source(words: Words, name: str) -> tuple[dict[str, Any], bool]:
    for source in _SOURCES:
        if words.take(*source.split()):
            raise SqlFailed("0A000", f"CREATE EXTERNAL SCHEMA FROM {source} is not supported")
    words.expect("DATA", "CATALOG")
    external: dict[str, Any] = {"source": "data catalog", "database": name, "role": "", "region": ""}
    make_database = False
    while not words.ended():
        if words.take("DATABASE"):
            external["database"] = words.string().lower()
        elif words.take("REGION"):
            external["region"] = words.string()
        elif words.take("IAM_ROLE"):
            external["role"] = "default" if words.take("DEFAULT") else _role(words.string())
        elif words.take("CREATE", "EXTERNAL", "DATABASE", "IF", "NOT", "EXISTS"):
            make_database = True
        elif words.peek() in ("CATALOG_ROLE", "CATALOG_ID", "SECRET_ARN", "URI", "AUTHENTICATION"):
            raise SqlFailed("0A000", f"CREATE EXTERNAL SCHEMA with {words.peek()} is not supported")
        else:
            raise words.wrong()
    if not external["role"]:
        raise SqlFailed("42601", "CREATE EXTERNAL SCHEMA FROM DATA CATALOG needs an IAM_ROLE")
    return external, make_database


def _role(text: str) -> str:
    if text.upper() == "SESSION":
        raise SqlFailed("0A000", "IAM_ROLE 'SESSION' is not supported")
    if "," in text:
        raise SqlFailed("0A000", "chaining roles in IAM_ROLE is not supported")
    return text


def _make_database(session: "Session", external: dict[str, Any]) -> None:
    with told(f'database "{external["database"]}"'), opened(session, external) as lake:
        try:
            lake.create_database({"Name": external["database"]})
        except LakeRefused as refused:
            if refused.code != "AlreadyExistsException":
                raise


def drop_database(session: "Session", external: dict[str, Any]) -> None:
    """DROP SCHEMA ... DROP EXTERNAL DATABASE: the database too, with what is in it. Raises SqlFailed."""
    with told(f'database "{external["database"]}"'), opened(session, external) as lake:
        lake.drop_database(external["database"], True)


def options(external: dict[str, Any]) -> str:
    """What SVV_EXTERNAL_SCHEMAS tells of it as esoptions."""
    told = {"IAM_ROLE": external["role"]} | ({"REGION": external["region"]} if external.get("region") else {})
    return json.dumps(told, separators=(",", ":"))


def show(name: str, external: dict[str, Any]) -> str:
    """The statement that makes such a schema."""
    region = f"\nREGION '{external['region']}'" if external.get("region") else ""
    role = "default" if external["role"] == "default" else f"'{external['role']}'"
    return (
        f"CREATE EXTERNAL SCHEMA {name}\nFROM DATA CATALOG\nDATABASE '{external['database']}'{region}\nIAM_ROLE {role};"
    )
