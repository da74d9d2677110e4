"""Training state on disk."""

from pathlib import Path

import numpy as np
import pytest

from lakemill.algorithms.checkpoints import Checkpoints
from lakemill.algorithms.errors import CustomerError

STATE = {"centers": np.arange(6, dtype=np.float32).reshape(2, 3), "counts": np.int64([4, 5])}


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    Checkpoints(tmp_path, purpose={"k": 3}).save(7, STATE, {"seen": 12, "random": {"state": 2**80}})
    step, arrays, facts = Checkpoints(tmp_path, purpose={"k": 3}).load()
    assert (step, facts) == (7, {"seen": 12, "random": {"state": 2**80}})
    for name, array in STATE.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_without_a_folder_nothing_is_kept() -> None:
    nowhere = Checkpoints()
    nowhere.save(1, STATE)
    assert nowhere.load() is None
    assert not nowhere.due()


def test_an_empty_or_missing_folder_holds_nothing(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path).load() is None
    assert Checkpoints(tmp_path / "not" / "yet").load() is None


def test_the_two_latest_are_kept(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    for step in range(1, 6):
        kept.save(step, STATE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["algo-1-00000004.npz", "algo-1-00000005.npz"]
    assert kept.load().step == 5


def test_what_a_crash_left_unfinished_is_not_looked_at(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    kept.save(1, STATE)
    (tmp_path / ".algo-1-00000002.npz.partial").write_bytes(b"half")
    (tmp_path / "readme.txt").write_text("not ours")
    assert kept.load().step == 1


def test_another_trainings_checkpoint_is_refused_by_what_differs(tmp_path: Path) -> None:
    Checkpoints(tmp_path, purpose={"algorithm": "kmeans", "k": "3"}).save(1, STATE)
    with pytest.raises(CustomerError, match="k was '3' and is '4' now"):
        Checkpoints(tmp_path, purpose={"algorithm": "kmeans", "k": "4"}).load()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no more", b"text"])
def test_a_damaged_one_is_named(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "algo-1-00000001.npz").write_bytes(damage)
    with pytest.raises(CustomerError, match=r"algo-1-00000001\.npz cannot be read"):
        Checkpoints(tmp_path).load()


def test_hosts_go_on_from_the_latest_step_that_all_have(tmp_path: Path) -> None:
    def gather(value: object) -> list[object]:
        return [value, [2, 3]] if isinstance(value, list) else [value, "algo-2"]

    kept = Checkpoints(tmp_path, "algo-1", gather=gather)
    for step in (3, 4):
        kept.save(step, STATE)
    assert kept.load().step == 3
    assert not kept.due()


def test_it_is_due_after_a_while(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path, every_s=0).due()
    assert not Checkpoints(tmp_path, every_s=1000).due()
