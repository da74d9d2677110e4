import json

import pytest
from training_world import ROLE, FakeIdentity, World, channel

from lakemill.services.sagemaker.access import ClientFailure, RoleAccess
from lakemill.services.sagemaker.channels import Channels


@pytest.fixture
async def world(tmp_path):
    made = await World(tmp_path).start()
    yield made
    await made.close()


@pytest.fixture
def channels(world):
    return Channels(world.objects, RoleAccess(FakeIdentity(), world.objects, ROLE), "us-east-1")


async def fetched(world, channels, folder, uri, *keys, **members):
    """Paths below the channel's folder after a download."""
    for key in keys:
        await world.put(key, f"bytes of {key}".encode())
    channels.fetch(channel("train", uri, **members), folder, lambda: None)
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("uri", "keys", "paths"),
    [
        ("s3://data/p/", ["p/x/y.csv", "p/z"], ["x/y.csv", "z"]),
        ("s3://data/p", ["p/x/y.csv", "p/z"], ["x/y.csv", "z"]),
        ("s3://data/p/one.csv", ["p/one.csv"], ["one.csv"]),
        ("s3://data/p/one", ["p/one.csv", "p/one.txt"], ["one.csv", "one.txt"]),
        ("s3://data/p/tr", ["p/train/a", "p/train-01/b", "p/tr.csv"], ["train/a", "train-01/b", "tr.csv"]),
        ("s3://data/p/train", ["p/train/a", "p/train-01/b"], ["train/a", "train-01/b"]),
        ("s3://data/p/k.csv", ["p/k.csv", "p/k.csv.bak"], ["k.csv", "k.csv.bak"]),
        ("s3://data/q", ["q1", "q2/a"], ["q1", "q2/a"]),
    ],
)
async def test_a_prefix_is_laid_out_as_aws_does(world, channels, tmp_path, uri, keys, paths):
    found = await fetched(world, channels, tmp_path / "channel", uri, *keys)
    assert sorted(found) == sorted(paths)
    assert sorted(found.values()) == sorted(f"bytes of {key}" for key in keys)


async def test_folder_markers_are_left_out(world, channels, tmp_path):
    await world.put("m/", b"")
    await world.put("m/sub/", b"")
    assert list(await fetched(world, channels, tmp_path / "channel", "s3://data/m/", "m/a")) == ["a"]


async def test_a_prefix_that_matches_nothing_fails_with_awss_advice(world, channels, tmp_path):
    with pytest.raises(ClientFailure) as caught:
        await fetched(world, channels, tmp_path / "channel", "s3://data/none/")
    text = str(caught.value)
    assert text.startswith('Data download failed: No S3 objects found under S3 URL "s3://data/none/" given in')
    assert "us-east-1" in text
    assert ROLE in text
    assert '"s3:ListBucket"' in text


async def test_a_missing_bucket_fails_the_same_way(world, channels, tmp_path):
    with pytest.raises(ClientFailure, match="No S3 objects found"):
        await fetched(world, channels, tmp_path / "channel", "s3://absent/x/")


@pytest.mark.parametrize("key", ["bad/../../escape", "bad/./x", "bad/x/../y"])
async def test_a_key_cannot_leave_the_channels_folder(world, channels, tmp_path, key):
    with pytest.raises(ClientFailure, match="cannot be a file"):
        await fetched(world, channels, tmp_path / "channel", "s3://data/bad/", key)
    assert not (tmp_path / "escape").exists()


async def test_a_file_that_would_be_a_folder_too_is_refused(world, channels, tmp_path):
    with pytest.raises(ClientFailure, match="both a file and a folder"):
        await fetched(world, channels, tmp_path / "channel", "s3://data/c/", "c/a", "c/a/b")


class TestManifest:
    async def read(self, world, channels, folder, manifest, *keys):
        await world.put("list.manifest", manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode())
        return await fetched(world, channels, folder, "s3://data/list.manifest", *keys, S3DataType="ManifestFile")

    async def test_names_are_joined_to_the_prefix_and_keep_their_paths(self, world, channels, tmp_path):
        manifest = [{"prefix": "s3://data/some/"}, "a.pbr", "deep/b.pbr"]
        found = await self.read(
            world, channels, tmp_path / "c", manifest, "some/a.pbr", "some/deep/b.pbr", "some/other"
        )
        assert found == {"a.pbr": "bytes of some/a.pbr", "deep/b.pbr": "bytes of some/deep/b.pbr"}

    async def test_a_prefix_may_end_within_a_name(self, world, channels, tmp_path):
        found = await self.read(world, channels, tmp_path / "c", [{"prefix": "s3://data/part"}, "-1"], "part-1")
        assert found == {"-1": "bytes of part-1"}

    async def test_a_missing_object_fails(self, world, channels, tmp_path):
        with pytest.raises(ClientFailure, match=r"NoSuchKey.*s3://data/some/gone"):
            await self.read(world, channels, tmp_path / "c", [{"prefix": "s3://data/some/"}, "gone"])

    @pytest.mark.parametrize(
        "manifest", [b"not json", [], ["a"], [{"prefix": ""}, "a"], [{"prefix": "s3://data/"}, 3], {"prefix": "x"}]
    )
    async def test_a_mangled_manifest_is_the_users_mistake(self, world, channels, tmp_path, manifest):
        with pytest.raises(ClientFailure, match=r"Manifest file s3://data/list\.manifest"):
            await self.read(world, channels, tmp_path / "c", manifest)

    async def test_a_missing_manifest_is_the_users_mistake(self, world, channels, tmp_path):
        with pytest.raises(ClientFailure, match="does not exist"):
            await fetched(world, channels, tmp_path / "c", "s3://data/gone.manifest", S3DataType="ManifestFile")
