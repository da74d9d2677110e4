"""A warehouse with everything that serves it: its instance, the port, the platform's calls."""

from lakemill.warehouse.batches import Batches
from lakemill.warehouse.instance import Instance
from lakemill.warehouse.interface import Warehouse
from lakemill.warehouse.platform import Platform
from lakemill.warehouse.refreshing import Refresher
from lakemill.warehouse.settings import check_defaults
from lakemill.warehouse.snapshots import snapshot
from lakemill.warehouse.wire.server import Server


class Opened:
    """Made by opening; `close` ends it."""

    def __init__(self, options: Warehouse, platform: Platform) -> None:
        """Raises SqlFailed, duckdb.Error, and OSError where the port is taken."""
        check_defaults(options.parameters)
        self._instance = Instance(options, platform)
        self.batches = Batches(self._instance)
        self._server = Server(self._instance)
        self._refresher = Refresher(self._instance)
        self._refresher.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def configure(self, parameters: dict[str, str]) -> None:
        """Other defaults for sessions that come. Raises SqlFailed."""
        check_defaults(parameters)
        self._instance.parameters = dict(parameters)

    def snapshot(self, folder: str) -> int:
        """A copy of everything. Raises OSError."""
        return snapshot(self._instance, folder)

    def close(self) -> None:
        """Everything is in the files on return."""
        self._server.close()
        self._refresher.close()
        self._instance.close()
