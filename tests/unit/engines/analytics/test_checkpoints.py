"""Checkpoints: whole or not there, and for which programs they are good."""

from lakemill.engines.analytics.checkpoints import Checkpoints, fingerprint

PROGRAM = {"code": "c", "inputs": [{"prefix": "S"}], "references": [{"table": "T", "form": {}, "data": b"1"}]}


def test_the_last_one_saved_is_loaded(tmp_path):
    checkpoints = Checkpoints(tmp_path / "analytics")
    assert checkpoints.load("a") is None
    for run in (1, 2):
        checkpoints.save("a", {"run": run, "positions": {"1.1": {"0": 7}}, "snapshot": b"\x00\xff", "fingerprint": "f"})
    assert Checkpoints(tmp_path / "analytics").load("a") == {
        "run": 2, "positions": {"1.1": {"0": 7}}, "snapshot": b"\x00\xff", "fingerprint": "f",
    }  # fmt: skip
    checkpoints.remove("a")
    checkpoints.remove("a")
    assert checkpoints.load("a") is None


def test_one_that_was_cut_off_does_not_count(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save("a", {"run": 1})
    (tmp_path / "a.new").write_bytes(b"\x81\xa3ru")
    assert checkpoints.load("a") == {"run": 1}


def test_a_state_fits_programs_of_the_same_code_inputs_and_tables():
    same = PROGRAM | {"outputs": ["other"], "references": [{"table": "T", "form": {}, "data": b"2"}]}
    assert fingerprint(same | {"outputs": []}) == fingerprint(PROGRAM | {"outputs": ["x"]})
    for other in ({"code": "d"}, {"inputs": []}, {"references": []}):
        assert fingerprint(PROGRAM | other) != fingerprint(PROGRAM)
