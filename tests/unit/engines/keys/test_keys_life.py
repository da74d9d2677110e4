"""A key's life: made, used, rotated, switched off, deleted; and the keys the platform makes."""

import asyncio
import dataclasses

import pytest

from lakemill.engines.keys import (
    DISABLED,
    PENDING,
    AliasExists,
    AliasInvalid,
    CiphertextInvalid,
    KeyDisabled,
    KeyMissing,
    Keys,
    KeyStateInvalid,
    KeyUsageInvalid,
)

SCOPE = "000000000000/us-east-1"
DAY_S = 86_400


async def test_a_data_key_is_opened_after_a_restart(keys, metadata, clock, tmp_path):
    key = await keys.create(SCOPE)
    plain, sealed = keys.generate_data_key(SCOPE, key, {"a": "b"}, 48)
    assert len(plain) == 48
    again = Keys(metadata, clock, tmp_path / "master.key")
    assert again.decrypt(SCOPE, sealed, {"a": "b"}) == plain
    with pytest.raises(CiphertextInvalid):
        again.decrypt(SCOPE, sealed, {"a": "c"})


async def test_a_key_goes_by_id_alias_and_long_name(keys):
    key = await keys.create(SCOPE)
    await keys.aliases.create("alias/a", key)
    long = f"arn:aws:kms:us-east-1:000000000000:key/{key.id}"
    for reference in (key.id, "alias/a", long, "arn:aws:kms:us-east-1:000000000000:alias/a"):
        assert keys.resolve("111111111111/eu-west-1" if ":" in reference else SCOPE, reference) == key
    with pytest.raises(KeyMissing):
        keys.resolve("000000000000/eu-west-1", key.id)


async def test_old_material_opens_what_it_made(keys):
    key = await keys.create(SCOPE)
    before = keys.encrypt(SCOPE, key.id, b"old", {})
    rotated = await keys.rotate(key)
    after = keys.encrypt(SCOPE, key.id, b"new", {})
    assert keys.opener(before)[1] == key.versions[0]
    assert keys.opener(after)[1] == rotated.versions[1]
    assert [keys.decrypt(SCOPE, one, {}) for one in (before, after)] == [b"old", b"new"]


async def test_rotation_comes_when_its_days_are_over(keys, clock):
    key = await keys.rotate_every(await keys.create(SCOPE), 90)
    for days, versions in ((89, 1), (2, 2), (80, 2), (11, 3)):
        clock.advance(days * DAY_S)
        await keys.tend()
        assert len(keys.with_id(SCOPE, key.id).versions) == versions
    await keys.rotate_every(key, None)
    clock.advance(400 * DAY_S)
    await keys.tend()
    assert len(keys.with_id(SCOPE, key.id).versions) == 3


async def test_rotation_on_demand_leaves_the_days_as_they_are(keys, clock):
    key = await keys.rotate_every(await keys.create(SCOPE), 90)
    clock.advance(50 * DAY_S)
    assert (await keys.rotate(key)).next_rotation_s == key.next_rotation_s


async def test_a_disabled_key_does_nothing(keys):
    key = await keys.create(SCOPE)
    sealed = keys.encrypt(SCOPE, key, b"x", {})
    await keys.enable(key, enabled=False)
    for use in (lambda: keys.encrypt(SCOPE, key.id, b"x", {}), lambda: keys.decrypt(SCOPE, sealed, {})):
        with pytest.raises(KeyDisabled):
            use()
    await keys.enable(key, enabled=True)
    assert keys.decrypt(SCOPE, sealed, {}) == b"x"


async def test_a_key_to_be_deleted_does_nothing_and_can_be_saved(keys, clock):
    key = await keys.create(SCOPE)
    sealed = keys.encrypt(SCOPE, key, b"x", {})
    assert (await keys.schedule_deletion(key, 7)).state == PENDING
    with pytest.raises(KeyStateInvalid):
        keys.decrypt(SCOPE, sealed, {})
    with pytest.raises(KeyStateInvalid):
        await keys.enable(key, enabled=True)
    clock.advance(6 * DAY_S)
    assert (await keys.cancel_deletion(key)).state == DISABLED
    clock.advance(6 * DAY_S)
    await keys.enable(key, enabled=True)
    assert keys.decrypt(SCOPE, sealed, {}) == b"x"


