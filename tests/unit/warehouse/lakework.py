"""A session of a warehouse over a folder of this machine, with as much of one as COPY, UNLOAD and Spectrum need."""

import itertools
import types

import duckdb

from lakemill.lakesql.dialects.redshift import names
from lakemill.lakesql.dialects.redshift.model import Column, Compiled, Relation
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused
from lakemill.warehouse.history import History
from tests.unit.lakesql.folder_lake import FolderLake


class Undoing(FolderLake):
    """Knows what a statement stored, so that its end can take it back."""

    def __init__(self, root):
        super().__init__(root)
        self.stored, self.authorizations = [], []

    def store(self, path, uri):
        super().store(path, uri)
        self.stored.append(uri)


class Platform:
    """`warehouse.platform.Platform` over a lake."""

    def __init__(self, lake, scratch):
        self.lake_, self.scratch, self.numbers = lake, scratch, itertools.count()

    def begin(self, authorization):
        self.lake_.authorizations.append(authorization)
        self.lake_.stored.clear()
        folder = self.scratch / f"lake{next(self.numbers)}"
        folder.mkdir()
        return {"lake": folder.name, "folder": str(folder)}

    def lake(self, lake, question, arguments):
        import msgspec

        found = getattr(self.lake_, question)(**arguments)
        return msgspec.to_builtins(found)

    def end(self, lake, keep):
        if not keep:
            for uri in self.lake_.stored:
                self.lake_.path(uri).unlink(missing_ok=True)
        self.lake_.stored.clear()


class Warehouse:
    def __init__(self, folder, lake):
        self.scratch, self.folder = folder / "scratch", folder / "data"
        self.scratch.mkdir()
        self.folder.mkdir()
        self.main = duckdb.connect(":memory:", config={"python_enable_replacements": False})
        self.main.execute(f"ATTACH '{self.folder}/warehouse.duckdb' AS warehouse")
        self.main.execute('CREATE SCHEMA warehouse."dev.public"')
        self.main.execute("CREATE MACRO float_text(x) AS CAST(x AS VARCHAR)")
        self.main.execute("SET TimeZone = 'UTC'")
        self.history = History(self.main.cursor(), self.folder)
        self.main.execute("SET allowed_directories = ?", [[str(folder)]])
        self.main.execute("SET enable_external_access = false")
        self.main.execute("SET lock_configuration = true")
        self.platform = Platform(lake, self.scratch)
        self.options = types.SimpleNamespace(account="123456789012", region="us-east-1")

    def connection(self):
        return self.main.cursor()


class Transaction:
    state, number = "implicit", 1

    def __init__(self):
        self.at_commit, self.at_rollback = [], []

    def touched(self):
        pass

    def need(self):
        pass


class Work:
    query = 7

    def check(self):
        pass


class Names:
    """Tables by their names."""

    current_user, session_user, current_database, current_schema = "ann", "ann", "dev", "public"

    def __init__(self, session):
        self.tables, self._session = {}, session

    def relation(self, parts):
        if parts[-1] not in self.tables:
            raise SqlFailed("42P01", f'relation "{parts[-1]}" does not exist')
        return self.tables[parts[-1]]

    def setting(self, name):
        return None


class Session:
    """`make` makes a table of Redshift's columns."""

    def __init__(self, folder):
        lake = Undoing(folder / "lake")
        (folder / "lake" / "lake").mkdir()
        self.lake = lake
        self.warehouse = Warehouse(folder, lake)
        self.connection = self.warehouse.connection()
        self.connection.execute("SET search_path = 'warehouse.\"dev.public\",memory.main'")
        self.names, self.transaction, self.work = Names(self), Transaction(), Work()
        self.pid, self.user, self.session_user, self.database, self.groups = 11, "ann", "ann", "dev", ()
        self.values, self.notices, self.settings = {}, [], {}
        self.documents = {("user", "ann"): types.SimpleNamespace(id=100, superuser=True)}
        self.store = types.SimpleNamespace(
            get=lambda kind, name, database="": self.documents.get((kind, name)),
            put=lambda kind, name, document, database="": self.documents.__setitem__((kind, name), document),
            remove=lambda kind, name, database="": self.documents.pop((kind, name)),
            all=lambda kind, database="": {n: d for (k, n), d in self.documents.items() if k == kind},
            number=itertools.count(100001).__next__,
        )

    def lock(self, tables):
        return True

    def compile(self, parsed, parameters=None):
        """Queries are DuckDB's here."""
        relation = self.connection.sql(parsed.text)
        columns = [(name, _type(str(kind))) for name, kind in zip(relation.columns, relation.types, strict=True)]
        return Compiled([parsed.text], columns)

    def make(self, name, *columns):
        made = [column if isinstance(column, Column) else column_of(column) for column in columns]
        defined = ", ".join(f'"{c.name}" {c.type.duckdb()}{" NOT NULL" if c.not_null else ""}' for c in made)
        where = f'warehouse."dev.public"."{name}"'
        self.connection.execute(f"CREATE TABLE {where} ({defined})")
        tag = types.SimpleNamespace(oid=5, schema="public", name=name, database="dev", document=None)
        self.names.tables[name] = Relation(made, where, ("public", name), tag=tag)

    def rows(self, name):
        return self.connection.execute(f'SELECT * FROM warehouse."dev.public"."{name}"').fetchall()

    def told(self, table, columns="*"):
        return self.warehouse.history.read(f"SELECT {columns} FROM history.{table}")


def column_of(text):
    """`name type [not null]`."""
    name, _, kind = text.partition(" ")
    return Column(name, names.of_text(kind.removesuffix(" not null")), kind.endswith(" not null"))


def _type(name):
    known = {"JSON": "super", "BLOB": "varbyte", "TIMESTAMP WITH TIME ZONE": "timestamptz"}
    return names.of_text(known.get(name, name.lower()))


def refused(code):
    return LakeRefused(code, "refused")
