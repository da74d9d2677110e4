"""How many, how much, how often: what AWS allows of streams, and how it is said when that is exceeded."""

from typing import Any

from lakemill.engines.streams.errors import ChangeRefused, TooMany
from lakemill.engines.streams.stream import DAY_MS, ON_DEMAND, Stream

SHARDS_MAX = 10_000
"""Open shards of a scope."""
ON_DEMAND_STREAMS_MAX = 50
RETENTION_H = (24, 8760)
TAGS_MAX = 50
DAILY_MAX = {"scalings": 10, "modes": 2, "keys": 25}
"""Changes of a stream in 24 hours."""


def check_room(streams: list[Stream], scope: str, added: int, mode: str) -> None:
    """Whether a scope with these streams may have so many open shards more. Raises TooMany."""
    account, _, region = scope.partition("/")
    used = sum(len(stream.open) for stream in streams)
    if used + added > SHARDS_MAX:
        raise TooMany(
            f"This request would exceed the shard limit for the account {account} in {region}. "
            f"Current shard count for the account: {used}. Limit: {SHARDS_MAX}. "
            f"Number of additional shards that would have resulted from this request: {added}."
        )
    if mode == ON_DEMAND and sum(one.mode == ON_DEMAND for one in streams) >= ON_DEMAND_STREAMS_MAX:
        raise TooMany(f"There may be at most {ON_DEMAND_STREAMS_MAX} on-demand streams.")


def note(document: dict[str, Any], what: str, now_ms: int) -> None:
    """Remember for a day that a change was made."""
    earlier = [time_ms for time_ms in document["history"].get(what, []) if time_ms > now_ms - DAY_MS]
    document["history"][what] = [*earlier, now_ms]


def check_daily(stream: Stream, what: str, now_ms: int) -> None:
    """Whether a change may be made once more today. Raises TooMany."""
    done = [time_ms for time_ms in stream.document["history"].get(what, []) if time_ms > now_ms - DAY_MS]
    if len(done) >= DAILY_MAX[what]:
        spoken = {"scalings": "its shard count", "modes": "its capacity mode", "keys": "its encryption"}[what]
        raise TooMany(
            f"Stream {stream.name} under account {stream.account} had {spoken} changed {DAILY_MAX[what]} times "
            "in the last 24 hours, which is the limit."
        )


def check_scaling(stream: Stream, count: int) -> None:
    """At most twice as many open shards, at least half as many. Raises ChangeRefused."""
    now = len(stream.open)
    counts = f"Current open shard count: {now} Target shard count: {count}"
    if count > 2 * now:
        raise ChangeRefused(f"UpdateShardCount cannot scale up over double your current open shard count. {counts}")
    if 2 * count < now:
        raise ChangeRefused(f"UpdateShardCount cannot scale down below half your current open shard count. {counts}")


def check_retention(stream: Stream, hours: int, *, longer: bool) -> None:
    """Whether records may be kept so long, by an increase or a decrease. Raises ChangeRefused."""
    least, most = RETENTION_H
    asked = f"Requested retention period ({hours} hours)"
    than = f"existing retention period ({stream.retention_h} hours)"
    if hours < least:
        raise ChangeRefused(f"Minimum allowed retention period is {least} hours. {asked} is too short.")
    if hours > most:
        raise ChangeRefused(f"Maximum allowed retention period is {most} hours. {asked} is too long.")
    if longer and hours < stream.retention_h:
        raise ChangeRefused(
            f"{asked} for stream {stream.name} can not be shorter than {than}. Use DecreaseRetentionPeriod API."
        )
    if not longer and hours > stream.retention_h:
        raise ChangeRefused(
            f"{asked} for stream {stream.name} can not be longer than {than}. Use IncreaseRetentionPeriod API."
        )


def check_tags(stream: Stream, tags: dict[str, str]) -> None:
    """Raises TooMany."""
    if len(tags) > TAGS_MAX:
        raise TooMany(
            f"Failed to add tags to stream {stream.name} under account {stream.account} "
            f"because a given stream cannot have more than {TAGS_MAX} tags associated with it."
        )
