"""KMS through boto3: keys, what is made with them, and who may."""

import hashlib
import json
import subprocess
import sys
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def kms(lakemill):
    return lakemill.client("kms")


@pytest.fixture
def key(kms):
    """The id of a new symmetric key."""
    return kms.create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def person(lakemill):
    """A factory of users with an inline policy: (KMS client, ARN)."""
    iam = lakemill.client("iam")

    def make(*actions, resource="*"):
        name = f"user-{uuid.uuid4().hex[:8]}"
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        if actions:
            statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
            document = json.dumps({"Version": "2012-10-17", "Statement": statement})
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        client = lakemill.client("kms", access_key=made["AccessKeyId"], secret=made["SecretAccessKey"])
        return client, arn

    return make


def fails(code, call, *arguments, **options):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **options)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


def unique(word):
    return f"alias/{word}-{uuid.uuid4().hex[:8]}"


def policy(*statements):
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements) or [root]})


# Symmetric


def test_what_is_encrypted_is_opened_under_the_same_context(kms, key):
    made = kms.encrypt(KeyId=key, Plaintext=b"hello", EncryptionContext={"a": "1", "b": "2"})
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"b": "2", "a": "1"})
    assert opened["Plaintext"] == b"hello"
    assert opened["KeyId"] == made["KeyId"] == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}"
    for context in ({}, {"a": "1"}, {"a": "1", "b": "3"}, {"A": "1", "b": "2"}):
        fails(
            "InvalidCiphertextException",
            kms.decrypt,
            CiphertextBlob=made["CiphertextBlob"],
            EncryptionContext=context,
        )


def test_data_keys_come_open_and_sealed(kms, key):
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_128")
    assert len(made["Plaintext"]) == 16
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    sealed = kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=100)
    assert "Plaintext" not in sealed
    assert len(kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"]) == 100
    fails("ValidationException", kms.generate_data_key, KeyId=key)
    fails("ValidationException", kms.generate_data_key, KeyId=key, KeySpec="AES_256", NumberOfBytes=32)


def test_data_key_pairs_fit(kms, key):
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256")
    private = serialization.load_der_private_key(made["PrivateKeyPlaintext"], None)
    public = serialization.load_der_public_key(made["PublicKey"])
    assert private.public_key().public_numbers() == public.public_numbers()
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"]
    assert opened == made["PrivateKeyPlaintext"]
    sealed = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in sealed


def test_reencrypting_changes_key_and_context(kms, key):
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    before = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1"})["CiphertextBlob"]
    after = kms.re_encrypt(
        CiphertextBlob=before,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=other,
        DestinationEncryptionContext={"b": "2"},
    )
    assert after["SourceKeyId"].endswith(key)
    assert after["KeyId"].endswith(other)
    opened = kms.decrypt(CiphertextBlob=after["CiphertextBlob"], EncryptionContext={"b": "2"}, KeyId=other)
    assert opened["Plaintext"] == b"x"


def test_the_named_key_must_be_the_one(kms, key):
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    fails("IncorrectKeyException", kms.decrypt, CiphertextBlob=sealed, KeyId=other)


def test_rotation_keeps_what_was_made_before(kms, key):
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key)
    opened = kms.decrypt(CiphertextBlob=sealed)
    assert opened["Plaintext"] == b"x"
    (rotation,) = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert rotation["RotationType"] == "ON_DEMAND"
    assert rotation["KeyMaterialId"] != opened["KeyMaterialId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 100)
    assert 99 < (status["NextRotationDate"].timestamp() - time.time()) / 86_400 < 101
    kms.disable_key_rotation(KeyId=key)
    assert not kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]


def test_random_bytes_are_as_many_as_asked(kms):
    assert len(kms.generate_random(NumberOfBytes=33)["Plaintext"]) == 33


def test_a_dry_run_does_nothing_and_says_so(kms, key):
    fails("DryRunOperationException", kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True)
    fails("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b"garbage" * 20, DryRun=True)
    fails(
        "DryRunOperationException",
        kms.create_grant,
        KeyId=key,
        GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:root",
        Operations=["Decrypt"],
        DryRun=True,
    )
    assert kms.list_grants(KeyId=key)["Grants"] == []


# States


def test_a_disabled_key_says_so(kms, key):
    kms.disable_key(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    message = fails("DisabledException", kms.encrypt, KeyId=key, Plaintext=b"x")
    assert message == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key} is disabled."
    kms.enable_key(KeyId=key)
    assert kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]


