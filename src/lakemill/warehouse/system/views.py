"""What a system view is, and what is known when one is read."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type, quoted
from lakemill.warehouse import rights, tabular
from lakemill.warehouse.objects import TEMPORARY, Database, Group, Relation, Role, Schema, User

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

Rows = Iterable[Sequence[Any]]
PG_CATALOG_OID, INFORMATION_OID, TEMPORARY_OID = 11, 11002, 11003
SYSTEM_OID_FIRST = 1000


@dataclass(frozen=True)
class SystemView:
    """schema and name; columns with short types (see `tabular`); rows: what makes them."""

    schema: str
    name: str
    columns: list[tuple[str, str]]
    rows: Callable[["Known"], Rows]


VIEWS: dict[tuple[str, str], SystemView] = {}


def view(schema: str, name: str, definition: str) -> Callable[[Callable[["Known"], Rows]], Callable[["Known"], Rows]]:
    """Declare a system view: the function gives its rows."""

    def declared(rows: Callable[["Known"], Rows]) -> Callable[["Known"], Rows]:
        VIEWS[schema, name] = SystemView(schema, name, tabular.columns(definition), rows)
        return rows

    return declared


@dataclass(frozen=True)
class Listed:
    """A table or view as system views list it."""

    schema: str
    name: str
    relation: Relation
    system: bool = False

    @property
    def kind(self) -> str:
        """r or v."""
        return "r" if self.relation.kind == "table" else "v"

    @property
    def definition(self) -> str:
        """The query of a view; of a materialized one the statement that makes it."""
        if self.relation.kind != "materialized":
            return self.relation.text
        return _made_by(self.schema, self.name, self.relation)


class Known:
    """A database's objects as the session's transaction sees them; looked up once each."""

    def __init__(self, session: "Session") -> None:
        self.session, self.store, self.database = session, session.store, session.database

    @cached_property
    def users(self) -> dict[str, User]:
        """By name."""
        return self.store.all("user")

    @cached_property
    def groups(self) -> dict[str, Group]:
        """By name."""
        return self.store.all("group")

    @cached_property
    def roles(self) -> dict[str, Role]:
        """By name."""
        return self.store.all("role")

    @cached_property
    def databases(self) -> dict[str, Database]:
        """By name."""
        return self.store.all("database")

    @cached_property
    def schemas(self) -> dict[str, Schema]:
        """By name, those that are built in too."""
        own = {name: schema for name, schema in self.store.all("schema", self.database).items() if name}
        everyone = {"public": ["USAGE"]}
        built = {
            "pg_catalog": Schema(oid=PG_CATALOG_OID, owner="rdsdb", rights=everyone),
            "information_schema": Schema(oid=INFORMATION_OID, owner="rdsdb", rights=everyone),
        }
        if any(listed.schema == TEMPORARY for listed in self.own):
            built[self.temporary] = Schema(oid=TEMPORARY_OID, owner=self.session.user)
        return built | own

    @property
    def temporary(self) -> str:
        """What the schema of the session's temporary tables is called."""
        return f"pg_temp_{self.session.pid}"

    @cached_property
    def own(self) -> list[Listed]:
        """Tables and views of the database."""
        return [Listed(schema, name, relation) for schema, name, relation in self.store.relations(self.database)]

    @cached_property
    def relations(self) -> list[Listed]:
        """Tables and views, system views too; temporary tables in a schema `pg_temp_n`."""
        own = [
            Listed(self.temporary, listed.name, listed.relation) if listed.schema == TEMPORARY else listed
            for listed in self.own
        ]
        return [*own, *_system_views()]

    @cached_property
    def grantees(self) -> set[str]:
        """Whatever a grant may name that the session's user is."""
        return set(rights.grantees(self.session))

    @cached_property
    def superuser(self) -> bool:
        """Whether the session's user is one."""
        return rights.superuser(self.session)

    def visible(self, listed: Listed) -> bool:
        """Whether the user owns a relation, or may do something with it."""
        relation = listed.relation
        if listed.system or self.superuser or relation.owner == self.session.user:
            return True
        return any(relation.rights.get(one) or relation.columns_rights.get(one) for one in self.grantees)

    def columns_of(self, listed: Listed) -> list[tuple[str, Type]]:
        """The columns that a view has now; none of one that cannot be read."""
        names = self.session.names.on(listed.relation.path)
        try:
            return redshift.compile(redshift.parse(listed.relation.text), names).columns or []
        except SqlFailed:
            return []

    def past(self, table: str, columns: str, order: str = "rowid") -> list[tuple[Any, ...]]:
        """Rows of a table of the warehouse's history, which `History.make` has: a superuser sees all, others theirs."""
        history = self.session.warehouse.history
        history.make(table, columns)
        rows = history.read(f"SELECT * FROM history.{table} ORDER BY {order}")
        return [row for row in rows if self.superuser or row[0] == self.session.user_id]

    def user_id(self, name: str) -> int:
        """The number of a user; 1 is the system's own."""
        found = self.users.get(name)
        return found.id if found is not None else 1

    def schema_oid(self, name: str) -> int:
        """The number of a schema."""
        return self.schemas[name].oid if name in self.schemas else 0


def _system_views() -> list[Listed]:
    from lakemill.warehouse.objects import Column, stored_type

    found = []
    for number, one in enumerate(VIEWS.values()):
        if one.name.startswith("pg_get_"):  # What only a function gives.
            continue
        columns = [
            Column(name=name, type=stored_type(tabular.TYPES[kind][0]), number=place)
            for place, (name, kind) in enumerate(one.columns, 1)
        ]
        relation = Relation(oid=SYSTEM_OID_FIRST + number, owner="rdsdb", columns=columns, kind="view")
        found.append(Listed(one.schema, one.name, relation, system=True))
    return found


def acl(rights_held: dict[str, list[str]], owner: str) -> str | None:
    """Grants as an aclitem[] shows them: {ann=r/owner}."""
    letters = {
        **{"SELECT": "r", "INSERT": "a", "UPDATE": "w", "DELETE": "d", "REFERENCES": "x", "USAGE": "U", "CREATE": "C"},
        **{"TEMP": "T", "DROP": "D", "ALTER": "A", "TRUNCATE": "t"},
    }
    items = []
    for grantee, held in rights_held.items():
        name = "" if grantee == "public" else grantee.removeprefix("user:").replace("group:", "group ")
        marks = "".join(letters.get(one.removesuffix("*"), "") + ("*" if one.endswith("*") else "") for one in held)
        items.append(f"{name}={marks}/{owner}")
    return "{" + ",".join(items) + "}" if items else None


def _made_by(schema: str, name: str, view: Relation) -> str:
    """The statement that makes a materialized view."""
    words = [f"CREATE MATERIALIZED VIEW {quoted(schema)}.{quoted(name)}"]
    words += [] if view.backup else ["BACKUP NO"]
    if view.distribution_key:
        words.append(f"DISTSTYLE KEY DISTKEY ({quoted(view.distribution_key)})")
    elif view.distribution != "AUTO":
        words.append(f"DISTSTYLE {view.distribution}")
    if view.sort_key:
        words.append(f"{view.sort_style} SORTKEY ({', '.join(map(quoted, view.sort_key))})")
    words.append(f"AUTO REFRESH {'YES' if view.auto_refresh else 'NO'}")
    return f"{' '.join(words)} AS {view.text}"
