"""What task runs do, over a lake of files and a table that is handed in."""

import pytest

from lakemill.lakesql.interface import LakeRefused, Source
from lakemill.matching import FindMatches, labels
from lakemill.mltransforms import reading
from lakemill.mltransforms.interface import Task
from lakemill.mltransforms.tasks import DEEDS, Doing
from tests.unit.matching.people import labelled, people

PEOPLE, ENTITIES = people(60, 40, seed=5)


class Folder:
    """The lake's objects as files."""

    def __init__(self, folder):
        self.folder, self.puts = folder, {}
        folder.mkdir()

    def add(self, name, data):
        (self.folder / name).write_bytes(data)
        return f"s3://lake/{name}"

    def objects(self, location):
        found = sorted(self.folder.iterdir())
        return [Source(f"s3://lake/{one.name}", one.stat().st_size, 0, "") for one in found]

    def fetch(self, uris):
        paths = [self.folder / uri.removeprefix("s3://lake/") for uri in uris]
        if not all(path.exists() for path in paths):
            raise LakeRefused("NoSuchKey", "The specified key does not exist.")
        return [str(path) for path in paths]

    def put(self, data, uri):
        self.puts[uri] = data


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "table", lambda task, lake, folder: PEOPLE)
    return Site(tmp_path)


class Site:
    def __init__(self, folder):
        self.folder, self.lake, self.lines = folder, Folder(folder / "lake"), []

    def do(self, kind, place="", **members):
        task = Task(
            kind=kind, id="tsk-0123456789", database="d", table="t", columns=PEOPLE.column_names,
            parameters={"primary_key": "id"} | members.pop("parameters", {}), place=place, **members,
        )  # fmt: skip
        return DEEDS[kind](Doing(task, self.lake, self.folder, self.lines.append))

    def labels(self):
        """(set, label) of each row that is kept."""
        rows = labels.read_rows(self.folder / "labels.csv", "id")
        return list(zip(rows["labeling_set_id"].to_pylist(), rows["label"].to_pylist(), strict=True))


def answers(round=0, sets=3):
    asked = FindMatches("id", random_state=round).labeling_sets(PEOPLE, sets, 6)
    return labels.write(labelled(asked, PEOPLE, ENTITIES))


def test_questions_have_names_of_their_own_each_time(site):
    first = site.do("LABELING_SET_GENERATION", "s3://lake/ask")
    assert first.written == "s3://lake/ask/tsk-0123456789.csv"
    second = site.do("LABELING_SET_GENERATION", "s3://lake/ask/more.csv", round=1)
    rows = [labels.read_rows(site.lake.puts[one.written], "id", PEOPLE.column_names) for one in (first, second)]
    assert set(rows[0]["labeling_set_id"].to_pylist()) == {f"01234567-{n}" for n in range(1, 11)}
    assert rows[0]["id"].to_pylist() != rows[1]["id"].to_pylist()
    assert site.lines[:2] == ["Reading d.t.", "100 records."]


def test_labels_are_learned_from_and_kept(site):
    text = answers()
    outcome = site.do("IMPORT_LABELS", site.lake.add("a.csv", text), parameters={"enforce_provided_labels": True})
    assert outcome.label_count == 18 and (site.folder / "labels.csv").read_bytes() == text
    matcher = FindMatches.load(site.folder / "model")
    assert matcher.enforce_provided_labels and len(matcher.model_.seen.match) == len(labels.read(text, "id"))


def test_more_labels_are_joined_or_take_the_place_of_all(site):
    known = site.lake.folder / "known"
    known.write_bytes(answers())
    one_set = [line for line in known.read_text().splitlines() if line.startswith(("labeling_set_id", "1,"))]
    corrected = [one_set[0], *("1,same," + line.split(",", 2)[2] for line in one_set[1:])]
    uri = site.lake.add("more.csv", "\n".join(corrected).encode())
    assert site.do("IMPORT_LABELS", uri, labels=str(known)).label_count == 18
    assert [one for one in site.labels() if one[0] == "1"] == [("1", "same")] * 6
    assert site.do("IMPORT_LABELS", uri, labels=str(known), replace=True).label_count == 6
    assert site.labels() == [("1", "same")] * 6


def test_a_folder_of_label_files_is_read_whole(site):
    lines = answers(sets=2).decode().splitlines()
    for number in (1, 2):
        rows = [line for line in lines[1:] if line.startswith(f"{number},")]
        site.lake.add(f"{number}.csv", "\n".join([lines[0], *rows]).encode())
    site.lake.add("README.txt", b"how to label")
    assert site.do("IMPORT_LABELS", "s3://lake/").label_count == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"id,label\n1,A\n", "line 1: The first columns must be labeling_set_id,label; got id,label"),
        (b"labeling_set_id,label,id\n1,A,r1\n1,B,r2\n", "line 1: Columns of the source are missing: first, last, "
         "street, town, born, number, height"),
        (answers(sets=1).replace(b"1,", b",", 1), "line 2: labeling_set_id is empty"),
    ],
)  # fmt: skip
def test_a_wrong_label_file_is_named_with_its_line(site, text, message):
    with pytest.raises(reading.TaskFailed) as caught:
        site.do("IMPORT_LABELS", site.lake.add("a.csv", text))
    assert str(caught.value) == f"s3://lake/a.csv: {message}"


def test_a_folder_without_label_files_is_none(site):
    with pytest.raises(reading.TaskFailed, match=r"there is no .csv file below s3://lake/"):
        site.do("IMPORT_LABELS", "s3://lake/")


def test_an_evaluation_gives_the_figures_of_the_library(site):
    known = site.lake.folder / "known"
    known.write_bytes(answers())
    site.do("IMPORT_LABELS", "s3://lake/known")
    told = site.do("EVALUATION", labels=str(known), model=str(site.folder / "model"))
    wanted = FindMatches.load(site.folder / "model").evaluate(PEOPLE, labels.read(known, "id"))
    assert (told.metrics["f1"], told.importances) == (wanted.f1, wanted.column_importances)
    strict = {"parameters": {"precision_recall_tradeoff": 1.0}}
    assert site.do("EVALUATION", labels=str(known), model=str(site.folder / "model"), **strict).metrics["recall"] <= (
        wanted.recall
    )


def test_an_export_writes_the_labels_there_are(site):
    known = site.lake.folder / "known"
    known.write_bytes(b"labeling_set_id,label,id\n")
    assert site.do("EXPORT_LABELS", "s3://lake/out/", labels=str(known)).written == "s3://lake/out/tsk-0123456789.csv"
    assert site.lake.puts == {"s3://lake/out/tsk-0123456789.csv": known.read_bytes()}
