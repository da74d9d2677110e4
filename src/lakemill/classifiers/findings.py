"""What a classifier gives: the format of a file, its columns, and how Hive reads it."""

import msgspec

TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"


class Finding(msgspec.Struct, kw_only=True):
    """A file's format and schema. An empty serde means that Hive has none for it."""

    classification: str
    columns: list[tuple[str, str]] = []
    """Names in lower case, and Hive types."""
    serde: str = ""
    serde_parameters: dict[str, str] = {}
    input_format: str = TEXT_INPUT
    output_format: str = TEXT_OUTPUT
    parameters: dict[str, str] = {}
    """What the table's parameters say of the format."""
    records: float = 0
    """Records in the part that was read, or in the whole file where the format tells."""
    bytes: float = 0
    """Bytes of the file that hold them."""
    record_bytes: float = 0
    """Unpacked bytes of a record, on average."""
    compression: str = "none"
    certainty: float = 1.0
    note: str = ""
    """A sentence for the log."""


class MoreNeeded(Exception):
    """The classifier has to see more of the file. Fields: head, tail (bytes of its beginning and end)."""

    def __init__(self, *, head: int = 0, tail: int = 0) -> None:
        super().__init__(f"more is needed: {head} bytes at the beginning, {tail} at the end")
        self.head, self.tail = head, tail
