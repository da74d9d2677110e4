import json
from pathlib import Path

import pytest

from lakemill.formats import jit
from lakemill.formats.records import uniform

CASES = Path(__file__).parents[2] / "cases" / "formats"


def cases(name: str) -> list:
    """The cases of a table as parameters, named as the table names them."""
    return [pytest.param(case, id=case["name"]) for case in json.loads((CASES / f"{name}.json").read_text())]


@pytest.fixture(params=["plain", "compiled"])
def general_path(request, monkeypatch):
    """Takes the shortcut for uniform records away, and always or never uses compiled code."""
    monkeypatch.setattr(uniform, "decode", lambda *_: None)
    size = 0 if request.param == "compiled" else 1 << 60
    monkeypatch.setattr(jit, "COLD_BYTES", size)
    monkeypatch.setattr(jit, "WARM_BYTES", size)


@pytest.fixture(params=["plain", "compiled"])
def either_code(request, monkeypatch):
    """Always or never uses compiled code."""
    size = 0 if request.param == "compiled" else 1 << 60
    monkeypatch.setattr(jit, "COLD_BYTES", size)
    monkeypatch.setattr(jit, "WARM_BYTES", size)
