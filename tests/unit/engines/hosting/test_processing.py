"""Filters and joins of batch jobs."""

import pytest

from lakemill.engines.hosting.batch.processing import CSV, JSON, JSONLINES, Processing, ProcessingError


def test_an_id_column_is_kept_from_the_model_and_put_back_beside_the_answer():
    processing = Processing(CSV, input_filter="$[1:]", output_filter="$[0,-1]", join=True)
    rows = [b'7,"a,b",1.50', b"8,c,2"]
    assert processing.before(rows) == b'"a,b",1.50\nc,2'
    assert processing.after(rows, b"0.1\n0.2\n") == [b"7,0.1", b"8,0.2"]


def test_a_csv_join_keeps_the_text_of_the_cells():
    processing = Processing(CSV, join=True)
    assert processing.after([b"1.50,x"], b"0.10,y") == [b"1.50,x,0.10,y"]


def test_an_object_gets_the_answer_as_a_member():
    processing = Processing(JSONLINES, join=True, output_key="SageMakerOutput", input_key="SageMakerInput")
    records = [b'{"id":1,"f":[1]}', b"[2]"]
    answers = b'{"score":0.5}\n3\n'
    assert processing.after(records, answers) == [
        b'{"id":1,"f":[1],"SageMakerOutput":{"score":0.5}}',
        b'{"SageMakerInput":[2],"SageMakerOutput":3}',
    ]


def test_json_members_are_selected_before_and_after():
    processing = Processing(JSONLINES, "$.f", "$['id','out']", True, output_key="out")
    assert processing.before([b'{"id":1,"f":[1,2]}', b'{"id":2,"f":[3,4]}']) == b"[1,2]\n[3,4]"
    assert processing.after([b'{"id":1,"f":[1,2]}'], b"9") == [b'{"id":1,"out":9}']


def test_a_whole_json_object_is_one_record():
    processing = Processing(JSON, "$.x", "$.out", True, output_key="out")
    assert processing.before([b'{"x":\n [1, 2]}']) == b"[1,2]"
    assert processing.after([b'{"x": [1, 2]}'], b'{"predictions":\n[1]}') == [b'{"predictions":[1]}']


def test_an_output_filter_without_a_join_sees_the_answer_alone():
    assert Processing(CSV, output_filter="$[0]").after([b"1,2"], b"a,b\nc,d\n") == [b"a", b"c"]


@pytest.mark.parametrize(
    ("processing", "answer", "says"),
    [
        (Processing(CSV, output_filter="$[5]"), b"1,2", "out of range"),
        (Processing(CSV, join=True), b"1\n2", "cannot be joined"),
        (Processing(JSONLINES, join=True), b"not json", "output from the algorithm as JSON"),
        (Processing(JSONLINES, output_filter="$.x"), b"[1]", "no JSON object"),
    ],
)
def test_what_does_not_fit_is_an_error(processing, answer, says):
    with pytest.raises(ProcessingError, match=says):
        processing.after([b"1"], answer)
