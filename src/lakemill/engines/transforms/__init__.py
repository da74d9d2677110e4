"""Transforms that learn from labels, and the task runs in which they do.

transforms   what there is: definitions, and which files hold a transform's labels and what it learned
runs         task runs: started, stopped, ended in transactions, done by the jobs engine
artifacts    those files
"""

from lakemill.engines.transforms.artifacts import Artifacts
from lakemill.engines.transforms.errors import (
    NameTaken,
    NotTaught,
    RunEnded,
    RunMissing,
    TooManyRuns,
    TooManyTransforms,
    TransformMissing,
    TransformsError,
)
from lakemill.engines.transforms.runs import ENDED, LabelsChanged, Result, Runs
from lakemill.engines.transforms.transforms import Transforms

__all__ = [
    "ENDED",
    "Artifacts",
    "LabelsChanged",
    "NameTaken",
    "NotTaught",
    "Result",
    "RunEnded",
    "RunMissing",
    "Runs",
    "TooManyRuns",
    "TooManyTransforms",
    "TransformMissing",
    "Transforms",
    "TransformsError",
]