def test_a_key_to_be_deleted_can_be_saved(kms, key):
    gone = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert gone["KeyState"] == "PendingDeletion"
    assert 6.9 < (gone["DeletionDate"].timestamp() - time.time()) / 86_400 < 7.1
    message = fails("KMSInvalidStateException", kms.encrypt, KeyId=key, Plaintext=b"x")
    assert message.endswith("is pending deletion.")
    fails("KMSInvalidStateException", kms.enable_key, KeyId=key)
    fails("KMSInvalidStateException", kms.schedule_key_deletion, KeyId=key)
    fails("KMSInvalidStateException", kms.create_alias, AliasName=unique("a"), TargetKeyId=key)
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    fails("KMSInvalidStateException", kms.cancel_key_deletion, KeyId=key)
    fails("ValidationException", kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=6)


def test_what_is_not_there_is_not_found(kms):
    nobody = str(uuid.uuid4())
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}"
    assert fails("NotFoundException", kms.describe_key, KeyId=nobody) == f"Key '{arn}:key/{nobody}' does not exist"
    assert fails("NotFoundException", kms.describe_key, KeyId="alias/no") == f"Alias {arn}:alias/no is not found."
    assert fails("NotFoundException", kms.describe_key, KeyId="no") == "Invalid keyId 'no'"
    elsewhere = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{nobody}"
    assert fails("NotFoundException", kms.describe_key, KeyId=elsewhere) == "Invalid arn eu-west-1"
    fails("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b"no ciphertext of ours")


# Aliases


def test_an_alias_names_a_key_and_goes_on_to_another(kms, key):
    name = unique("orders")
    kms.create_alias(AliasName=name, TargetKeyId=key)
    sealed = kms.encrypt(KeyId=name, Plaintext=b"x")["CiphertextBlob"]
    message = fails("AlreadyExistsException", kms.create_alias, AliasName=name, TargetKeyId=key)
    assert message == f"An alias with the name arn:aws:kms:us-east-1:{ACCOUNT}:{name} already exists"
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=name, TargetKeyId=other)
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == other
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    assert [one["AliasName"] for one in kms.list_aliases(KeyId=other)["Aliases"]] == [name]
    fails("NotFoundException", kms.disable_key, KeyId=name)
    kms.delete_alias(AliasName=name)
    fails("NotFoundException", kms.encrypt, KeyId=name, Plaintext=b"x")
    fails("NotFoundException", kms.delete_alias, AliasName=name)


def test_names_of_aliases_are_looked_at(kms, key):
    fails("ValidationException", kms.create_alias, AliasName="orders", TargetKeyId=key)
    fails("NotAuthorizedException", kms.create_alias, AliasName="alias/aws/mine", TargetKeyId=key)
    fails("ValidationException", kms.create_alias, AliasName=unique("a"), TargetKeyId="alias/other")


def test_the_platforms_keys_are_there_when_asked_for_and_not_for_people(kms):
    shown = kms.describe_key(KeyId="alias/aws/sqs")["KeyMetadata"]
    assert shown["KeyManager"] == "AWS"
    for _ in range(50):
        names = {one["AliasName"] for page in kms.get_paginator("list_aliases").paginate() for one in page["Aliases"]}
        if "alias/aws/sqs" in names:
            break
        time.sleep(0.05)
    assert "alias/aws/sqs" in names
    fails("AccessDeniedException", kms.encrypt, KeyId="alias/aws/sqs", Plaintext=b"x")
    fails("AccessDeniedException", kms.schedule_key_deletion, KeyId=shown["KeyId"])


# Other kinds of key


