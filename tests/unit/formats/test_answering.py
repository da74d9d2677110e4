"""Processes that answer messages."""

import importlib
import sys

import pytest

from lakemill.formats.answering import do_without


def test_a_package_that_is_done_without_is_absent_for_all(monkeypatch, tmp_path):
    (tmp_path / "spare_package.py").write_text("there = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    do_without("spare_package")
    with pytest.raises(ModuleNotFoundError, match="does without spare_package"):
        importlib.import_module("spare_package")
    assert importlib.import_module("json")
