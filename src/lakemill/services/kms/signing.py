"""Signatures, message authentication codes, public keys and shared secrets."""

import asyncio
import hmac
from typing import Any

from lakemill.engines.keys import Key, Keys, KeyUsageInvalid
from lakemill.engines.keys import asymmetric as halves
from lakemill.engines.keys.specs import digest_of
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kms.crypto import algorithm_of
from lakemill.services.kms.names import check_tokens, dry, invalid, key_arn, key_of
from lakemill.services.kms.views import ALGORITHMS


class SigningOperations:
    """Mixin. Needs self.keys and `ready`."""

    keys: Keys

    def ready(self, call: Call, request: dict[str, Any], reference: str, usage: str) -> Key:
        raise NotImplementedError

    @operation("Sign")
    async def sign(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key, algorithm, digest = self._signing(call, request)
        dry(request)
        material = self.keys.material(key)
        made = await asyncio.to_thread(halves.sign, material, algorithm, request["Message"], digest=digest)
        return {"KeyId": key_arn(key), "Signature": made, "SigningAlgorithm": algorithm}

    @operation("Verify")
    async def verify(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key, algorithm, digest = self._signing(call, request)
        arguments = (self.keys.material(key), algorithm, request["Message"], request["Signature"])
        if not await asyncio.to_thread(halves.verifies, *arguments, digest=digest):
            raise ServiceError("KMSInvalidSignatureException", "")
        dry(request)
        return {"KeyId": key_arn(key), "SignatureValid": True, "SigningAlgorithm": algorithm}

    def _signing(self, call: Call, request: dict[str, Any]) -> tuple[Key, str, bool]:
        """Key, algorithm, and whether the message is a digest."""
        key = self.ready(call, request, request["KeyId"], "SIGN_VERIFY")
        algorithm = algorithm_of(key, request["SigningAlgorithm"])
        kind = request.get("MessageType", "RAW")
        if kind == "EXTERNAL_MU":
            raise invalid("MessageType EXTERNAL_MU is for ML-DSA keys.")
        if kind == "DIGEST" and len(request["Message"]) != digest_of(algorithm).digest_size:
            raise invalid(f"Digest is invalid length for algorithm {algorithm}.")
        return key, algorithm, kind == "DIGEST"

    @operation("GenerateMac")
    def generate_mac(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key, algorithm = self._mac(call, request)
        dry(request)
        made = halves.mac(self.keys.material(key), algorithm, request["Message"])
        return {"Mac": made, "MacAlgorithm": algorithm, "KeyId": key_arn(key)}

    @operation("VerifyMac")
    def verify_mac(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key, algorithm = self._mac(call, request)
        expected = halves.mac(self.keys.material(key), algorithm, request["Message"])
        if not hmac.compare_digest(expected, request["Mac"]):
            raise ServiceError("KMSInvalidMacException", "")
        dry(request)
        return {"KeyId": key_arn(key), "MacValid": True, "MacAlgorithm": algorithm}

    def _mac(self, call: Call, request: dict[str, Any]) -> tuple[Key, str]:
        key = self.ready(call, request, request["KeyId"], "GENERATE_VERIFY_MAC")
        return key, algorithm_of(key, request["MacAlgorithm"])

    @operation("GetPublicKey")
    def get_public_key(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        check_tokens(self.keys, call, request)
        key = key_of(self.keys, call, request["KeyId"])
        self.keys.usable(key)
        if not key.spec.asymmetric:
            raise ServiceError("UnsupportedOperationException", f"{key_arn(key)} has no public key.")
        return {
            "KeyId": key_arn(key),
            "PublicKey": halves.public_key(self.keys.material(key)),
            "CustomerMasterKeySpec": key.spec_name,
            "KeySpec": key.spec_name,
            "KeyUsage": key.usage,
            ALGORITHMS[key.usage]: list(key.algorithms),
        }

    @operation("DeriveSharedSecret", refuses={"Recipient": "there are no enclaves to answer to"})
    def derive_shared_secret(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = self.ready(call, request, request["KeyId"], "KEY_AGREEMENT")
        algorithm = algorithm_of(key, request["KeyAgreementAlgorithm"])
        try:
            secret = halves.agreed(self.keys.material(key), request["PublicKey"])
        except KeyUsageInvalid as error:
            raise invalid(f"PublicKey cannot be used with {key_arn(key)}: {error}.") from None
        dry(request)
        return {
            "KeyId": key_arn(key),
            "SharedSecret": secret,
            "KeyAgreementAlgorithm": algorithm,
            "KeyOrigin": "AWS_KMS",
        }
