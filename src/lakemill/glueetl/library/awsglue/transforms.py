"""Transforms of dynamic frames."""

from lakemill.glueetl.transforms import *  # noqa: F403
