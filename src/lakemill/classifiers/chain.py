"""The order in which classifiers are asked: custom ones first, in the order given, then the built-in ones.

The first that is certain (1.0) decides. If none is, the one with the highest certainty; if none knows the file at all,
its classification is UNKNOWN.
"""

import msgspec

from lakemill.classifiers import columnar
from lakemill.classifiers.findings import Finding
from lakemill.classifiers.samples import Sample

BUILT_IN = (*(columnar.orc, columnar.parquet),)
UNKNOWN = "UNKNOWN"


def classify(sample: Sample, custom: list[dict[str, object]] | None = None) -> Finding:
    """What is in the file. Raises MoreNeeded."""
    return _compressed(_first(sample, custom or []), sample)


def _first(sample: Sample, custom: list[dict[str, object]]) -> Finding:
    best = Finding(classification=UNKNOWN, input_format="", output_format="", certainty=0.0)
    for classifier in BUILT_IN:
        found = classifier(sample)
        if found is not None:
            return found
    return best


def _compressed(found: Finding, sample: Sample) -> Finding:
    return msgspec.structs.replace(found, compression=sample.compression)
