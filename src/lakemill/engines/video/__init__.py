"""Video streams: fragments of Matroska, kept as they came, watched live and looked up later.

streams      streams, and how long they keep what they get
intake       taking a stream in, with acknowledgements
fragments    what is kept
watching     fragments from some place on, live
clips        fragments as MP4
pictures     frames at some moments
workers      the processes that look into frames
sessions     leave to watch
"""

from lakemill.engines.video.intake import Acknowledgement, Intake
from lakemill.engines.video.streams import Stream, Video

__all__ = ["Acknowledgement", "Intake", "Stream", "Video"]
