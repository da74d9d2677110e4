"""EXECUTE, PREPARE and DEALLOCATE, as they are recognised."""

import pytest

from lakemill.engines.queries import Refused
from lakemill.engines.resources import Resources
from lakemill.ports.clock import ManualClock
from lakemill.services.athena.prepared import KIND, Prepared, arguments, wanted
from lakemill.services.base import ServiceError

SCOPE = "000000000000/us-east-1"


@pytest.fixture
def clock():
    return ManualClock(1_738_324_800)


@pytest.fixture
def resources(metadata, clock):
    return Resources(metadata, clock)


@pytest.fixture
async def prepared(resources):
    await resources.create(KIND, SCOPE, "primary/late", {"statement": "SELECT ?", "description": ""})
    return Prepared(resources)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("EXECUTE late", []),
        ("execute late;", []),
        ('EXECUTE "late" USING 1', ["1"]),
        ("EXECUTE late\nUSING 'a, ''b''', ARRAY[1, 2], f(1, 2) ;", ["'a, ''b'''", "ARRAY[1, 2]", "f(1, 2)"]),
    ],
)
def test_execute_is_the_prepared_text_with_parameters(prepared, text, given):
    plan = prepared.plan(SCOPE, "primary", text, [])
    assert (plan.body, plan.parameters, plan.local) == ("SELECT ?", given, None)


def test_execute_takes_parameters_from_one_place_only(prepared):
    assert prepared.plan(SCOPE, "primary", "EXECUTE late", ["7"]).parameters == ["7"]
    with pytest.raises(ServiceError, match="not by both"):
        prepared.plan(SCOPE, "primary", "EXECUTE late USING 1", ["7"])


def test_what_was_not_prepared_in_the_workgroup_is_not_there(prepared):
    with pytest.raises(ServiceError, match="PreparedStatement late was not found in workGroup other"):
        prepared.plan(SCOPE, "other", "EXECUTE late", [])


async def test_prepare_and_deallocate_are_carried_out_here(prepared, resources):
    plan = prepared.plan(SCOPE, "primary", "PREPARE two FROM\nSELECT ? -- x\n;", [])
    assert (await plan.local())["outcome"]["substatement"] == "PREPARE"
    assert resources.get(KIND, SCOPE, "primary/two")["statement"] == "SELECT ? -- x"
    with pytest.raises(Refused, match="already exists"):
        await plan.local()
    gone = prepared.plan(SCOPE, "primary", "DEALLOCATE PREPARE two", [])
    assert (await gone.local())["outcome"]["substatement"] == "DEALLOCATE"
    with pytest.raises(Refused, match="was not found"):
        await gone.local()


@pytest.mark.parametrize("text", ["SELECT 1", "EXECUTE", "PREPARE x", "executed late", "SELECT 'EXECUTE late'"])
def test_other_statements_are_left_alone(prepared, text):
    plan = prepared.plan(SCOPE, "primary", text, ["1"])
    assert (plan.body, plan.parameters, plan.local, wanted(text)) == ("", [], None, "")


@pytest.mark.parametrize(
    ("text", "operation"),
    [("EXECUTE x", "Get"), ("PREPARE x FROM SELECT 1", "Create"), ("DEALLOCATE PREPARE x", "Delete")],
)
def test_a_statement_takes_the_permission_of_what_it_amounts_to(text, operation):
    assert wanted(text) == f"{operation}PreparedStatement"


def test_arguments_of_nothing_are_none():
    assert arguments("  ") == []
