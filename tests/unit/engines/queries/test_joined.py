import collections
import os

import pytest

from lakemill.engines.objects import Attributes, ObjectMissing
from lakemill.engines.objects.multipart import ListedPart
from lakemill.engines.queries import joined as module
from lakemill.engines.queries.joined import Joined

PART_BYTES = 5 << 20
"""But for the last, a part has no less."""
PIECES = [bytes([number]) * PART_BYTES for number in (1, 2)]


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "joined"


Usage = collections.namedtuple("Usage", "free")


async def in_parts(objects, key, pieces):
    """Write an object in parts."""
    upload = await objects.uploads.begin("lake", key, Attributes())
    listed = []
    for number, piece in enumerate(pieces, start=1):
        part = await objects.uploads.put_part(upload, number, piece)
        listed.append(ListedPart(number, part.etag))
    await objects.uploads.complete("lake", key, upload.upload_id, listed)


async def test_an_object_of_parts_is_put_together_once(objects, kept, tmp_path):
    await in_parts(objects, "a", PIECES)
    joined = Joined(objects, kept)
    for name in ("one", "two"):
        joined.link("lake", "a", tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"".join(PIECES)
    assert os.path.samefile(tmp_path / "one", tmp_path / "two") and len(list(kept.iterdir())) == 1
    await in_parts(objects, "a", PIECES[::-1])
    joined.link("lake", "a", tmp_path / "three")
    assert (tmp_path / "three").read_bytes() == b"".join(PIECES[::-1])


async def test_an_object_of_one_piece_and_a_small_one_are_not_kept(objects, kept, tmp_path):
    await objects.put("lake", "whole", b"".join(PIECES))
    await in_parts(objects, "small", [b"x"])
    joined = Joined(objects, kept)
    joined.link("lake", "whole", tmp_path / "whole")
    joined.link("lake", "small", tmp_path / "small")
    assert (tmp_path / "whole").read_bytes() == b"".join(PIECES) and (tmp_path / "small").read_bytes() == b"x"
    assert not kept.exists()
    with pytest.raises(ObjectMissing):
        joined.link("lake", "nothing", tmp_path / "nothing")


async def test_the_ones_used_last_are_kept(objects, kept, tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Usage(1 << 40))
    joined = Joined(objects, kept, kept_max=5 * PART_BYTES)
    for key in ("a", "b", "c"):
        await in_parts(objects, key, PIECES)
        joined.link("lake", key, tmp_path / key)
    assert len(list(kept.iterdir())) == 2
    assert (tmp_path / "a").read_bytes() == b"".join(PIECES)  # Its name here is its own.
    joined.link("lake", "a", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == b"".join(PIECES)
