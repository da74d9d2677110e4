"""Hotspots: the dense regions among the latest records of a stream.

    from lakemill.algorithms.hotspots import HotspotStream

is DBSCAN over a sliding window, kept up record by record.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakemill.algorithms.hotspots.stream import Hotspot, HotspotStream

__all__ = ["Hotspot", "HotspotStream"]


def __getattr__(name: str) -> Any:
    # Lazily, because the package is looked at by programs without NumPy.
    if name in __all__:
        from lakemill.algorithms.hotspots import stream

        return getattr(stream, name)
    raise AttributeError(name)
