"""The tables of tests/cases/streamsql: code, rows with their times, rows expected."""

import pytest

from tests.unit.streamsql.harness import Run, load

CASES = load()


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_the_rows_come_out_as_the_table_says(case):
    run = Run(case)
    for step in run.steps():
        run.step(*step)
    assert run.results() == case["expect"]
    assert run.errors() == case.get("errors", [])


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_the_rows_are_the_same_when_the_program_is_stopped_after_every_batch(case):
    run = Run(case)
    for step in run.steps():
        run.step(*step)
        run.renew()
    assert run.results() == case["expect"]
    assert run.errors() == case.get("errors", [])
