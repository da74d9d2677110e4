"""GlueContext."""

from lakemill.glueetl.context import GlueContext

__all__ = ["GlueContext"]
