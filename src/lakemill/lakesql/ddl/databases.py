"""CREATE, ALTER, DROP and SHOW DATABASE."""

from lakemill.lakesql.ddl import errors
from lakemill.lakesql.ddl.context import Context, told
from lakemill.lakesql.ddl.locations import checked
from lakemill.lakesql.ddl.patterns import matching
from lakemill.lakesql.ddl.result import Result
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.interface import Document


def create(tokens: Tokens, context: Context) -> Result:
    """After CREATE DATABASE: [IF NOT EXISTS] name [COMMENT ''] [LOCATION ''] [WITH DBPROPERTIES (...)]"""
    lenient = tokens.take("IF", "NOT", "EXISTS")
    definition: Document = {"Name": tokens.name()}
    if tokens.take("COMMENT"):
        definition["Description"] = tokens.string()
    if tokens.take("LOCATION"):
        definition["LocationUri"] = checked(tokens.string())
    if tokens.take("WITH", "DBPROPERTIES"):
        definition["Parameters"] = tokens.properties()
    tokens.end()
    with told():
        if context.has_database(definition["Name"]):
            if not lenient:
                raise errors.execution(f"Database {definition['Name']} already exists", "AlreadyExistsException")
        else:
            context.lake.create_database(definition)
    return Result("CREATE_DATABASE")


def alter(tokens: Tokens, context: Context) -> Result:
    """After ALTER DATABASE: name SET DBPROPERTIES (...)"""
    name = tokens.name()
    if not tokens.take("SET", "DBPROPERTIES"):
        raise tokens.wrong("SET DBPROPERTIES")
    properties = tokens.properties()
    tokens.end()
    with told():
        if not context.has_database(name):
            raise errors.semantic(f"[Error 10072]: Database does not exist: {name}")
        definition = context.lake.database(name)
        changed = {**(definition.get("Parameters") or {}), **properties}
        context.lake.update_database({**definition, "Parameters": changed})
    return Result("ALTER_DATABASE")


def drop(tokens: Tokens, context: Context) -> Result:
    """After DROP DATABASE: [IF EXISTS] name [RESTRICT | CASCADE]"""
    lenient = tokens.take("IF", "EXISTS")
    name = tokens.name()
    cascade = tokens.take("CASCADE")
    if not cascade:
        tokens.take("RESTRICT")
    tokens.end()
    with told():
        if not context.has_database(name):
            if lenient:
                return Result("DROP_DATABASE")
            raise errors.semantic(f"[Error 10072]: Database does not exist: {name}")
        if not cascade and context.lake.tables(name):
            raise errors.execution(
                f"Database {name} is not empty. One or more tables exist.", "InvalidOperationException"
            )  # fmt: skip
        context.lake.drop_database(name, cascade)
    return Result("DROP_DATABASE")


def show(tokens: Tokens, context: Context) -> Result:
    """After SHOW DATABASES: [LIKE 'pattern']"""
    pattern = None
    if tokens.take("LIKE") or not tokens.ended():
        pattern = tokens.string()
    tokens.end()
    with told():
        names = sorted(one["Name"] for one in context.lake.databases())
    # `.*` is any characters here, as it is in a regular expression; SHOW TABLES takes `*` alone.
    found = matching(names, pattern and pattern.replace(".*", "*"))
    return Result("SHOW_DATABASES", ["database_name"], found, "UTILITY")
