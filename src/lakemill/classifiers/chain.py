"""The order in which classifiers are asked: custom ones first, in the order given, then the built-in ones.

The first that is certain (1.0) decides. If none is, the one with the highest certainty; if none knows the file at all,
its classification is UNKNOWN.
"""

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lakemill.classifiers import avro, bson, columnar, csvfiles, ion, jsonfiles, logs, xmlfiles
from lakemill.classifiers.findings import Finding
from lakemill.classifiers.samples import Sample
from lakemill.formats.grok import Grok

Classifier = Callable[[Sample], Finding | None]
BUILT_IN: tuple[Classifier, ...] = (
    *(avro.avro, columnar.orc, columnar.parquet, jsonfiles.built_in, bson.bson, xmlfiles.built_in, ion.ion),
    *(logs.built_in, csvfiles.built_in),
)
UNKNOWN = "UNKNOWN"
_KNOWN_WHOLE = (avro.avro, columnar.orc, columnar.parquet)
"""Formats that pack their own parts: a file that is packed as a whole is none of them."""


def classify(sample: Sample, custom: Sequence[dict[str, Any]] = ()) -> Finding:
    """What is in a file. custom: definitions of classifiers, as Glue has them. Raises MoreNeeded."""
    best: Finding | None = None
    for classifier in (*map(custom_classifier, custom), *BUILT_IN):
        if classifier in _KNOWN_WHOLE and sample.compression != "none":
            continue
        found = classifier(sample)
        if found is not None and (best is None or found.certainty > best.certainty):
            best = found
        if best is not None and best.certainty >= 1.0:
            break
    if best is None:
        best = Finding(classification=UNKNOWN, input_format="", output_format="", certainty=0.0)
    return msgspec.structs.replace(best, compression=sample.compression)


def custom_classifier(definition: dict[str, Any]) -> Classifier:
    """The classifier of a definition: `kind` (grok, json, xml or csv) and Glue's members. Raises ValueError."""
    return _custom(json.dumps(definition, sort_keys=True))


@functools.lru_cache(64)
def _custom(text: str) -> Classifier:
    definition = json.loads(text)
    kind = definition["kind"]
    if kind == "grok":
        expression = Grok(definition["grok_pattern"], definition.get("custom_patterns", ""))
        if not expression.columns:
            raise ValueError("GrokPattern must name at least one field.")
        return functools.partial(logs.custom, definition=definition, expression=expression)
    if kind == "json":
        return functools.partial(jsonfiles.custom, path=jsonfiles.parse_path(definition["json_path"]))
    if kind == "xml":
        row_tag = definition.get("row_tag", "")
        if not row_tag or row_tag.strip("<>/ ") != row_tag:
            raise ValueError(f"RowTag must be the name of an element; got {row_tag!r}.")
        return functools.partial(xmlfiles.custom, row_tag=row_tag, classification=definition["classification"])
    if problem := csvfiles.problem_of(definition):
        raise ValueError(problem)
    return functools.partial(csvfiles.custom, definition=definition)
