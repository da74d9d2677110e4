import pytest

from lakemill.engines.resources import (
    ResourceExists,
    ResourceMissing,
    Resources,
    TokenMangled,
    TooManyTags,
    by_name,
    enter,
)
from lakemill.ports.clock import ManualClock
from lakemill.ports.metadata import EmbeddedMetadata

HERE, THERE = "000000000000/us-east-1", "000000000000/eu-west-1"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def resources(tmp_path, clock):
    metadata = EmbeddedMetadata(tmp_path / "m.sqlite", clock)
    yield Resources(metadata, clock)
    metadata.close()


async def test_a_resource_has_its_name_scope_times_and_tags(resources, clock):
    made = await resources.create("model", HERE, "churn", {"image": "i"}, {"team": "a"})
    assert resources.get("model", HERE, "churn") == made
    assert made == {
        "image": "i",
        "name": "churn",
        "scope": HERE,
        "created": clock.now(),
        "modified": clock.now(),
        "tags": {"team": "a"},
    }


async def test_a_name_is_taken_once_per_kind_and_scope(resources):
    await resources.create("model", HERE, "a", {})
    with pytest.raises(ResourceExists):
        await resources.create("model", HERE, "a", {})
    await resources.create("model", THERE, "a", {})
    await resources.create("endpoint", HERE, "a", {})


async def test_a_missing_resource_says_so(resources):
    assert resources.find("model", HERE, "a") is None
    for attempt in (
        lambda: resources.update("model", HERE, "a", dict.clear),
        lambda: resources.delete("model", HERE, "a"),
        lambda: resources.tag("model", HERE, "a", {}),
    ):
        with pytest.raises(ResourceMissing, match="no model is named 'a'"):
            await attempt()


async def test_an_update_is_whole_or_nothing(resources, clock):
    await resources.create("model", HERE, "a", {"n": 1})
    clock.advance(5)

    def change(document):
        document["n"] = 2
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await resources.update("model", HERE, "a", change)
    assert resources.get("model", HERE, "a")["n"] == 1
    updated = await resources.update("model", HERE, "a", lambda d: d.update(n=3))
    assert updated["n"] == 3
    assert (updated["modified"] - updated["created"]).total_seconds() == 5


async def test_a_check_may_prevent_deletion(resources):
    await resources.create("model", HERE, "a", {})

    def never(document):
        raise ValueError("in use")

    with pytest.raises(ValueError, match="in use"):
        await resources.delete("model", HERE, "a", never)
    await resources.delete("model", HERE, "a")
    assert resources.find("model", HERE, "a") is None


async def test_a_scope_is_never_mixed_with_one_that_begins_alike(resources):
    await resources.create("model", "0/us", "a", {})
    await resources.create("model", "0/us-east", "b", {})
    assert [one["name"] for one in resources.all("model", "0/us")] == ["a"]
    assert len(list(resources.all("model"))) == 2


class TestPages:
    @pytest.fixture
    async def five(self, resources, clock):
        for name in "ecadb":
            await resources.create("model", HERE, name, {"size": len(name)})
            clock.advance(1)
        return resources

    def walk(self, resources, **options):
        names, token = [], None
        while True:
            page = resources.page("model", HERE, limit=2, token=token, **options)
            names += [one["name"] for one in page.items]
            token = page.token
            if token is None:
                return "".join(names)

    async def test_pages_join_to_the_whole_in_any_order(self, five):
        assert self.walk(five) == "ecadb"
        assert self.walk(five, descending=True) == "bdace"
        assert self.walk(five, sort=by_name) == "abcde"
        assert self.walk(five, sort=by_name, where=lambda d: d["name"] != "c") == "abde"

    async def test_changes_between_pages_neither_double_nor_hide(self, five):
        first = five.page("model", HERE, sort=by_name, limit=2)
        await five.delete("model", HERE, "b")
        await five.create("model", HERE, "aa", {})
        rest = five.page("model", HERE, sort=by_name, limit=9, token=first.token)
        assert [one["name"] for one in rest.items] == ["c", "d", "e"]

    async def test_a_full_last_page_has_no_token(self, five):
        assert five.page("model", HERE, limit=5).token is None

    @pytest.mark.parametrize("token", ["", "!!!", "AAAA", "x" * 50])
    async def test_a_mangled_token_is_refused(self, five, token):
        with pytest.raises(TokenMangled):
            five.page("model", HERE, token=token)

    async def test_a_token_of_another_order_is_refused(self, five):
        token = five.page("model", HERE, sort=by_name, limit=2).token
        with pytest.raises(TokenMangled):
            five.page("model", HERE, token=token)


class TestTags:
    async def test_tags_change_without_modifying_the_resource(self, resources, clock):
        await resources.create("model", HERE, "a", {}, {"x": "1"})
        clock.advance(9)
        assert await resources.tag("model", HERE, "a", {"x": "2", "y": "3"}) == {"x": "2", "y": "3"}
        assert await resources.untag("model", HERE, "a", ["x", "absent"]) == {"y": "3"}
        found = resources.get("model", HERE, "a")
        assert found["modified"] == found["created"]

    async def test_fifty_are_the_most(self, resources):
        await resources.create("model", HERE, "a", {}, {f"k{i}": "" for i in range(50)})
        with pytest.raises(TooManyTags):
            await resources.tag("model", HERE, "a", {"one more": ""})
        assert len(resources.get("model", HERE, "a")["tags"]) == 50
        with pytest.raises(TooManyTags):
            await resources.create("model", HERE, "b", {}, {f"k{i}": "" for i in range(51)})


def test_states_follow_each_other_in_time(clock):
    document = {}
    enter(document, "Starting", "starts", clock.now())
    clock.advance(2)
    enter(document, "Starting", "still starts", clock.now())
    enter(document, "Done", "done", clock.now(), final=True)
    first, last = document["transitions"]
    assert (first["message"], first["end"]) == ("still starts", clock.now())
    assert last["start"] == last["end"] == clock.now()


async def test_states_survive_the_store(resources, clock):
    document = {}
    enter(document, "Starting", "starts", clock.now())
    await resources.create("job", HERE, "a", document)
    assert resources.get("job", HERE, "a")["transitions"] == document["transitions"]
