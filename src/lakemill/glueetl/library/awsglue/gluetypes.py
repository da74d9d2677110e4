"""Types of dynamic frames."""

from lakemill.glueetl.gluetypes import *  # noqa: F403
