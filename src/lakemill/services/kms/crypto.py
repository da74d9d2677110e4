"""Encrypting, decrypting, data keys and random bytes."""

import asyncio
import secrets
from typing import Any

from lakemill.engines.keys import SPECS, SYMMETRIC, CiphertextInvalid, Key, KeyMissing, Keys
from lakemill.engines.keys import asymmetric as halves
from lakemill.engines.keys import ciphertext as sealed
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kms.names import UNKNOWN_CIPHERTEXT, check_tokens, dry, invalid, key_arn, key_of

RECIPIENT = {"Recipient": "there are no enclaves to answer to"}
MODIFIERS = {"DryRunModifiers": "a dry run looks at the ciphertext"}
DATA_KEYS = {"AES_128": 16, "AES_256": 32}


class CryptoOperations:
    """Mixin. Needs self.keys."""

    keys: Keys

    @operation("Encrypt")
    async def encrypt(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = self.ready(call, request, request["KeyId"], "ENCRYPT_DECRYPT")
        algorithm = algorithm_of(key, request.get("EncryptionAlgorithm", SYMMETRIC))
        context = request.get("EncryptionContext", {})
        dry(request)
        blob = await self._encrypted(key, algorithm, request["Plaintext"], context)
        return {"CiphertextBlob": blob, "KeyId": key_arn(key), "EncryptionAlgorithm": algorithm}

    @operation("Decrypt", refuses=RECIPIENT | MODIFIERS)
    async def decrypt(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        algorithm = request.get("EncryptionAlgorithm", SYMMETRIC)
        context = request.get("EncryptionContext", {})
        blob = blob_of(request)
        key = self._source(call, request, request.get("KeyId"), blob, algorithm)
        plaintext = await self._decrypted(key, algorithm, blob, context)
        dry(request)
        answer = {"KeyId": key_arn(key), "Plaintext": plaintext, "EncryptionAlgorithm": algorithm}
        return answer | self._material_id("KeyMaterialId", key, blob)

    @operation("ReEncrypt", refuses=MODIFIERS)
    async def re_encrypt(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        before = request.get("SourceEncryptionAlgorithm", SYMMETRIC)
        blob = blob_of(request)
        source = self._source(call, request, request.get("SourceKeyId"), blob, before)
        target = self.ready(call, request, request["DestinationKeyId"], "ENCRYPT_DECRYPT")
        after = algorithm_of(target, request.get("DestinationEncryptionAlgorithm", SYMMETRIC))
        plaintext = await self._decrypted(source, before, blob, request.get("SourceEncryptionContext", {}))
        dry(request)
        made = await self._encrypted(target, after, plaintext, request.get("DestinationEncryptionContext", {}))
        answer = {
            "CiphertextBlob": made,
            "SourceKeyId": key_arn(source),
            "KeyId": key_arn(target),
            "SourceEncryptionAlgorithm": before,
            "DestinationEncryptionAlgorithm": after,
        }
        answer |= self._material_id("SourceKeyMaterialId", source, blob)
        return answer | self._material_id("DestinationKeyMaterialId", target, made)

    # Data keys

    @operation("GenerateDataKey", refuses=RECIPIENT)
    def generate_data_key(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key, plaintext, blob = self._data_key(call, request)
        answer = {"CiphertextBlob": blob, "Plaintext": plaintext, "KeyId": key_arn(key)}
        return answer | self._material_id("KeyMaterialId", key, blob)

    @operation("GenerateDataKeyWithoutPlaintext")
    def generate_data_key_without_plaintext(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key, _, blob = self._data_key(call, request)
        return {"CiphertextBlob": blob, "KeyId": key_arn(key)} | self._material_id("KeyMaterialId", key, blob)

    def _data_key(self, call: Call, request: dict[str, Any]) -> tuple[Key, bytes, bytes]:
        if ("KeySpec" in request) == ("NumberOfBytes" in request):
            raise invalid("Please specify either number of bytes or key spec.")
        size = request.get("NumberOfBytes") or DATA_KEYS[request["KeySpec"]]
        key = self._symmetric(call, request)
        dry(request)
        plaintext, blob = self.keys.generate_data_key(key.scope, key, request.get("EncryptionContext", {}), size)
        return key, plaintext, blob

    @operation("GenerateDataKeyPair", refuses=RECIPIENT)
    async def generate_data_key_pair(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return await self._data_key_pair(call, request, plaintext=True)

    @operation("GenerateDataKeyPairWithoutPlaintext")
    async def generate_data_key_pair_without_plaintext(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return await self._data_key_pair(call, request, plaintext=False)

    async def _data_key_pair(self, call: Call, request: dict[str, Any], *, plaintext: bool) -> dict[str, Any]:
        spec = request["KeyPairSpec"]
        if spec not in SPECS:
            raise ServiceError(
                "UnsupportedOperationException", f"KeyPairSpec {spec} is refused: lakemill has no such keys."
            )
        key = self._symmetric(call, request)
        dry(request)
        private = await asyncio.to_thread(SPECS[spec].material)
        blob = self.keys.encrypt(key.scope, key, private, request.get("EncryptionContext", {}))
        answer = {
            "PrivateKeyCiphertextBlob": blob,
            "PublicKey": halves.public_key(private),
            "KeyId": key_arn(key),
            "KeyPairSpec": spec,
        }
        if plaintext:
            answer["PrivateKeyPlaintext"] = private
        return answer | self._material_id("KeyMaterialId", key, blob)

    @operation("GenerateRandom", refuses=RECIPIENT | {"CustomKeyStoreId": "there are no custom key stores"})
    def generate_random(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        if "NumberOfBytes" not in request:
            raise invalid("NumberOfBytes is required.")
        return {"Plaintext": secrets.token_bytes(request["NumberOfBytes"])}

    # What they have in common

    def ready(self, call: Call, request: dict[str, Any], reference: str, usage: str) -> Key:
        """A key that is made for this and can be used now."""
        check_tokens(self.keys, call, request)
        key = key_of(self.keys, call, reference)
        self.keys.usable(key)
        if key.usage != usage:
            raise ServiceError(
                "InvalidKeyUsageException",
                f"{key_arn(key)} key usage is {key.usage} which is not valid for {call.operation}.",
            )
        return key

    def _symmetric(self, call: Call, request: dict[str, Any]) -> Key:
        key = self.ready(call, request, request["KeyId"], "ENCRYPT_DECRYPT")
        if key.spec_name != SYMMETRIC:
            raise ServiceError(
                "InvalidKeyUsageException",
                f"{key_arn(key)} key spec is {key.spec_name} which is not valid for {call.operation}.",
            )
        return key

    def _source(self, call: Call, request: dict[str, Any], reference: str | None, blob: bytes, algorithm: str) -> Key:
        """The key that is to open a ciphertext."""
        if algorithm != SYMMETRIC:
            if reference is None:
                raise invalid("A KeyId is required to decrypt with an asymmetric key.")
            key = self.ready(call, request, reference, "ENCRYPT_DECRYPT")
            algorithm_of(key, algorithm)
            return key
        named = key_of(self.keys, call, reference) if reference is not None else None
        maker = maker_of(self.keys, blob)
        if maker is None:
            raise ServiceError("AccessDeniedException", UNKNOWN_CIPHERTEXT)
        if maker.scope.partition("/")[2] != call.region:
            raise ServiceError("AccessDeniedException", UNKNOWN_CIPHERTEXT)
        if named is not None and named.id != maker.id:
            raise ServiceError(
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this operation.",
            )
        return self.ready(call, request, key_arn(maker), "ENCRYPT_DECRYPT")

    async def _encrypted(self, key: Key, algorithm: str, plaintext: bytes, context: dict[str, str]) -> bytes:
        if algorithm == SYMMETRIC:
            return self.keys.encrypt(key.scope, key, plaintext, context)
        _no_context(context)
        material = self.keys.material(key)
        most = halves.plaintext_bytes_max(material, algorithm)
        if len(plaintext) > most:
            raise invalid(f"The plaintext must be at most {most} bytes with {algorithm} and {key.spec_name}.")
        return await asyncio.to_thread(halves.encrypt, material, algorithm, plaintext)

    async def _decrypted(self, key: Key, algorithm: str, blob: bytes, context: dict[str, str]) -> bytes:
        try:
            if algorithm == SYMMETRIC:
                return self.keys.decrypt(key.scope, blob, context)
            _no_context(context)
            return await asyncio.to_thread(halves.decrypt, self.keys.material(key), algorithm, blob)
        except CiphertextInvalid:
            raise ServiceError("InvalidCiphertextException", "") from None

    def _material_id(self, member: str, key: Key, blob: bytes) -> dict[str, str]:
        """Which version of a symmetric key's material made a ciphertext."""
        return {member: self.keys.opener(blob)[1].id} if key.spec_name == SYMMETRIC else {}


def blob_of(request: dict[str, Any]) -> bytes:
    """The ciphertext of a request; the model lets it be left out. Raises ValidationException."""
    if "CiphertextBlob" not in request:
        raise invalid("CiphertextBlob must be given.")
    blob: bytes = request["CiphertextBlob"]
    return blob


def maker_of(keys: Keys, blob: bytes) -> Key | None:
    """The key that made a ciphertext; None if it is not there. Raises InvalidCiphertextException."""
    try:
        origin = sealed.origin_of(blob)
        return keys.with_id(origin.scope, origin.key_id)
    except CiphertextInvalid:
        raise ServiceError("InvalidCiphertextException", "") from None
    except KeyMissing:
        return None


def algorithm_of(key: Key, algorithm: str) -> str:
    """The algorithm, if the key has it. Raises InvalidKeyUsageException."""
    if algorithm not in key.algorithms:
        raise ServiceError(
            "InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {key.spec_name}."
        )
    return algorithm


def _no_context(context: dict[str, str]) -> None:
    if context:
        raise invalid("An encryption context can only be used with symmetric encryption keys.")
