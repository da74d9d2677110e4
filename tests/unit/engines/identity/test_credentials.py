"""Keys and sessions: who gets in, and until when."""

import asyncio

import pytest
from tests.unit.engines.identity.conftest import ACCOUNT, allowing

from lakemill.engines.identity import Identity, KeyUnknown, TokenExpired, TokenInvalid
from lakemill.engines.identity.errors import EntityMissing, QuotaReached
from lakemill.engines.identity.sessions import KEPT_AFTER_S
from lakemill.engines.identity.store import EXPIRIES, SESSIONS


def test_the_root_key_is_made_once(identity):
    key = identity.root_key()
    assert (len(key.access_key_id), key.access_key_id[:4], len(key.secret)) == (20, "AKIA", 40)
    assert identity.root_key().access_key_id == key.access_key_id
    assert identity.credential(key.access_key_id).principal.arn == f"arn:aws:iam::{ACCOUNT}:root"


async def test_a_new_root_key_is_made_when_the_old_one_is_switched_off(identity):
    key = identity.root_key()
    await identity.keys.activate(ACCOUNT, None, key.access_key_id, False)
    assert identity.root_key().access_key_id != key.access_key_id


def test_each_account_has_a_root_of_its_own(identity):
    other = identity.root_key("222222222222")
    assert identity.credential(other.access_key_id).principal.account == "222222222222"


async def test_a_key_is_its_users(people):
    credential, key = await people.user("ana", path="/team/")
    assert credential.secret == key.secret
    assert credential.principal.arn == f"arn:aws:iam::{ACCOUNT}:user/team/ana"
    assert credential.principal.user_id.startswith("AIDA")


def test_a_key_nobody_has_is_unknown(identity):
    for key_id in ("AKIANOBODY", "ASIANOBODY", ""):
        with pytest.raises(KeyUnknown):
            identity.credential(key_id)


async def test_a_key_that_is_switched_off_or_deleted_is_unknown_at_once(identity, people):
    _, key = await people.user("ana")
    await identity.keys.activate(ACCOUNT, "ana", key.access_key_id, False)
    with pytest.raises(KeyUnknown):
        identity.credential(key.access_key_id)
    await identity.keys.activate(ACCOUNT, "ana", key.access_key_id, True)
    assert identity.credential(key.access_key_id).secret == key.secret
    await identity.keys.delete(ACCOUNT, "ana", key.access_key_id)
    with pytest.raises(KeyUnknown):
        identity.credential(key.access_key_id)


async def test_a_key_without_a_session_takes_no_token(identity, people):
    _, key = await people.user("ana")
    with pytest.raises(TokenInvalid):
        identity.credential(key.access_key_id, "a token")


async def test_a_third_key_is_one_too_many(identity, people):
    await people.user("ana")
    await identity.keys.create(ACCOUNT, "ana")
    with pytest.raises(QuotaReached):
        await identity.keys.create(ACCOUNT, "ana")
    with pytest.raises(EntityMissing):
        await identity.keys.create(ACCOUNT, "nobody")


async def test_a_renamed_user_keeps_its_keys(identity, people):
    _, key = await people.user("ana")
    await identity.users.rename(ACCOUNT, "ana", "anna", "/new/")
    assert identity.credential(key.access_key_id).principal.arn == f"arn:aws:iam::{ACCOUNT}:user/new/anna"


async def test_usual_requests_read_nothing_from_disk(identity, people, metadata, monkeypatch):
    _, key = await people.user("ana")
    await identity.users.put_inline(ACCOUNT, "ana", "p", allowing())
    assert people.may(identity.credential(key.access_key_id).principal)
    monkeypatch.setattr(metadata, "get", lambda *_: pytest.fail("a read"))
    assert people.may(identity.credential(key.access_key_id).principal)


async def test_a_session_needs_its_token_and_ends(identity, people, clock):
    credential, _ = await people.user("ana")
    held = await identity.sessions.open(credential.principal, 900)
    assert held.access_key_id.startswith("ASIA")
    assert identity.credential(held.access_key_id, held.session_token).principal.expires == held.expires
    for token in (None, "", "another", held.session_token + "x"):
        with pytest.raises(TokenInvalid):
            identity.credential(held.access_key_id, token)
    clock.advance(899)
    assert identity.credential(held.access_key_id, held.session_token).secret == held.secret
    clock.advance(1)
    with pytest.raises(TokenExpired):
        identity.credential(held.access_key_id, held.session_token)


async def test_a_session_is_still_there_after_a_restart(identity, people, metadata, clock):
    credential, _ = await people.user("ana")
    held = await identity.sessions.open(credential.principal, 900)
    again = Identity(metadata, clock, ACCOUNT).credential(held.access_key_id, held.session_token)
    assert again.principal == identity.credential(held.access_key_id, held.session_token).principal


async def test_the_session_of_a_deleted_user_is_unknown(identity, people):
    credential, key = await people.user("ana")
    held = await identity.sessions.open(credential.principal, 900)
    await identity.keys.delete(ACCOUNT, "ana", key.access_key_id)
    await identity.users.delete(ACCOUNT, "ana")
    with pytest.raises(KeyUnknown):
        identity.credential(held.access_key_id, held.session_token)


async def test_sessions_that_ended_long_ago_are_swept(identity, people, clock, metadata):
    credential, _ = await people.user("ana")
    held = [await identity.sessions.open(credential.principal, 900) for _ in range(3)]
    clock.advance(900 + KEPT_AFTER_S + 1)
    await identity.sessions.open(credential.principal, 900)
    assert [metadata.get(SESSIONS, one.access_key_id) for one in held] == [None] * 3
    assert len(list(metadata.scan(EXPIRIES))) == 1


async def test_last_uses_are_told_at_once_and_kept_within_a_minute(identity, people, metadata, clock):
    credential, key = await people.user("ana")
    identity.uses.note(credential.principal, "kinesis", "eu-west-1")
    assert identity.uses.last(key.access_key_id)["service"] == "kinesis"
    clock.advance(61)
    identity.uses.note(credential.principal, "s3", "us-east-1")
    while Identity(metadata, clock, ACCOUNT).uses.last(key.access_key_id) is None:
        await asyncio.sleep(0.01)
    kept = Identity(metadata, clock, ACCOUNT).uses.last(key.access_key_id)
    assert kept == {"at": clock.time(), "service": "s3", "region": "us-east-1"}
