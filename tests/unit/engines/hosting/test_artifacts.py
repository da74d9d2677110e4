"""Unpacking archives that nobody has vouched for."""

import io
import tarfile

import pytest

from lakemill.engines.hosting.artifacts import relative_names, unpack
from lakemill.engines.hosting.errors import ArtifactError


def member(name, data=b"", **fields):
    made = tarfile.TarInfo(name)
    made.size = len(data)
    for field, value in fields.items():
        setattr(made, field, value)
    return made, data


def link(name, target, kind=tarfile.SYMTYPE):
    return member(name, type=kind, linkname=target)


def packed(tmp_path, *members, mode="w:gz"):
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, mode) as tar:
        for one, data in members:
            tar.addfile(one, io.BytesIO(data))
    return path


def test_files_folders_and_links_inside_are_unpacked(tmp_path):
    path = packed(
        tmp_path,
        member("./code", type=tarfile.DIRTYPE),
        member("./code/inference.py", b"print()"),
        link("latest", "code/inference.py"),
        link("hard", "code/inference.py", tarfile.LNKTYPE),
        member("run", b"#!", mode=0o755),
    )
    unpack(path, tmp_path / "model")
    assert (tmp_path / "model/code/inference.py").read_bytes() == b"print()"
    assert (tmp_path / "model/latest").read_bytes() == b"print()"
    assert (tmp_path / "model/hard").read_bytes() == b"print()"
    assert (tmp_path / "model/run").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "members",
    [
        [member("../evil", b"x")],
        [member("/etc/evil", b"x")],
        [member("a/../../evil", b"x")],
        [link("out", "../..")],
        [link("out", "/etc/passwd")],
        [link("d", ".."), member("d/evil", b"x")],
        [link("sub", "."), link("up", "sub/sub/../..")],
        [link("sub", "."), link("up", "sub/..")],
        [link("hard", "../outside", tarfile.LNKTYPE)],
        [link("soft", "a"), link("hard", "soft", tarfile.LNKTYPE)],
        [member("dev", type=tarfile.CHRTYPE)],
        [member("pipe", type=tarfile.FIFOTYPE)],
    ],
    ids=lambda members: "+".join(one.name for one, _ in members),
)
def test_nothing_lands_or_points_outside(tmp_path, members):
    (tmp_path / "outside").write_text("secret")
    with pytest.raises(ArtifactError):
        unpack(packed(tmp_path, *members), tmp_path / "box" / "model")
    assert not (tmp_path / "box" / "model").exists()
    assert not (tmp_path / "box" / "evil").exists() and not (tmp_path / "evil").exists()
    assert list((tmp_path / "box").iterdir()) == []


def test_size_and_number_are_limited(tmp_path):
    path = packed(tmp_path, member("a", b"x" * 600), member("b", b"x" * 600))
    with pytest.raises(ArtifactError, match="more than 1000 bytes"):
        unpack(path, tmp_path / "model", bytes_max=1000)
    with pytest.raises(ArtifactError, match="more than 1 members"):
        unpack(path, tmp_path / "model", members_max=1)


@pytest.mark.parametrize("data", [b"", b"not gzip", b"\x1f\x8b\x08\x00"])
def test_what_is_no_archive_is_an_error(tmp_path, data):
    path = tmp_path / "model.tar.gz"
    path.write_bytes(data)
    with pytest.raises(ArtifactError):
        unpack(path, tmp_path / "model")


def test_a_plain_tar_is_refused_as_on_the_real_platform(tmp_path):
    with pytest.raises(ArtifactError, match=r"no(t a readable)? \.tar\.gz"):
        unpack(packed(tmp_path, member("a", b"x"), mode="w"), tmp_path / "model")


def test_keys_of_a_prefix_become_names_below_it():
    assert list(relative_names(["m/", "m/a", "m/b/c"], "m/")) == [("m/a", "a"), ("m/b/c", "b/c")]
    with pytest.raises(ArtifactError):
        list(relative_names(["m/../../etc/passwd"], "m/"))
