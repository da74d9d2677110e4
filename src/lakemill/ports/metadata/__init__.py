"""Metadata: the documents lakemill keeps about things. See `port` for the promises."""

from lakemill.ports.metadata.embedded import EmbeddedMetadata
from lakemill.ports.metadata.port import Document, Metadata, Reader, Transaction, prefix_end

__all__ = ["Document", "EmbeddedMetadata", "Metadata", "Reader", "Transaction", "prefix_end"]
