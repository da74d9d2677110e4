"""Blobs: the big immutable byte strings lakemill keeps. See `port` for the promises."""

from lakemill.ports.blobs.embedded import EmbeddedBlobs
from lakemill.ports.blobs.port import BlobMissing, Blobs, Writing

__all__ = ["BlobMissing", "Blobs", "EmbeddedBlobs", "Writing"]
