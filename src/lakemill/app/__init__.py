"""Puts lakemill together from settings, and runs it.

`parts` builds engines and services and starts and stops them, `folder` holds the data folder, `page` fills the overview
page, `serving` listens, `extras` looks for what may be installed beside lakemill.
"""

from lakemill.app.extras import flink_environments, spark_on_java
from lakemill.app.folder import AlreadyRunning
from lakemill.app.parts import SERVICES, App, build
from lakemill.app.serving import AddressRefused, main
from lakemill.engines.keys import MasterKeyUnfit
from lakemill.engines.queries import ClusterUnavailable
from lakemill.ports.log import LogUnavailable

__all__ = ["SERVICES", "START_REFUSALS", "App", "build", "flink_environments", "main", "spark_on_java"]

START_REFUSALS = (AddressRefused, AlreadyRunning, ClusterUnavailable, LogUnavailable, MasterKeyUnfit)
"""What `main` raises when people have to put something right first; the text says what."""
