"""SQL on streams: the dialect of Kinesis Data Analytics for SQL applications, as a library.

`compile` turns code into a `Program`, which takes Arrow batches, keeps windows, and gives Arrow batches.
"""

from lakemill.streamsql.compiling import compile
from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.interface import Operator, TableFunction, register
from lakemill.streamsql.program import Program

__all__ = ["Operator", "Program", "SqlError", "TableFunction", "compile", "register"]
