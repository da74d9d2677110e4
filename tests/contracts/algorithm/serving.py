"""Serving: request and response types, and what is refused how."""

import json
from typing import Any

import numpy as np

from lakemill.formats import records
from tests.contracts.algorithm.data import CSV, JSON, JSONLINES, LIBSVM, RECORDIO, data_of, encoded
from tests.contracts.algorithm.workbench import Check, Subject
from tests.contracts.recipes import Recipe, Table


def ping_and_execution_parameters_answer(subject: Subject) -> None:
    assert subject.server.call("GET", "/ping").status == 200
    answer = subject.server.call("GET", "/execution-parameters")
    assert set(json.loads(answer.body)) == {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}
    assert subject.server.call("GET", "/nowhere").status == 404


def requests(subject: Subject, rows: int = 4) -> dict[str, tuple[str, bytes]]:
    """The same records in every request type the algorithm knows: name -> (content type, body)."""
    data = Table(data_of(subject.recipe).features[:rows], None)
    listed = data.features.tolist()
    dense = [{"features": row} for row in listed]
    made = {
        "json": (JSON, json.dumps({"instances": dense}).encode()),
        "json lines": (JSONLINES, "\n".join(json.dumps(one) for one in dense).encode()),
    }
    if CSV in subject.spec.request_types:
        made["csv"] = (CSV, encoded(data, CSV))
    if subject.recipe.numeric:
        made |= _numeric(data)
    return {name: one for name, one in made.items() if one[0] in subject.spec.request_types}


def _numeric(data: Table) -> dict[str, tuple[str, bytes]]:
    """The forms that hold numbers only."""
    listed, width = data.features.tolist(), data.features.shape[1]
    nested = [{"data": {"features": {"values": row}}} for row in listed]
    sparse = [
        {"data": {"features": {"keys": [n for n, value in enumerate(row) if value], "shape": [width],
                               "values": [value for value in row if value]}}}
        for row in listed
    ]  # fmt: skip
    return {
        "json nested": (JSON, json.dumps({"instances": nested}).encode()),
        "json sparse": (JSON, json.dumps({"instances": sparse}).encode()),
        "recordio": (RECORDIO, encoded(data, RECORDIO)),
        "recordio sparse": (RECORDIO, encoded(data, RECORDIO, sparse=True)),
        "libsvm": (LIBSVM, encoded(Table(data.features, np.zeros(len(listed))), LIBSVM)),
    }


def every_request_type_gives_the_same_answer(subject: Subject) -> None:
    absent_is_missing = subject.spec.name == "xgboost"
    answers = {}
    for name, (kind, body) in requests(subject).items():
        answer = subject.server.invoke(body, kind, JSON)
        assert answer.status == 200, f"{name}: {answer.body!r}"
        answers[name] = json.loads(answer.body)[subject.recipe.wrapper]
        assert len(answers[name]) == 4
        assert all(set(subject.recipe.outputs) <= set(one) for one in answers[name]), answers[name][0]
    first = next(iter(answers.values()))
    for name, found in answers.items():
        if absent_is_missing and ("sparse" in name or name == "libsvm"):
            continue  # Trees send a missing value elsewhere than a 0.
        for ours, theirs in zip(first, found, strict=True):
            for output in subject.recipe.outputs:
                np.testing.assert_allclose(ours[output], theirs[output], rtol=1e-4, atol=1e-5, err_msg=name)


def every_response_type_holds_every_record(subject: Subject) -> None:
    kind, body = _usual(subject)
    reference = json.loads(subject.server.invoke(body, kind, JSON).body)[subject.recipe.wrapper]
    for accept in subject.spec.response_types:
        answer = subject.server.invoke(body, kind, accept)
        assert answer.status == 200, f"{accept}: {answer.body!r}"
        assert answer.kind.split(";")[0] == accept
        _holds(answer.body, accept, reference, subject.recipe)


def _usual(subject: Subject) -> tuple[str, bytes]:
    """A request in the type most clients send: CSV where it is known."""
    known = requests(subject)
    return known.get("csv") or next(iter(known.values()))


def _holds(body: bytes, accept: str, reference: list[dict[str, Any]], of: Recipe) -> None:
    if accept == JSON:
        assert json.loads(body)[of.wrapper] == reference
    elif accept == JSONLINES:
        assert [json.loads(line) for line in body.splitlines()] == reference
    elif accept == CSV:
        assert len(body.splitlines()) == len(reference)
    elif accept == RECORDIO:
        for found, expected in zip(records.decode_outputs(body), reference, strict=True):
            for output in of.outputs:
                np.testing.assert_allclose(found[output], np.atleast_1d(expected[output]), rtol=1e-6)


def the_accept_header_is_negotiated(subject: Subject) -> None:
    kind, body = _usual(subject)
    assert subject.server.invoke(body, kind, "*/*").status == 200
    answer = subject.server.invoke(body, kind, f"text/unheard;q=1.0, {JSONLINES};q=0.8, {JSON};q=0.9")
    assert (answer.status, answer.kind) == (200, JSON)
    assert subject.server.invoke(body, kind, "image/png").status == 406


def _instance(features: list[Any]) -> bytes:
    return json.dumps({"instances": [{"features": features}]}).encode()


def _invoke_one(subject: Subject, features: list[Any]) -> Any:
    """One record by CSV, or by JSON where CSV is not known."""
    if CSV in subject.spec.request_types:
        return subject.server.invoke(",".join(map(str, features)).encode() + b"\n", CSV)
    return subject.server.invoke(_instance(features), JSON)


def a_wrong_number_of_features_is_400(subject: Subject) -> None:
    known = data_of(subject.recipe).features.shape[1]
    for width in (known - 1, known + 2):
        answer = _invoke_one(subject, [1] * width)
        assert answer.status == 400, answer
        assert str(width).encode() in answer.body and str(known).encode() in answer.body


def a_number_that_is_none_is_400(subject: Subject) -> None:
    width = data_of(subject.recipe).features.shape[1]
    answer = _invoke_one(subject, [float("nan")] * width)
    refused = (400,) if CSV in subject.spec.request_types else (400, 415)  # JSON knows no NaN.
    assert answer.status in ((200,) if subject.recipe.missing_values else refused), answer


def an_unreadable_body_is_refused(subject: Subject) -> None:
    for kind in subject.spec.request_types:
        answer = subject.server.invoke(b"\x00 this is [no record", kind)
        assert answer.status in (400, 415), f"{kind}: {answer}"
        assert b"Traceback" not in answer.body
    assert subject.server.invoke(b"1,2", "audio/mpeg").status == 415


def an_empty_body_is_no_prediction(subject: Subject) -> None:
    assert subject.server.invoke(b"", _usual(subject)[0]).status in (204, 400)


CHECKS: tuple[Check, ...] = (
    ping_and_execution_parameters_answer,
    every_request_type_gives_the_same_answer,
    every_response_type_holds_every_record,
    the_accept_header_is_negotiated,
    a_wrong_number_of_features_is_400,
    a_number_that_is_none_is_400,
    an_unreadable_body_is_refused,
    an_empty_body_is_no_prediction,
)