def test_an_rsa_key_signs_what_others_verify(kms):
    made = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    assert "RSASSA_PSS_SHA_256" in made["SigningAlgorithms"]
    arguments = {"KeyId": made["KeyId"], "Message": b"m", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    signature = kms.sign(**arguments)["Signature"]
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=made["KeyId"])["PublicKey"])
    public.verify(signature, b"m", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert kms.verify(**arguments, Signature=signature)["SignatureValid"]
    digest = arguments | {"Message": hashlib.sha256(b"m").digest(), "MessageType": "DIGEST"}
    assert kms.verify(**digest, Signature=signature)["SignatureValid"]
    fails("KMSInvalidSignatureException", kms.verify, **arguments | {"Message": b"n"}, Signature=signature)
    fails("ValidationException", kms.sign, **arguments, MessageType="DIGEST")
    fails("InvalidKeyUsageException", kms.encrypt, KeyId=made["KeyId"], Plaintext=b"x")


def test_an_rsa_key_encrypts_what_fits(kms):
    key = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]
    how = {"KeyId": key, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    sealed = kms.encrypt(**how, Plaintext=b"x" * 190)["CiphertextBlob"]
    assert kms.decrypt(**how, CiphertextBlob=sealed)["Plaintext"] == b"x" * 190
    fails("ValidationException", kms.encrypt, **how, Plaintext=b"x" * 191)
    fails("ValidationException", kms.encrypt, **how, Plaintext=b"x", EncryptionContext={"a": "b"})
    fails("InvalidKeyUsageException", kms.encrypt, KeyId=key, Plaintext=b"x")
    fails("InvalidKeyUsageException", kms.generate_data_key, KeyId=key, KeySpec="AES_256")


def test_an_hmac_key_authenticates(kms):
    key = kms.create_key(KeySpec="HMAC_384", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    how = {"KeyId": key, "MacAlgorithm": "HMAC_SHA_384", "Message": b"m"}
    mac = kms.generate_mac(**how)["Mac"]
    assert len(mac) == 48
    assert kms.verify_mac(**how, Mac=mac)["MacValid"]
    fails("KMSInvalidMacException", kms.verify_mac, **how, Mac=mac[::-1])
    fails("UnsupportedOperationException", kms.get_public_key, KeyId=key)
    fails("UnsupportedOperationException", kms.enable_key_rotation, KeyId=key)


def test_two_keys_agree(kms):
    spec = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}
    one, two = (kms.create_key(**spec)["KeyMetadata"]["KeyId"] for _ in range(2))
    secrets = {
        kms.derive_shared_secret(
            KeyId=mine, KeyAgreementAlgorithm="ECDH", PublicKey=kms.get_public_key(KeyId=theirs)["PublicKey"]
        )["SharedSecret"]
        for mine, theirs in ((one, two), (two, one))
    }
    assert len(secrets) == 1


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"MultiRegion": True}, "UnsupportedOperationException"),
        ({"Origin": "EXTERNAL"}, "UnsupportedOperationException"),
        ({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException"),
        ({"CustomKeyStoreId": "cks-1"}, "ValidationException"),
        ({"KeySpec": "RSA_2048"}, "ValidationException"),
        ({"KeyUsage": "SIGN_VERIFY"}, "ValidationException"),
        ({"Policy": "no json"}, "MalformedPolicyDocumentException"),
    ],
)
def test_keys_that_cannot_be_made_are_refused(kms, wish, code):
    fails(code, kms.create_key, **wish)


# Who may


def test_identities_count_where_the_key_leaves_it_to_the_account(kms, key, person):
    may, _ = person("kms:Encrypt", "kms:Decrypt")
    may_not, arn = person()
    sealed = may.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert may.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    message = fails("AccessDeniedException", may_not.decrypt, CiphertextBlob=sealed)
    assert message.startswith(f"User: {arn} is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:")


def test_a_policy_without_the_account_shuts_identities_out(kms, key, person):
    rich, _ = person("kms:*")
    named, arn = person()
    only = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "kms:*", "Resource": "*"}
    kms.put_key_policy(KeyId=key, Policy=policy(only), BypassPolicyLockoutSafetyCheck=True)
    assert named.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    message = fails("AccessDeniedException", rich.encrypt, KeyId=key, Plaintext=b"x")
    assert "no resource-based policy allows" in message
    assert json.loads(named.get_key_policy(KeyId=key)["Policy"])["Statement"][0]["Principal"] == {"AWS": arn}


