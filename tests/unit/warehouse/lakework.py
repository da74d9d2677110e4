"""A warehouse over a lake in a folder of this machine, for what COPY, UNLOAD and Spectrum do."""

import itertools
import shutil

from lakemill.lakesql.interface import LakeRefused
from lakemill.warehouse.instance import Instance
from lakemill.warehouse.interface import Warehouse
from lakemill.warehouse.loading.history import TABLES
from tests.unit.lakesql.folder_lake import FolderLake


class Undoing(FolderLake):
    """Knows what a piece of work stored, so that its end can take it back."""

    def __init__(self, root):
        super().__init__(root)
        self.stored, self.authorizations = [], []

    def store(self, path, uri):
        super().store(path, uri)
        self.stored.append(uri)


class Platform:
    """`warehouse.platform.Platform` over a lake."""

    def __init__(self, scratch):
        self.scratch, self.lake_, self.numbers = scratch, None, itertools.count()

    def begin(self, authorization):
        self.lake_.authorizations.append(authorization)
        folder = self.scratch / "lakes" / str(next(self.numbers))
        folder.mkdir(parents=True)
        return {"lake": folder.name, "folder": str(folder)}

    def lake(self, lake, question, arguments):
        return self.lake_.answered(question, arguments)

    def end(self, lake, keep):
        stored, self.lake_.stored = self.lake_.stored, []
        for uri in () if keep else stored:
            self.lake_.path(uri).unlink(missing_ok=True)


class Site:
    """A warehouse with one session of its superuser. lake: its bucket `lake` is there, and a database `sales`."""

    def __init__(self, folder, new=True):
        self.scratch = folder / "scratch"
        self.platform = Platform(self.scratch)
        options = Warehouse(folder=str(folder / "data"), scratch=str(self.scratch), threads=1)
        self.warehouse = Instance(options, self.platform)
        self.session = self.warehouse.session("awsuser", "dev")
        for table, columns in TABLES.items():
            self.warehouse.history.make(table, columns)
        if new:
            self.clear()

    def clear(self):
        """As it was at the beginning."""
        self.session.transaction.rollback()
        self.session.values.clear()
        shutil.rmtree(self.scratch / "s3", ignore_errors=True)
        shutil.rmtree(self.scratch / "lakes", ignore_errors=True)
        self.lake = self.platform.lake_ = Undoing(self.scratch / "s3")
        (self.scratch / "s3" / "lake").mkdir()
        self.lake.create_database({"Name": "sales"})
        self.lake.authorizations.clear()
        for name, schema in self.session.store.all("schema", "dev").items():
            if schema.external is not None:
                self.run(f"DROP SCHEMA {name}")
        for schema, name, _ in self.session.store.relations("dev"):
            self.run(f'DROP TABLE {schema}."{name}"')
        self.session.transaction.rollback()
        self._first = self.warehouse.history.number()

    def run(self, text):
        """Carry out a statement, and commit it if it stands alone."""
        try:
            return self.session.execute(text)
        finally:
            self.session.sync()

    def make(self, name, *columns):
        self.run(f"CREATE TABLE {name} ({', '.join(columns)})")

    def rows(self, query):
        """The rows of a query, or of a table."""
        result = self.session.execute(query if " " in query else f"SELECT * FROM {query}")
        found = [tuple(row.values()) for batch in result.batches for row in batch.to_pylist()]
        self.session.sync()
        return found

    def told(self, table, columns="*"):
        """Rows that a system table has got since the beginning."""
        return self.warehouse.history.read(f"SELECT {columns} FROM history.{table} WHERE query > {self._first}")

    def close(self):
        self.warehouse.close()


def refused(code):
    return LakeRefused(code, "refused")
