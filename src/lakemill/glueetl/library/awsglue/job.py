"""Job."""

from lakemill.glueetl.job import Job

__all__ = ["Job"]
