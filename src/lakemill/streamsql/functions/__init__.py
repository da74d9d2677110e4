"""The functions of the dialect that work on one row, by theme."""

from lakemill.streamsql.functions import logs, moments, numbers, text
from lakemill.streamsql.functions.registry import find_function, function_names

__all__ = ["find_function", "function_names", "logs", "moments", "numbers", "text"]
