"""How a program that works with a role gets a transform that was taught.

GetMLTransform tells of a transform but has no room for what it learned. Glue's own jobs fetch that by an operation that
AWS's models do not list, PullLatestMLTransformModel; lakemill answers it like any other: the request is signed, and the
caller must be allowed `glue:UseMLTransforms` on the transform.

    request    {"TransformId": "tfm-..."}
    answer     {"TransformId", "ModelVersion": 3, "Model": base64 of the file FindMatches.save writes,
                "FindMatchesParameters": {"PrimaryKeyColumnName", "PrecisionRecallTradeoff", ...}}
    errors     EntityNotFoundException, MLTransformNotReadyException, AccessDeniedException
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from lakemill.matching import FindMatches

TARGET = "AWSGlue.PullLatestMLTransformModel"
DIALS = {
    "PrecisionRecallTradeoff": "precision_recall_tradeoff",
    "AccuracyCostTradeoff": "accuracy_cost_tradeoff",
    "EnforceProvidedLabels": "enforce_provided_labels",
}


class PullRefused(Exception):
    """The transform was not given. code: as AWS has it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def matcher(transform_id: str, session: Any = None) -> FindMatches:
    """A transform's matcher, with the dials as they stand now.

    session: botocore's, with credentials, region and the endpoint of Glue; by default what the environment says, as
    that of a job does. Raises PullRefused.
    """
    answer = _asked(transform_id, session or botocore.session.get_session())
    return tuned(base64.b64decode(answer["Model"]), answer["FindMatchesParameters"])


def tuned(model: bytes, parameters: Mapping[str, Any]) -> FindMatches:
    """A matcher from its file's bytes and the transform's FindMatchesParameters."""
    made = FindMatches.load(model)
    return made.set_params(**{name: parameters[given] for given, name in DIALS.items() if given in parameters})


def _asked(transform_id: str, session: Any) -> dict[str, Any]:
    client = session.create_client("glue")
    url, region = client.meta.endpoint_url, client.meta.region_name
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": TARGET}
    request = AWSRequest("POST", url, headers, data=json.dumps({"TransformId": transform_id}).encode())
    SigV4Auth(session.get_credentials().get_frozen_credentials(), "glue", region).add_auth(request)
    verify = session.get_config_variable("ca_bundle") or True
    answer = URLLib3Session(verify=verify, proxies=get_environ_proxies(url)).send(request.prepare())
    body: dict[str, Any] = json.loads(answer.content or b"{}")
    if answer.status_code != 200:
        code = str(body.get("__type", answer.status_code)).rpartition("#")[2]
        raise PullRefused(code, body.get("message") or body.get("Message") or code)
    return body
