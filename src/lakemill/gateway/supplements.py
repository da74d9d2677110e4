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

# What jobs of Glue ask for to apply a transform; AWS names it where it lists exceptions, and nowhere says its members.
# https://docs.aws.amazon.com/glue/latest/dg/glue-exceptions.html
PULL_MODEL: dict[str, Any] = {
    "operations": {
        "PullLatestMLTransformModel": {
            "name": "PullLatestMLTransformModel",
            "http": {"method": "POST", "requestUri": "/"},
            "input": {"shape": "PullLatestMLTransformModelRequest"},
            "output": {"shape": "PullLatestMLTransformModelResponse"},
            "errors": [
                {"shape": name}
                for name in ("EntityNotFoundException", "InvalidInputException", "MLTransformNotReadyException")
            ],
        }
    },
    "shapes": {
        "PullLatestMLTransformModelRequest": {
            "type": "structure",
            "required": ["TransformId"],
            "members": {"TransformId": {"shape": "HashString"}},
        },
        "PullLatestMLTransformModelResponse": {
            "type": "structure",
            "members": {
                "TransformId": {"shape": "HashString"},
                "ModelVersion": {"shape": "NullableInteger"},
                "Model": {"shape": "ModelBytes"},
                "FindMatchesParameters": {"shape": "FindMatchesParameters"},
            },
        },
        "ModelBytes": {"type": "blob"},
    },
}

SUPPLEMENTS = {"kinesis-video-media": PUT_MEDIA, "glue": PULL_MODEL}
"""By client."""


def supplemented(client: str, description: dict[str, Any]) -> dict[str, Any]:
    """A model's description with what is missing in it."""
    more = SUPPLEMENTS.get(client, {})
    return description | {part: description.get(part, {}) | added for part, added in more.items()}
