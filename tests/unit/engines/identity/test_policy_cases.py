"""The decision tables of tests/cases/policies."""

import json
from pathlib import Path

import pytest

from lakemill.engines.identity import Principal, anonymous, compile_policy
from lakemill.engines.identity.conditions import Context
from lakemill.engines.identity.evaluation import Question, Standing, evaluate

FOLDER = Path(__file__).parents[3] / "cases" / "policies"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['it']}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_text())
]
HOME = "111111111111"
WHO = {
    "user": Principal("user", HOME, f"arn:aws:iam::{HOME}:user/team/ana", "AIDAANAANAANAANAANA", "ana"),
    "role": Principal(
        "role",
        HOME,
        f"arn:aws:sts::{HOME}:assumed-role/etl/nightly",
        "AROAETLETLETLETLETL:nightly",
        "etl",
        role_arn=f"arn:aws:iam::{HOME}:role/jobs/etl",
        session="nightly",
    ),
    "root": Principal("root", HOME, f"arn:aws:iam::{HOME}:root", HOME),
    "service": Principal("service", HOME, "sagemaker.amazonaws.com", "", "sagemaker.amazonaws.com"),
    "anonymous": anonymous(HOME),
    "federated": Principal(
        "user", HOME, f"arn:aws:sts::{HOME}:federated-user/guest", f"{HOME}:guest", "ana", session="guest"
    ),
    "foreigner": Principal("user", "222222222222", "arn:aws:iam::222222222222:user/eve", "AIDAEVE", "eve"),
}


def policy(case, member):
    """The policy of a case's statements, None when it has none."""
    if member not in case:
        return None
    kind = "resource" if member == "resource_policy" else "identity"
    statements = []
    for given in case[member]:
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"} | given
        if kind == "resource" and "NotPrincipal" not in given:
            statement.setdefault("Principal", "*")
        for plain, negated in (("Action", "NotAction"), ("Resource", "NotResource")):
            if negated in given:
                del statement[plain]
        statements.append(statement)
    return compile_policy({"Version": case.get("version", "2012-10-17"), "Statement": statements}, kind)


@pytest.mark.parametrize("case", CASES)
def test_it_is_decided_as_the_table_says(case):
    principal = WHO[case.get("who", "user")]
    action, resource = case.get("action", "s3:GetObject"), case.get("resource", "arn:aws:s3:::lake/a/b.csv")
    held, bound, session = (policy(case, member) for member in ("identity", "boundary", "session"))
    standing = Standing(
        () if held is None else (held,),
        None if bound is None else (bound,),
        None if session is None else (session,),
    )
    decision = evaluate(
        Question(principal, action, resource, Context(case.get("context", {}))),
        standing,
        policy(case, "resource_policy"),
        cross_account=principal.account != HOME,
        strict=case.get("strict", False),
    )
    if decision.allowed:
        found = "allowed"
    else:
        found = f"{'deny in' if decision.explicit else 'no'} {decision.policy_type}"
        assert action in decision.reason
        assert resource in decision.reason
    assert found == case["expect"]


def test_there_are_cases_enough_and_each_is_told_once():
    sentences = [case.values[0]["it"] for case in CASES]
    assert len(sentences) >= 60
    assert len(sentences) == len(set(sentences))
