"""Results in the text forms that clients of Athena read: `write` for queries, `write_lines` for DDL."""

from lakemill.lakesql.results.writer import described, write, write_lines

__all__ = ["described", "write", "write_lines"]
