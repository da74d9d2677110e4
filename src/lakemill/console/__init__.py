"""The web pages: what is there and what it is doing, on the same port."""

from lakemill.console.overview import overview

__all__ = ["overview"]
