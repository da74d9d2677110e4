"""Where the script of a Spark job runs: on Sail, or on Java.

Scripts do not say it on AWS, where everything is on Java. So it is read from the script: on Java runs one that uses
what Sail has not. `--conf spark.api.mode=classic` (Spark's name for sessions on Java) or `connect` (for those that
reach a server, as Sail is) say it instead.
"""

import ast
import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

MODE, ON_JAVA, ON_SAIL = "spark.api.mode", "classic", "connect"
MODULES = {
    "pyspark.ml": "MLlib",
    "pyspark.mllib": "MLlib",
    "pyspark.rdd": "RDDs",
    "pyspark.accumulators": "accumulators",
    "pyspark.streaming": "Spark Streaming",
    "graphframes": "GraphFrames",
}
_OF_RDDS = (
    *("parallelize", "textFile", "wholeTextFiles", "binaryFiles", "binaryRecords", "sequenceFile", "pickleFile"),
    *("hadoopFile", "hadoopRDD", "newAPIHadoopFile", "newAPIHadoopRDD", "emptyRDD", "runJob", "reduceByKey"),
    *("create_dynamic_frame_from_rdd", "from_rdd", "getNumPartitions"),
)
METHODS = {**dict.fromkeys(_OF_RDDS, "RDDs"), "accumulator": "accumulators", "orc": "ORC by Spark"}
ATTRIBUTES = {"rdd": "RDDs", **dict.fromkeys(("_jvm", "_jsc", "_jdf", "_jsparkSession", "_gateway"), "Java")}
_FORMAT = ("format", "orc")


class ModeWrong(ValueError):
    """spark.api.mode has a value that it cannot have."""


@dataclasses.dataclass(frozen=True)
class Need:
    """what: a name in the script. why: what it belongs to. line: from 1."""

    what: str
    why: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.what} in line {self.line} of {self.file} ({self.why})"


def java(files: Iterable[Path], mode: str | None) -> Need | bool:
    """Whether the script is to run on Java; where that was read from it, by what. Raises ModeWrong.

    mode: as `--conf` says it, or None. files: the script, and modules that come with it.
    """
    if mode not in (None, ON_JAVA, ON_SAIL):
        raise ModeWrong(f"{MODE} must be {ON_JAVA} or {ON_SAIL}; got {mode}.")
    if mode is not None:
        return mode == ON_JAVA
    return next((need for file in files for need in of_file(file)), False)


def of_file(file: Path) -> Iterator[Need]:
    """What a file uses that Sail has not. One that is no Python says so when it runs."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for what, why, line in sorted(of_tree(tree), key=lambda found: found[2]):
        yield Need(what, why, file.name, line)


def of_tree(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """(what, why, line) of each use.

    >>> list(of_tree(ast.parse("sc.parallelize([1]).map(f)\\ndf.write.format('orc').save(p)")))
    [('parallelize', 'RDDs', 1), ('format("orc")', 'ORC by Spark', 2)]
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((one.name, why, node.lineno) for one in node.names if (why := _module(one.name)))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            yield from ((name, why, node.lineno) for name in names[:1] if (why := _module(name)))
            yield from ((name, MODULES[name], node.lineno) for name in names[1:] if name in MODULES)
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            yield node.attr, ATTRIBUTES[node.attr], node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, first = node.func.attr, node.args[0] if node.args else None
            if name in METHODS:
                yield name, METHODS[name], node.lineno
            elif name == _FORMAT[0] and isinstance(first, ast.Constant) and str(first.value).lower() == _FORMAT[1]:
                yield 'format("orc")', METHODS["orc"], node.lineno


def _module(name: str) -> str | None:
    return next((why for module, why in MODULES.items() if name == module or name.startswith(f"{module}.")), None)
