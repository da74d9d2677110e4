"""Glue's library for Spark jobs. What it is made of is lakemill.glueetl."""

import pkgutil

# awsglue.utils lies in the library of Python shell jobs.
__path__ = pkgutil.extend_path(__path__, __name__)
