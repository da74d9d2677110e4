"""FindMatches, FindIncrementalMatches."""

from lakemill.glueetl.finding import FindIncrementalMatches, FindMatches

__all__ = ["FindIncrementalMatches", "FindMatches"]