def test_a_policy_that_locks_its_author_out_is_refused(kms, key, person):
    _, arn = person()
    only = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "kms:*", "Resource": "*"}
    message = fails("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=key, Policy=policy(only))
    assert message == "The new key policy will not allow you to update the key policy in the future."
    fails("MalformedPolicyDocumentException", kms.create_key, Policy=policy(only))
    fails("NotFoundException", kms.get_key_policy, KeyId=key, PolicyName="other")
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]


def test_a_condition_on_the_context_is_looked_at(kms, key, person):
    client, arn = person()
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": arn},
        "Action": "kms:Encrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:tenant": "a"}},
    }
    root = json.loads(policy())["Statement"][0]
    kms.put_key_policy(KeyId=key, Policy=policy(root, allow))
    assert client.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"tenant": "a"})["CiphertextBlob"]
    fails("AccessDeniedException", client.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext={"tenant": "b"})
    fails("AccessDeniedException", client.encrypt, KeyId=key, Plaintext=b"x")


def test_a_grant_lets_its_grantee_until_it_is_revoked(kms, key, person):
    client, arn = person()
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"t": "1", "u": "2"})["CiphertextBlob"]
    opened = {"CiphertextBlob": sealed, "EncryptionContext": {"t": "1", "u": "2"}}
    fails("AccessDeniedException", client.decrypt, **opened)
    grant = kms.create_grant(
        KeyId=key,
        GranteePrincipal=arn,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": {"t": "1"}},
    )
    assert client.decrypt(**opened, GrantTokens=[grant["GrantToken"]])["Plaintext"] == b"x"
    fails("AccessDeniedException", client.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext={"t": "1"})
    fails("InvalidGrantTokenException", kms.decrypt, **opened, GrantTokens=["none of ours"])
    (listed,) = kms.list_grants(KeyId=key)["Grants"]
    assert (listed["GranteePrincipal"], listed["Operations"]) == (arn, ["Decrypt"])
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    fails("AccessDeniedException", client.decrypt, **opened)
    fails("NotFoundException", kms.revoke_grant, KeyId=key, GrantId=grant["GrantId"])


def test_a_grant_is_retired_by_its_retirer_only(kms, key, person):
    retirer, arn = person()
    stranger, _ = person()
    wish = {"KeyId": key, "GranteePrincipal": arn, "RetiringPrincipal": arn, "Operations": ["Encrypt"]}
    grant = kms.create_grant(**wish)
    assert kms.create_grant(**wish)["GrantId"] != grant["GrantId"]
    fails("AccessDeniedException", stranger.retire_grant, KeyId=key, GrantId=grant["GrantId"])
    retirer.retire_grant(GrantToken=grant["GrantToken"])
    assert len(kms.list_retirable_grants(RetiringPrincipal=arn)["Grants"]) == 1


def test_tags_count_in_policies(kms, person):
    key = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "red"}])["KeyMetadata"]["KeyId"]
    client, arn = person()
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": arn},
        "Action": "kms:Encrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}},
    }
    kms.put_key_policy(KeyId=key, Policy=policy(json.loads(policy())["Statement"][0], allow))
    assert client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "team", "TagValue": "blue"}])
    fails("AccessDeniedException", client.encrypt, KeyId=key, Plaintext=b"x")
    kms.untag_resource(KeyId=key, TagKeys=["team"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == []


def test_lists_come_in_pages(kms):
    for _ in range(3):
        kms.create_key()
    first = kms.list_keys(Limit=2)
    assert first["Truncated"]
    second = kms.list_keys(Limit=2, Marker=first["NextMarker"])
    assert not {one["KeyId"] for one in first["Keys"]} & {one["KeyId"] for one in second["Keys"]}
    fails("InvalidMarkerException", kms.list_keys, Marker="nonsense")


def test_keys_survive_a_kill(fresh):
    running = fresh()
    kms = running.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    running.kill()
    running.start()
    assert running.client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    running.stop()
    (running.data / "master.key").rename(running.data / "elsewhere")
    command = [sys.executable, "-m", "lakemill", "up", "--port", "0", "--data", str(running.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "master.key is missing" in done.stderr
    assert "Traceback" not in done.stderr
