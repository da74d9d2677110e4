"""DynamicFrame, DynamicFrameCollection."""

from lakemill.glueetl.dynamicframe import DynamicFrame, DynamicFrameCollection
from lakemill.glueetl.records import DynamicRecord

__all__ = ["DynamicFrame", "DynamicFrameCollection", "DynamicRecord"]
