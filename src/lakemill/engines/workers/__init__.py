"""Processes of lakemill's own that work for it alone, and end with it."""

from lakemill.engines.workers.memory import keep_memory
from lakemill.engines.workers.process import KEPT, Worker, kept_environment, let_go

__all__ = ["KEPT", "Worker", "keep_memory", "kept_environment", "let_go"]
