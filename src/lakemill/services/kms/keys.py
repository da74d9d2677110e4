"""Keys: made, shown, switched on and off, deleted; their descriptions, tags and rotation."""

import dataclasses
from typing import Any

from lakemill.engines.identity import Identity
from lakemill.engines.keys import SPECS, SYMMETRIC, Key, Keys
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kms import views
from lakemill.services.kms.names import check_tokens, invalid, key_arn, key_of, own_key, scope_of
from lakemill.services.kms.policies import check_policy

DELETION_DAYS = (7, 30)
ROTATION_DAYS = 365
ON_DEMAND_MAX = 25
TAGS_MAX = 50


class KeyOperations:
    """Mixin. Needs self.keys, self.identity."""

    keys: Keys
    identity: Identity

    @operation(
        "CreateKey",
        refuses={
            "CustomKeyStoreId": "there are no custom key stores",
            "XksKeyId": "there are no external key stores",
        },
    )
    async def create_key(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("MultiRegion"):
            raise ServiceError("UnsupportedOperationException", "MultiRegion is refused: a key is of one region here.")
        if (origin := request.get("Origin", "AWS_KMS")) != "AWS_KMS":
            raise ServiceError(
                "UnsupportedOperationException", f"Origin {origin} is refused: key material is always made here."
            )
        spec = request.get("KeySpec", request.get("CustomerMasterKeySpec", SYMMETRIC))
        if request.get("CustomerMasterKeySpec", spec) != spec:
            raise invalid("You cannot specify KeySpec and CustomerMasterKeySpec in the same request.")
        if spec not in SPECS:
            raise ServiceError(
                "UnsupportedOperationException", f"KeySpec {spec} is refused: lakemill has no such keys."
            )
        usage = request.get("KeyUsage") or _usage(spec)
        if usage not in SPECS[spec].usages:
            raise invalid(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
        policy = request.get("Policy")
        if policy is not None:
            check_policy(self.identity, call, "*", policy, bypass=request.get("BypassPolicyLockoutSafetyCheck", False))
        tags = {tag["TagKey"]: tag["TagValue"] for tag in request.get("Tags", ())}
        check_tags(tags)
        key = await self.keys.create(
            scope_of(call),
            spec=spec,
            usage=usage,
            description=request.get("Description", ""),
            policy=policy or "",
            tags=tags,
        )
        return {"KeyMetadata": views.metadata(key)}

    @operation("DescribeKey")
    def describe_key(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        check_tokens(self.keys, call, request)
        return {"KeyMetadata": views.metadata(key_of(self.keys, call, request["KeyId"]))}

    @operation("ListKeys", refuses={"ResourceOwners": "the keys of one's own account are listed"})
    def list_keys(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        keys = [(key.id, {"KeyId": key.id, "KeyArn": key_arn(key)}) for key in self.keys.all(scope_of(call))]
        return views.listed(keys, request, "Keys")

    @operation("EnableKey")
    async def enable_key(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.keys.enable(own_key(self.keys, call, request["KeyId"]), enabled=True)
        return {}

    @operation("DisableKey")
    async def disable_key(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.keys.enable(own_key(self.keys, call, request["KeyId"]), enabled=False)
        return {}

    @operation("ScheduleKeyDeletion")
    async def schedule_key_deletion(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        days = request.get("PendingWindowInDays", DELETION_DAYS[1])
        if not DELETION_DAYS[0] <= days <= DELETION_DAYS[1]:
            raise invalid("PendingWindowInDays must be between 7 and 30 (inclusive)")
        key = await self.keys.schedule_deletion(own_key(self.keys, call, request["KeyId"]), days)
        assert key.deletion_s is not None
        return {
            "KeyId": key_arn(key),
            "DeletionDate": views.moment(key.deletion_s),
            "KeyState": key.state,
            "PendingWindowInDays": days,
        }

    @operation("CancelKeyDeletion")
    async def cancel_key_deletion(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = own_key(self.keys, call, request["KeyId"])
        if key.deletion_s is None:
            raise ServiceError("KMSInvalidStateException", f"{key_arn(key)} is not pending deletion.")
        return {"KeyId": key_arn(await self.keys.cancel_deletion(key))}

    @operation("UpdateKeyDescription")
    async def update_key_description(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        text = request["Description"]
        key = not_pending(own_key(self.keys, call, request["KeyId"]))
        await self.keys.change(key, lambda now: dataclasses.replace(now, description=text))
        return {}

    # Rotation

    @operation("EnableKeyRotation")
    async def enable_key_rotation(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = self._rotating(call, request)
        await self.keys.rotate_every(key, request.get("RotationPeriodInDays", ROTATION_DAYS))
        return {}

    @operation("DisableKeyRotation")
    async def disable_key_rotation(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.keys.rotate_every(self._rotating(call, request), None)
        return {}

    @operation("GetKeyRotationStatus")
    def get_key_rotation_status(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = not_pending(key_of(self.keys, call, request["KeyId"], by_alias=False))
        _rotatable(key)
        shown: dict[str, Any] = {"KeyId": key_arn(key), "KeyRotationEnabled": key.rotation_days is not None}
        if key.next_rotation_s is not None:
            shown |= {
                "RotationPeriodInDays": key.rotation_days,
                "NextRotationDate": views.moment(key.next_rotation_s),
            }
        return shown

    @operation("RotateKeyOnDemand")
    async def rotate_key_on_demand(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = self._rotating(call, request)
        if sum(version.on_demand for version in key.versions) >= ON_DEMAND_MAX:
            raise ServiceError(
                "LimitExceededException", f"{key_arn(key)} has been rotated on demand {ON_DEMAND_MAX} times."
            )
        return {"KeyId": key_arn(await self.keys.rotate(key))}

    @operation("ListKeyRotations")
    def list_key_rotations(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = own_key(self.keys, call, request["KeyId"])
        _rotatable(key)
        everything = request.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"
        rotations = []
        for version in key.versions if everything else key.versions[1:]:
            shown: dict[str, Any] = {
                "KeyId": key_arn(key),
                "KeyMaterialId": version.id,
                "KeyMaterialState": "CURRENT" if version is key.versions[-1] else "NON_CURRENT",
            }
            if version.number > 1:
                shown |= {
                    "RotationDate": views.moment(version.created_s),
                    "RotationType": "ON_DEMAND" if version.on_demand else "AUTOMATIC",
                }
            rotations.append((f"{version.number:09d}", shown))
        return views.listed(rotations, request, "Rotations")

    def _rotating(self, call: Call, request: dict[str, Any]) -> Key:
        """A key that can rotate now."""
        key = own_key(self.keys, call, request["KeyId"])
        self.keys.usable(key)
        _rotatable(key)
        return key

    # Tags

    @operation("TagResource")
    async def tag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        given = {tag["TagKey"]: tag["TagValue"] for tag in request["Tags"]}
        check_tags(given)

        def add(now: Key) -> Key:
            tags = {**now.tags, **given}
            if len(tags) > TAGS_MAX:
                raise ServiceError("LimitExceededException", f"A key can have at most {TAGS_MAX} tags.")
            return dataclasses.replace(now, tags=tags)

        await self.keys.change(not_pending(own_key(self.keys, call, request["KeyId"])), add)
        return {}

    @operation("UntagResource")
    async def untag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        doomed = set(request["TagKeys"])

        def remove(now: Key) -> Key:
            return dataclasses.replace(now, tags={k: v for k, v in now.tags.items() if k not in doomed})

        await self.keys.change(not_pending(own_key(self.keys, call, request["KeyId"])), remove)
        return {}

    @operation("ListResourceTags")
    def list_resource_tags(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = own_key(self.keys, call, request["KeyId"])
        tags = [(name, {"TagKey": name, "TagValue": value}) for name, value in key.tags.items()]
        return views.listed(tags, request, "Tags", 50)


def not_pending(key: Key) -> Key:
    """Raise KMSInvalidStateException for a key that waits for its deletion."""
    if key.deletion_s is not None:
        raise ServiceError("KMSInvalidStateException", f"{key_arn(key)} is pending deletion.")
    return key


def _usage(spec: str) -> str:
    """What a key is for when nobody says: only where there is one answer, or AWS has a default."""
    usages = SPECS[spec].usages
    if spec == SYMMETRIC or len(usages) == 1:
        return next(iter(usages))
    raise invalid("You must specify a KeyUsage value for an asymmetric KMS key.")


def _rotatable(key: Key) -> None:
    if key.spec_name != SYMMETRIC:
        raise ServiceError("UnsupportedOperationException", f"{key_arn(key)} is of a kind that does not rotate.")


def check_tags(tags: dict[str, str]) -> None:
    """Raise TagException for tags that are AWS's own."""
    if any(name.lower().startswith("aws:") for name in tags):
        raise ServiceError("TagException", "aws: prefixed tag key names are not allowed for external use.")
    if len(tags) > TAGS_MAX:
        raise ServiceError("LimitExceededException", f"A key can have at most {TAGS_MAX} tags.")
