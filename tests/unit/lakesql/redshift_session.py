"""A session of Redshift's language on a connection of DuckDB, as small as tests need it."""

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift.names import of_text
from lakemill.lakesql.errors import SqlFailed


class Session:
    """What `redshift.Catalog` asks for, over tables of the connection's own database."""

    current_user = session_user = "awsuser"
    current_database, current_schema = "dev", "public"

    def __init__(self, connection):
        self.connection, self.relations = connection, {}
        connection.execute("SET TimeZone = 'UTC'")
        redshift.prelude(connection)

    def create(self, name, columns, rows=""):
        """columns: name, type, and perhaps `not null`, a default, `always` or `by default`."""
        known = []
        for column in columns:
            called, kind, null, default, generated = [*column, "", "", ""][:5]
            sequence = f"nextval('{name}_{called}')" if generated else ""
            if generated:
                self.connection.execute(f"CREATE SEQUENCE {name}_{called} START 100")
            known.append(redshift.Column(called, of_text(kind), bool(null), default or None, generated, sequence))
        inside = ", ".join(f'"{c.name}" {c.type.duckdb()}' for c in known)
        self.connection.execute(f'CREATE TABLE "{name}" ({inside})')
        if rows:
            self.connection.execute(f'INSERT INTO "{name}" {rows}')
        self.relations[name] = redshift.Relation(known, f'"memory"."main"."{name}"', ("public", name))

    def view(self, name, sql):
        self.relations[name] = redshift.View(sql, ("public", name))

    def function(self, parts, kinds):
        return None

    def relation(self, parts):
        found = self.relations.get(parts[-1])
        if found is None or (len(parts) > 1 and parts[-2] != "public"):
            raise SqlFailed("42P01", f'relation "{".".join(parts)}" does not exist')
        return found

    def setting(self, name):
        return {"timezone": "UTC"}.get(name)

    def value(self, name):
        return {"pg_backend_pid": 42, "pg_last_copy_count": 7}.get(name)

    def privilege(self, kind, user, name, privilege):
        return privilege.lower() == "select"

    def run(self, text, **given):
        """The columns and rows of a statement."""
        compiled = redshift.compile(redshift.parse(text), self, redshift.Parameters(**given))
        for statement in compiled.statements:
            result = self.connection.execute(statement)
        return compiled.columns, result.fetchall()

    @staticmethod
    def text(value):
        """A value as cases write it."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "t" if value else "f"
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return str(value)
