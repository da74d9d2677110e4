"""Glue's ML transforms through boto3: asked for labels, taught, measured, tuned, applied."""

import csv
import io

import botocore.session
import numpy as np
import pytest
from botocore.exceptions import ClientError
from tests.journeys.matching import Matching
from tests.unit.matching.people import pair_f1

from lakemill.matching import FindMatches, labels
from lakemill.mltransforms import applying, pulling


@pytest.fixture(scope="session")
def matching(lakemill):
    return Matching(lakemill)


@pytest.fixture(scope="session")
def taught(matching):
    """A transform that was asked for questions and got the right answers; the answers."""
    transform = matching.create(Description="who is who", Tags={"team": "data"})
    key = matching.questions(transform, "ask/")
    answers = matching.answered(matching.read(key).decode())
    matching.teach(transform, matching.put("answers.csv", answers))
    matching.done(transform, matching.glue.start_ml_evaluation_task_run(TransformId=transform))
    return transform, answers


def session_of(lakemill, key, secret):
    """botocore's, as the environment of a job's program would have it make one."""
    session = botocore.session.Session()
    session.set_credentials(key, secret)
    session.set_config_variable("region", "us-east-1")
    session.get_config_variable("endpoint_url")
    session.get_component("config_store").set_config_variable("endpoint_url", lakemill.endpoint)
    return session


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_transform_learns_from_the_answers_to_its_questions(matching, taught):
    transform, answers = taught
    rows = list(csv.reader(io.StringIO(answers)))
    assert rows[0] == ["labeling_set_id", "label", *matching.columns]
    assert len(rows) == 101 and len({row[0] for row in rows[1:]}) == 10
    found = matching.get(transform)
    assert (found["Status"], found["LabelCount"]) == ("READY", 100)
    assert found["Schema"][-1] == {"Name": "height", "DataType": "double"}
    own = FindMatches("id").fit(matching.people, labels.read(answers.encode(), "id"))
    wanted = own.evaluate(matching.people, labels.read(answers.encode(), "id"))
    metrics = found["EvaluationMetrics"]["FindMatchesMetrics"]
    assert metrics["F1"] == pytest.approx(wanted.f1) and metrics["F1"] > 0.9
    assert metrics["AreaUnderPRCurve"] == pytest.approx(wanted.area_under_pr_curve)
    assert metrics["ConfusionMatrix"]["NumTruePositives"] == wanted.true_positives
    assert [one["Importance"] for one in metrics["ColumnImportances"]] == sorted(
        wanted.column_importances.values(), reverse=True
    )


def test_a_job_gets_the_transform_with_its_roles_keys_and_applies_it(lakemill, matching, taught):
    session = session_of(lakemill, lakemill.access_key_id, lakemill.secret)
    matcher = pulling.matcher(taught[0], session)
    found = applying.find_matches(matching.people, matcher, scores=True)
    ids = found.column("match_id").to_numpy()
    entities = np.array([matching.entity[key] for key in found.column("id").to_pylist()])
    assert pair_f1(ids, entities)[2] > 0.9
    assert found.column_names == [*matching.columns, "match_id", "match_confidence_score"]
    both = applying.find_incremental_matches(found.slice(0, 200), matching.people.slice(200), matcher)
    assert both.column("match_id").to_pylist()[:200] == ids.tolist()[:200]
    assert both.column_names == [*matching.columns, "match_id"]
    assert pair_f1(both.column("match_id").to_numpy(), entities)[2] > 0.9


def test_a_transform_is_given_to_those_only_who_may_use_it(lakemill, matching, taught):
    iam, name = matching.iam, f"user-{matching.name}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = session_of(lakemill, key["AccessKeyId"], key["SecretAccessKey"])
    with pytest.raises(pulling.PullRefused) as caught:
        pulling.matcher(taught[0], session)
    assert caught.value.code == "AccessDeniedException"
    assert f"glue:UseMLTransforms on resource: arn:aws:glue:us-east-1:000000000000:mlTransform/{taught[0]}" in str(
        caught.value
    )
    root = session_of(lakemill, lakemill.access_key_id, lakemill.secret)
    with pytest.raises(pulling.PullRefused) as caught:
        pulling.matcher(matching.create(), root)
    assert caught.value.code == "MLTransformNotReadyException"
    with pytest.raises(pulling.PullRefused) as caught:
        pulling.matcher("tfm-none", root)
    assert caught.value.code == "EntityNotFoundException"
