"""Glue's ML transforms through boto3: asked for labels, taught, measured, tuned, applied."""

import csv
import io

import pytest
from botocore.exceptions import ClientError
from tests.journeys.matching import Matching
from tests.unit.matching.people import pair_f1

from lakemill.matching import FindMatches, labels


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