async def test_a_deleted_key_is_gone_on_the_second_with_all_that_hangs_on_it(keys, clock):
    key = await keys.create(SCOPE)
    await keys.aliases.create("alias/a", key)
    await keys.grants.create(key, "arn:aws:iam::000000000000:user/u", ["Decrypt"])
    await keys.schedule_deletion(key, 7)
    clock.advance(7 * DAY_S)
    with pytest.raises(KeyMissing):
        keys.with_id(SCOPE, key.id)
    assert list(keys.all(SCOPE)) == []
    await keys.tend()
    assert keys.aliases.find(SCOPE, "alias/a") is None
    assert list(keys.grants.all(SCOPE)) == []


async def test_an_alias_has_one_key_and_goes_on_to_its_like(keys):
    one, two = await keys.create(SCOPE), await keys.create(SCOPE)
    other = await keys.create(SCOPE, spec="HMAC_256", usage="GENERATE_VERIFY_MAC")
    await keys.aliases.create("alias/a", one)
    with pytest.raises(AliasExists):
        await keys.aliases.create("alias/a", two)
    await keys.aliases.point(SCOPE, "alias/a", one, two)
    assert keys.resolve(SCOPE, "alias/a") == two
    with pytest.raises(AliasInvalid):
        await keys.aliases.point(SCOPE, "alias/a", two, other)
    await keys.aliases.delete(SCOPE, "alias/a")
    with pytest.raises(KeyMissing):
        keys.resolve(SCOPE, "alias/a")


async def test_a_key_is_only_for_what_it_is_made(keys):
    key = await keys.create(SCOPE, spec="HMAC_256", usage="GENERATE_VERIFY_MAC")
    with pytest.raises(KeyUsageInvalid):
        keys.encrypt(SCOPE, key, b"x", {})
    with pytest.raises(KeyUsageInvalid):
        await keys.create(SCOPE, spec="RSA_2048", usage="GENERATE_VERIFY_MAC")


async def test_the_platforms_keys_can_be_used_before_they_are_written(keys, metadata, clock, tmp_path):
    key = keys.resolve(SCOPE, "alias/aws/kinesis")
    plain, sealed = keys.generate_data_key(SCOPE, key, {})
    again = Keys(metadata, clock, tmp_path / "master.key")
    assert again.decrypt(SCOPE, sealed, {}) == plain
    assert again.resolve(SCOPE, "alias/aws/kinesis").id == key.id
    for _ in range(100):
        await asyncio.sleep(0.01)
        if list(keys.all(SCOPE)):
            break
    assert [one.managed_for for one in keys.all(SCOPE)] == ["kinesis"]


def test_the_platforms_keys_differ_by_scope_and_service(keys):
    references = [(SCOPE, "s3"), (SCOPE, "kinesis"), ("000000000000/eu-west-1", "s3")]
    found = [keys.resolve(scope, f"alias/aws/{service}") for scope, service in references]
    assert len({key.id for key in found}) == 3
    assert len({keys.material(key) for key in found}) == 3
    with pytest.raises(KeyMissing):
        keys.resolve(SCOPE, "alias/aws/nothing-known")


async def test_a_grant_covers_its_operations_in_its_contexts(keys):
    key = await keys.create(SCOPE)
    user = "arn:aws:iam::000000000000:user/u"
    grant = await keys.grants.create(key, user, ["Decrypt"], context_subset={"a": "1"})
    assert grant.covers("Decrypt", {"a": "1", "b": "2"})
    assert not grant.covers("Encrypt", {"a": "1"})
    assert not grant.covers("Decrypt", {"b": "2"})
    exact = await keys.grants.create(key, user, ["Decrypt"], context_equals={"a": "1"})
    assert exact.covers("Decrypt", {"a": "1"})
    assert not exact.covers("Decrypt", {"a": "1", "b": "2"})


async def test_a_named_grant_is_made_once(keys):
    key = await keys.create(SCOPE)
    user = "arn:aws:iam::000000000000:user/u"
    first = await keys.grants.create(key, user, ["Decrypt"], name="once")
    assert await keys.grants.create(key, user, ["Decrypt"], name="once") == first
    assert (await keys.grants.create(key, user, ["Encrypt"], name="once")).id != first.id
    assert keys.grants.with_token(SCOPE, first.token) == first


async def test_a_change_sees_the_key_as_it_is_now(keys):
    key = await keys.create(SCOPE)
    await keys.change(key, lambda now: dataclasses.replace(now, description="one"))
    changed = await keys.change(key, lambda now: dataclasses.replace(now, tags={"seen": now.description}))
    assert (changed.description, changed.tags) == ("one", {"seen": "one"})
