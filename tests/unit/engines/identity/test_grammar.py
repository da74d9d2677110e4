"""Policy documents by the grammar, and not."""

import json

import pytest

from lakemill.engines.identity import PolicyMalformed, compile_policy
from lakemill.engines.identity.policy import size

GOOD = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def document(*statements, **fields):
    return {"Version": "2012-10-17", "Statement": list(statements), **fields}


def without(*names, **changes):
    return {name: value for name, value in (GOOD | changes).items() if name not in names}


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ({"Statement": GOOD}, "identity"),
        (document(GOOD, GOOD | {"Sid": "a1"}, Id="x"), "identity"),
        (document(without("Action", NotAction=["s3:*", "*"])), "identity"),
        (document(without("Resource", NotResource="arn:aws:s3:::b")), "identity"),
        (document(GOOD | {"Principal": "*"}), "resource"),
        (
            document(GOOD | {"Sid": "with spaces", "NotPrincipal": {"AWS": "111111111111"}, "Effect": "Deny"}),
            "resource",
        ),
        (document(GOOD | {"Principal": {"CanonicalUser": "79a59d", "Federated": "x.com"}}), "resource"),
        (document(without("Resource", Action="sts:AssumeRole", Principal={"Service": ["a.b", "c.d"]})), "trust"),
    ],
)
def test_documents_by_the_grammar_are_taken(made, kind):
    assert compile_policy(made, kind).statements
    assert compile_policy(json.dumps(made), kind).statements


@pytest.mark.parametrize(
    ("made", "kind", "said"),
    [
        ({}, "identity", "Syntax errors"),
        ({"Statement": []}, "identity", "Syntax errors"),
        ({"Statement": "x"}, "identity", "Syntax errors"),
        ({"Statement": [1]}, "identity", "Syntax errors"),
        (document(GOOD, Extra=1), "identity", "Syntax errors"),
        (document(GOOD | {"Extra": 1}), "identity", "Syntax errors"),
        (document(GOOD) | {"Version": "2012"}, "identity", "valid version string"),
        (document(GOOD | {"Effect": "allow"}), "identity", "Syntax errors"),
        (document(GOOD | {"NotAction": "s3:*"}), "identity", "Syntax errors"),
        (document(GOOD | {"NotResource": "*"}), "identity", "Syntax errors"),
        (document(without("Action")), "identity", "must contain actions"),
        (document(GOOD | {"Action": []}), "identity", "must contain actions"),
        (document(GOOD | {"Action": [1]}), "identity", "Syntax errors"),
        (document(GOOD | {"Action": "s3"}), "identity", "prefaced by a vendor"),
        (document(GOOD | {"Action": "s3:Get:x"}), "identity", "only one colon"),
        (document(GOOD | {"Action": "s*:Get"}), "identity", "Vendor s\\* is not valid"),
        (document(without("Resource")), "identity", "must contain resources"),
        (document(GOOD | {"Resource": "lake"}), "identity", "must be in ARN format"),
        (document(GOOD | {"Sid": "a b"}), "identity", "alpha-numeric"),
        (document(GOOD | {"Sid": "a"}, GOOD | {"Sid": "a"}), "identity", "must be unique"),
        (document(GOOD | {"Principal": "*"}), "identity", "should not specify a principal"),
        (document(GOOD | {"Condition": []}), "identity", "Syntax errors"),
        (document(GOOD | {"Condition": {"StringEqual": {"a:b": "c"}}}), "identity", "Invalid Condition type"),
        (document(GOOD | {"Condition": {"NullIfExists": {"a:b": "true"}}}), "identity", "Invalid Condition type"),
        (document(GOOD | {"Condition": {"StringEquals": "x"}}), "identity", "Syntax errors"),
        (document(GOOD | {"Condition": {"StringEquals": {"a:b": {}}}}), "identity", "Syntax errors"),
        (document(GOOD), "resource", "Missing required field Principal"),
        (document(GOOD | {"Principal": {"AWS": "arn:aws:iam::111111111111:user/*"}}), "resource", "Invalid principal"),
        (document(GOOD | {"Principal": {"Human": "x"}}), "resource", "Invalid principal"),
        (document(GOOD | {"Principal": "ana"}), "resource", "Invalid principal"),
        (document(GOOD | {"Principal": "*"}), "trust", "only specify STS AssumeRole actions"),
        (document(GOOD | {"Action": "sts:AssumeRole", "Principal": "*"}), "trust", "prohibited field Resource"),
        (document(without("Resource", Action="sts:AssumeRole")), "trust", "Missing required field Principal"),
    ],
)
def test_documents_against_the_grammar_are_refused_saying_why(made, kind, said):
    with pytest.raises(PolicyMalformed, match=said):
        compile_policy(made, kind)


@pytest.mark.parametrize("text", ["", "{", "nothing", '{"Statement": [], "Statement": []}', "[]", '"x"'])
def test_texts_that_are_no_document_are_refused(text):
    with pytest.raises(PolicyMalformed):
        compile_policy(text)


def test_white_space_does_not_count_towards_the_size():
    assert size('{ "a" :\n\t1 }') == len('{"a":1}')


def test_the_keys_a_policy_asks_for_are_known():
    made = document(
        GOOD
        | {"Resource": "arn:aws:s3:::b/${aws:username}", "Condition": {"StringLike": {"s3:Prefix": "${aws:userid}"}}}
    )
    assert compile_policy(made).context_keys() == {
        "aws:username": "aws:username",
        "aws:userid": "aws:userid",
        "s3:prefix": "s3:Prefix",
    }
