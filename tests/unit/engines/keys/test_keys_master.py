"""The master key: made once, kept to oneself, missed when it is gone."""

import stat

import pytest

from lakemill.engines.keys import Keys, MasterKeyUnfit
from lakemill.engines.keys.master import MasterKey

SCOPE = "000000000000/us-east-1"


def test_the_file_is_for_its_owner_only(tmp_path):
    MasterKey(tmp_path / "master.key")
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600


def test_what_is_sealed_is_bound_to_what_it_is_about(tmp_path):
    master = MasterKey(tmp_path / "master.key")
    sealed = master.seal(b"secret", b"key 1")
    assert b"secret" not in sealed
    assert MasterKey(tmp_path / "master.key").open(sealed, b"key 1") == b"secret"
    with pytest.raises(MasterKeyUnfit):
        master.open(sealed, b"key 2")


async def test_without_its_master_key_a_store_is_not_opened(keys, metadata, clock, tmp_path):
    await keys.create(SCOPE)
    (tmp_path / "master.key").rename(tmp_path / "elsewhere")
    with pytest.raises(MasterKeyUnfit, match="is missing"):
        Keys(metadata, clock, tmp_path / "master.key")
    assert not (tmp_path / "master.key").exists()


async def test_with_another_master_key_a_store_is_not_opened(keys, metadata, clock, tmp_path):
    MasterKey(tmp_path / "other.key")
    with pytest.raises(MasterKeyUnfit, match="is not the master key"):
        Keys(metadata, clock, tmp_path / "other.key")


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31])
def test_a_file_that_holds_no_key_is_told_of(tmp_path, text):
    (tmp_path / "master.key").write_text(text)
    with pytest.raises(MasterKeyUnfit, match="64 hexadecimal digits"):
        MasterKey(tmp_path / "master.key")


async def test_no_material_lies_open_in_the_store(keys, tmp_path):
    key = await keys.create(SCOPE, spec="HMAC_256", usage="GENERATE_VERIFY_MAC")
    material = keys.material(key)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("metadata.sqlite*"))
    assert key.id.encode() in kept
    assert material not in kept
