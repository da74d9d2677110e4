"""Small files and what they are: the tables of tests/cases/classifiers."""

from pathlib import Path

import pytest
import yaml

from lakemill.classifiers.chain import classify
from lakemill.classifiers.samples import Sample

CASES = Path(__file__).parents[2] / "cases" / "classifiers"


def cases():
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


@pytest.mark.parametrize("case", list(cases()))
def test_a_file_is_what_the_table_says(case):
    data = case["text"].encode()
    custom = [case["custom"]] if "custom" in case else []
    found = classify(Sample(case.get("file", "lake/file"), len(data), data), custom)
    assert found.classification == case["classification"]
    assert [list(one) for one in found.columns] == case["columns"]
    if "serde" in case:
        assert found.serde.rpartition(".")[2] == case["serde"]
    assert case.get("serde_parameters", {}).items() <= found.serde_parameters.items()
    assert case.get("parameters", {}).items() <= found.parameters.items()
