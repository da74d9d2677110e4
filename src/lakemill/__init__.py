"""lakemill: a self-hosted machine-learning platform that speaks AWS."""

__version__ = "0.1.0"
