"""XML: the elements of one name are the rows; their attributes and the elements in them are the columns.

Without a name from a custom classifier, rows are the elements that come most often directly in the root.
"""

import xml.etree.ElementTree as ElementTree
from collections import Counter
from typing import Any

from lakemill.classifiers.findings import Finding
from lakemill.classifiers.samples import Sample
from lakemill.classifiers.values import Fields, type_of_text

ROWS_MAX = 1000
_PIECE = 4096


def built_in(sample: Sample) -> Finding | None:
    """By `<` at the beginning, and that what follows is XML."""
    text = sample.text
    if text is None or not text.lstrip().startswith("<"):
        return None
    names, depth, root = Counter[str](), 0, ""
    for event, element in _events(sample):
        if event == "start":
            depth += 1
            if depth == 1:
                root = element.tag
            elif depth == 2:
                names[_local(element.tag)] += 1
        else:
            depth -= 1
    if not root:
        return None
    return custom(sample, names.most_common(1)[0][0] if names else _local(root))


def custom(sample: Sample, row_tag: str, classification: str = "xml") -> Finding | None:
    """By a row's name."""
    fields = Fields()
    for event, element in _events(sample):
        if event == "end" and _local(element.tag) == row_tag:
            fields.add(_row(element))
            if fields.records == ROWS_MAX:
                break
    if not fields.records:
        return None
    return Finding(
        classification=classification,
        columns=fields.columns(),
        serde_parameters={"rowTag": row_tag},
        parameters={"rowTag": row_tag},
        records=fields.records,
        bytes=sample.taken,
        record_bytes=len(sample.data) / fields.records,
    )


def _events(sample: Sample) -> Any:
    """Beginnings and ends of elements, as far as the text goes."""
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    data = sample.data
    try:
        for start in range(0, len(data), _PIECE):
            parser.feed(data[start : start + _PIECE])
            yield from parser.read_events()
    except ElementTree.ParseError:
        return


def _row(element: Any) -> dict[str, Any]:
    value = _value(element)
    return value if isinstance(value, dict) else {_local(element.tag): value}


def _value(element: Any) -> Any:
    """An element as JSON has it: its attributes and elements, or its text."""
    found: dict[str, Any] = {_local(name): _text(text) for name, text in element.attrib.items()}
    for child in element:
        name, value = _local(child.tag), _value(child)
        if name in found:
            before = found[name]
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[name] = value
    text = (element.text or "").strip()
    if not found:
        return _text(text)
    return found | ({"_value": _text(text)} if text else {})


def _text(text: str) -> Any:
    if not text:
        return None
    kind = type_of_text(text)
    if kind == "bigint":
        return int(text)
    return float(text) if kind == "double" else True if text in ("true", "false") else text


def _local(name: Any) -> str:
    return str(name).rpartition("}")[2]
