"""Operations of AWS that botocore's models lack, because the Python SDK does not offer them.

Written in the models' own form, and put into a model as it is read.
"""

from typing import Any


def _header(name: str, shape: str) -> dict[str, str]:
    return {"shape": shape, "location": "header", "locationName": name}


# https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_dataplane_PutMedia.html
PUT_MEDIA: dict[str, Any] = {
    "operations": {
        "PutMedia": {
            "name": "PutMedia",
            "http": {"method": "POST", "requestUri": "/putMedia"},
            "input": {"shape": "PutMediaInput"},
            "output": {"shape": "PutMediaOutput"},
            "errors": [
                {"shape": name}
                for name in (
                    "ResourceNotFoundException",
                    "NotAuthorizedException",
                    "InvalidEndpointException",
                    "InvalidArgumentException",
                    "ClientLimitExceededException",
                    "ConnectionLimitExceededException",
                )
            ],
        }
    },
    "shapes": {
        "PutMediaInput": {
            "type": "structure",
            "required": ["FragmentTimecodeType"],
            "members": {
                "StreamName": _header("x-amzn-stream-name", "StreamName"),
                "StreamARN": _header("x-amzn-stream-arn", "ResourceARN"),
                "FragmentTimecodeType": _header("x-amzn-fragment-timecode-type", "FragmentTimecodeType"),
                "ProducerStartTimestamp": _header("x-amzn-producer-start-timestamp", "EpochSeconds"),
                "Payload": {"shape": "Payload"},
            },
            "payload": "Payload",
        },
        "PutMediaOutput": {
            "type": "structure",
            "members": {"ContentType": _header("Content-Type", "ContentType"), "Payload": {"shape": "Payload"}},
            "payload": "Payload",
        },
        "FragmentTimecodeType": {"type": "string", "enum": ["ABSOLUTE", "RELATIVE"]},
        "EpochSeconds": {"type": "string"},
    },
}

SUPPLEMENTS = {"kinesis-video-media": PUT_MEDIA}
"""By client."""


def supplemented(client: str, description: dict[str, Any]) -> dict[str, Any]:
    """A model's description with what is missing in it."""
    more = SUPPLEMENTS.get(client, {})
    return description | {part: description.get(part, {}) | added for part, added in more.items()}
