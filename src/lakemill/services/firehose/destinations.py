"""The kinds of destination: what their members are called, and what their configurations must say."""

import dataclasses
from collections.abc import Callable
from typing import Any

from lakemill.services.firehose import extended_s3
from lakemill.services.firehose.errors import invalid, refused

Config = dict[str, Any]
S3_NESTED = "S3Configuration"
BACKUP = "S3BackupConfiguration"


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind. stem: what names of its members begin with; complete: checks a configuration and fills in defaults."""

    stem: str
    complete: Callable[[Config], Config]

    @property
    def configuration(self) -> str:
        return f"{self.stem}DestinationConfiguration"

    @property
    def update(self) -> str:
        return f"{self.stem}DestinationUpdate"

    @property
    def description(self) -> str:
        return f"{self.stem}DestinationDescription"


EXTENDED_S3 = Kind("ExtendedS3", extended_s3.complete)
KINDS = {kind.stem: kind for kind in (EXTENDED_S3,)}
REFUSED = {
    "Redshift": "there is no Redshift",
    "AmazonOpenSearchServerless": "there is no OpenSearch Serverless",
    "Snowflake": "lakemill does not provide it",
    "Iceberg": "lakemill does not provide it yet",
}
UPDATES = {"S3Update": S3_NESTED, "S3BackupUpdate": BACKUP}
DESCRIPTIONS = {S3_NESTED: "S3DestinationDescription", BACKUP: "S3BackupDescription"}
SECRETS = ("Password", "HECToken", "AccessKey")


def chosen(request: dict[str, Any], suffix: str) -> tuple[Kind, Config]:
    """The one destination of a request, whose members end with suffix (`Configuration` or `Update`)."""
    for stem, reason in REFUSED.items():
        if f"{stem}Destination{suffix}" in request:
            raise refused(f"{stem}Destination{suffix}", reason)
    found = [
        (kind, request[member]) for kind in KINDS.values() if (member := f"{kind.stem}Destination{suffix}") in request
    ]
    if f"S3Destination{suffix}" in request:
        found.append((EXTENDED_S3, request[f"S3Destination{suffix}"]))
    if len(found) != 1:
        raise invalid("Exactly one destination configuration is supported for a Firehose.")
    return found[0]


def merged(present: Config, update: Config) -> Config:
    """A configuration after an update: what the update does not name stays."""
    whole = dict(present)
    for member, value in update.items():
        if member in UPDATES:
            whole[UPDATES[member]] = whole.get(UPDATES[member], {}) | value
        else:
            whole[member] = value
    return whole


def described(kind: Kind, config: Config) -> dict[str, Any]:
    """The DestinationDescription's members."""
    whole = {DESCRIPTIONS.get(member, member): value for member, value in config.items()}
    answer = {kind.description: kind_members(kind, whole)}
    if kind is EXTENDED_S3:
        answer["S3DestinationDescription"] = {
            member: whole[member] for member in extended_s3.PLAIN_MEMBERS if member in whole
        }
    return answer


def kind_members(kind: Kind, whole: Config) -> Config:
    """Without what is never told again."""
    shown = {member: value for member, value in whole.items() if member not in SECRETS}
    if "EndpointConfiguration" in shown:
        endpoint = shown["EndpointConfiguration"]
        shown["EndpointConfiguration"] = {name: endpoint[name] for name in ("Url", "Name") if name in endpoint}
    return shown
