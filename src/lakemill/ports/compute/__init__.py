"""Running commands: the port and its adapters."""

from lakemill.ports.compute.embedded import EmbeddedCompute
from lakemill.ports.compute.port import Compute, ComputeRefused, RunSpec, RunState

__all__ = ["Compute", "ComputeRefused", "EmbeddedCompute", "RunSpec", "RunState"]
