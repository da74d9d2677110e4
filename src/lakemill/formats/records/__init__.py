"""RecordIO-protobuf (`application/x-recordio-protobuf`): frames, each one serialised aialgs.data Record.

The wire format is read and written here by hand, by the block: no protobuf library, no object per record.
"""

from lakemill.formats.records.reader import blocks, decode, iter_blocks
from lakemill.formats.records.tensors import decode_features, decode_outputs
from lakemill.formats.records.writer import encode, encode_outputs

__all__ = ["blocks", "decode", "decode_features", "decode_outputs", "encode", "encode_outputs", "iter_blocks"]
