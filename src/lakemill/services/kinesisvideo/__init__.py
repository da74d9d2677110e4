"""Kinesis Video Streams: three boto3 clients over one engine
(https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_Reference.html).

    streams   client kinesisvideo: streams and where to find their media
    media     client kinesis-video-media: PutMedia and GetMedia
    archive   client kinesis-video-archived-media: fragments that are kept, clips, sessions
    hls       the pages of an HLS session
"""

from lakemill.services.kinesisvideo.archive import KinesisVideoArchivedMedia
from lakemill.services.kinesisvideo.hls import HLS_PAGES, hls_page
from lakemill.services.kinesisvideo.media import KinesisVideoMedia
from lakemill.services.kinesisvideo.streams import KinesisVideo

__all__ = ["HLS_PAGES", "KinesisVideo", "KinesisVideoArchivedMedia", "KinesisVideoMedia", "hls_page"]
