"""What reading and writing a Kinesis stream needs, for the service itself and for those that do it with a role.

(https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html)
"""

from lakemill.engines.identity import RoleRights
from lakemill.engines.streams import Stream, Streams
from lakemill.services.base import Need
from lakemill.services.keyaccess import key_need

OF_KEYS = {
    "GetRecords": "Decrypt",
    "SubscribeToShard": "Decrypt",
    "PutRecord": "GenerateDataKey",
    "PutRecords": "GenerateDataKey",
}
"""What is done with an encrypted stream's key, by operation."""


def stream_arn(stream: Stream) -> str:
    """`arn:aws:kinesis:<region>:<account>:stream/<name>`."""
    account, _, region = stream.scope.partition("/")
    return f"arn:aws:kinesis:{region}:{account}:stream/{stream.name}"


def sealed_need(streams: Streams, stream: Stream, operation: str, caller: str | None = None) -> Need | None:
    """What an operation needs of the stream's key; None where there is none to ask.

    caller: the account that asks, if it may be another than the stream's.
    """
    wanted = OF_KEYS.get(operation)
    if wanted is None or streams.keys is None or (key := streams.key_of(stream)) is None:
        return None
    context = {"aws:kinesis:arn": stream_arn(stream)}
    return key_need(streams.keys, key, wanted, context, caller=caller, via="kinesis")


def role_refusal(
    rights: RoleRights, streams: Streams, role_arn: str, region: str, operation: str, arn: str
) -> str | None:
    """Why a role may not do an operation (`GetRecords`) with the stream of an ARN, or None if it may."""
    return stream_refusal(rights, streams, role_arn, region, operation, arn) or key_refusal(
        rights, streams, role_arn, region, operation, arn
    )


def stream_refusal(
    rights: RoleRights, streams: Streams, role_arn: str, region: str, operation: str, arn: str
) -> str | None:
    """The same, its records' key left aside."""
    stream = _named(streams, arn)
    policy = stream.policy if stream is not None else None
    return rights.refusal(role_arn, region, f"kinesis:{operation}", arn, policy=policy, owner=arn.split(":")[4])


def key_refusal(
    rights: RoleRights, streams: Streams, role_arn: str, region: str, operation: str, arn: str
) -> str | None:
    """Why a role may not do what an operation needs of the key that the stream's records are encrypted with."""
    stream = _named(streams, arn)
    need = sealed_need(streams, stream, operation) if stream is not None else None
    if need is None:
        return None
    return rights.refusal(
        role_arn,
        region,
        need.action,
        need.resource,
        policy=need.resource_policy,
        owner=need.resource_account,
        strict=need.strict,
        context=dict(need.context),
    )


def _named(streams: Streams, arn: str) -> Stream | None:
    _, _, _, region, account, resource = arn.split(":", 5)
    return streams.find(f"{account}/{region}", resource.removeprefix("stream/"))
