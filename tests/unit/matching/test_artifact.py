"""A file that is no fitted matcher is refused, whatever is wrong with it."""

import io
import json

import numpy as np
import pytest

from lakemill.matching import FindMatches
from lakemill.matching.errors import ArtifactError
from tests.unit.matching.people import labelled, people


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    rows, entities = people(100, 60, errors=5)
    path = tmp_path_factory.mktemp("artifact") / "matcher"
    matcher = FindMatches("id", precision_recall_tradeoff=0.7)
    matcher.fit(rows, labelled(matcher.labeling_sets(rows), rows, entities)).save(path)
    return path


def changed(saved, target, **changes):
    with np.load(saved) as archive:
        arrays = {name: archive[name] for name in archive.files}
    about = json.loads(arrays["about"].tobytes())
    for name, value in changes.items():
        if name in arrays:
            arrays[name] = value
        else:
            about[name] = value
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    target.write_bytes(buffer.getvalue())
    return target


def test_parameters_come_back(saved):
    assert FindMatches.load(saved).precision_recall_tradeoff == 0.7


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_other_files_are_refused(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(ArtifactError):
        FindMatches.load(tmp_path / "file")


def test_a_pickled_object_is_not_read(tmp_path, saved):
    with pytest.raises(ArtifactError):
        FindMatches.load(changed(saved, tmp_path / "file", m=np.array([{"a": 1}], object)))


@pytest.mark.parametrize("changes,message", [
    ({"version": 99}, "version 99"),
    ({"kinds": {"first": "name"}}, "do not fit its columns"),
    ({"left": []}, "labels do not fit"),
    ({"matcher": {"slope": 1, "shift": 0, "rounds": 5, "calibration": [1, 0]}, "tree": np.zeros(9, np.uint8)}, "no"),
    ({"matcher": {"slope": 1}}, "no fitted matcher"),
])  # fmt: skip
def test_damage_is_named(tmp_path, saved, changes, message):
    with pytest.raises(ArtifactError, match=message):
        FindMatches.load(changed(saved, tmp_path / "file", **changes))


def test_an_absent_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        FindMatches.load(tmp_path / "absent")
