"""The kinds of destination: what their members are called, and what their configurations must say."""

import dataclasses
from collections.abc import Callable
from typing import Any

from lakemill.services.firehose import extended_s3, http_endpoint, processors, redshift, s3, search, splunk
from lakemill.services.firehose.errors import invalid, refused

Config = dict[str, Any]
S3_PLACE, BACKUP = "S3Configuration", "S3BackupConfiguration"


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind: the members of requests and descriptions that hold its configuration.

    complete: checks a configuration and fills in defaults.
    """

    configurations: tuple[str, ...]
    updates: tuple[str, ...]
    description: str
    complete: Callable[[Config], Config]


def _elsewhere(complete: Callable[[Config], Config]) -> Callable[[Config], Config]:
    """A destination that is no bucket and has one for what fails."""

    def whole(config: Config) -> Config:
        made = {"CloudWatchLoggingOptions": {"Enabled": False}} | complete(config)
        s3.check_hints(made["BufferingHints"])
        s3.check_logging(made["CloudWatchLoggingOptions"])
        processors.validate(made)
        return made | {S3_PLACE: s3.complete(made[S3_PLACE])}

    return whole


KINDS = {
    "ExtendedS3": Kind(
        ("ExtendedS3DestinationConfiguration", "S3DestinationConfiguration"),
        ("ExtendedS3DestinationUpdate", "S3DestinationUpdate"),
        "ExtendedS3DestinationDescription",
        extended_s3.complete,
    ),
    "Redshift": Kind(
        ("RedshiftDestinationConfiguration",),
        ("RedshiftDestinationUpdate",),
        "RedshiftDestinationDescription",
        redshift.complete,
    ),
    "HttpEndpoint": Kind(
        ("HttpEndpointDestinationConfiguration",),
        ("HttpEndpointDestinationUpdate",),
        "HttpEndpointDestinationDescription",
        _elsewhere(http_endpoint.complete),
    ),
    "Splunk": Kind(
        ("SplunkDestinationConfiguration",),
        ("SplunkDestinationUpdate",),
        "SplunkDestinationDescription",
        _elsewhere(splunk.complete),
    ),
    "OpenSearch": Kind(
        ("AmazonopensearchserviceDestinationConfiguration",),
        ("AmazonopensearchserviceDestinationUpdate",),
        "AmazonopensearchserviceDestinationDescription",
        _elsewhere(search.complete),
    ),
    "Elasticsearch": Kind(
        ("ElasticsearchDestinationConfiguration",),
        ("ElasticsearchDestinationUpdate",),
        "ElasticsearchDestinationDescription",
        _elsewhere(search.complete),
    ),
}
UPDATES = {"S3Update": S3_PLACE, "S3BackupUpdate": BACKUP}
DESCRIPTIONS = {S3_PLACE: "S3DestinationDescription", BACKUP: "S3BackupDescription"}


def chosen(request: dict[str, Any], *, update: bool = False) -> tuple[str, Config]:
    """Kind and configuration of the one destination in a request. Raises ServiceError."""
    found = [
        (name, request[member])
        for name, kind in KINDS.items()
        for member in (kind.updates if update else kind.configurations)
        if member in request
    ]
    if len(found) != 1:
        raise invalid("Exactly one destination configuration is supported for a Firehose.")
    return found[0]


def updated(present: dict[str, Any], kind: str, update: Config) -> dict[str, Any]:
    """A stream's destination after an update: what the update does not name stays. Raises ServiceError."""
    if present["kind"] != kind:
        raise refused(f"Changing the destination from {present['kind']} to {kind}", "make another Firehose")
    config = dict(present["config"])
    for member, value in update.items():
        if member in UPDATES:
            config[UPDATES[member]] = config.get(UPDATES[member], {}) | value
        else:
            config[member] = value
    whole = KINDS[kind].complete(config)
    if kind in ("ExtendedS3", "Redshift"):
        extended_s3.check_update(present["config"], whole)
    elif present["config"]["S3BackupMode"] != whole["S3BackupMode"]:
        raise invalid("S3BackupMode cannot be changed.")
    return {"kind": kind, "config": whole}


def described(destination: dict[str, Any]) -> dict[str, Any]:
    """The DestinationDescription's members."""
    whole = {DESCRIPTIONS.get(member, member): value for member, value in destination["config"].items()}
    if "EndpointConfiguration" in whole:  # Its access key is never told again.
        endpoint = whole["EndpointConfiguration"]
        whole["EndpointConfiguration"] = {name: endpoint[name] for name in ("Url", "Name") if name in endpoint}
    whole.pop("Password", None)  # Nor is the password of a database's user.
    answer = {KINDS[destination["kind"]].description: whole}
    if destination["kind"] == "ExtendedS3":
        answer["S3DestinationDescription"] = {name: whole[name] for name in s3.MEMBERS if name in whole}
    return answer
