"""The command line: `lakemill up | env | run | status | logs | train | algorithms | doctor | demo`."""

from lakemill.cli.main import main

__all__ = ["main"]
