"""Amazon Ion: recognized by the marks at its beginning. Its schema is not read."""

from lakemill.classifiers.findings import Finding
from lakemill.classifiers.samples import Sample

_BINARY, _TEXT = b"\xe0\x01\x00\xea", b"$ion_1_"


def ion(sample: Sample) -> Finding | None:
    """By the version marker of binary Ion, or that of text."""
    data = sample.data
    if not data.startswith(_BINARY) and not data.lstrip().startswith(_TEXT):
        return None
    return Finding(
        classification="ion",
        input_format="com.amazon.ionhiveserde.formats.IonInputFormat",
        output_format="com.amazon.ionhiveserde.formats.IonOutputFormat",
        serde="com.amazon.ionhiveserde.IonHiveSerDe",
        note="it is Amazon Ion, of which the schema is not read; give the table its columns by hand",
    )
