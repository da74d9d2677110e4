"""Serving: how usual a pair of an entity and an address is, from any request type the built-in takes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lakemill.algorithms.contract import InferenceError, InferenceRequest, InferenceResponse
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.ipinsights.model import Model, read
from lakemill.algorithms.ipinsights.text import BadRecord, Pairs, decode_csv, decode_json, decode_jsonlines
from lakemill.algorithms.serving import CSV, JSON, JSONLINES, encode, execution_parameters, media_type, negotiate
from lakemill.formats.errors import FormatError

DECODERS: Mapping[str, Callable[[bytes, int], Pairs]] = {
    CSV: decode_csv,
    JSON: decode_json,
    JSONLINES: decode_jsonlines,
}
RESPONSES = (JSON, JSONLINES)


class IPInsightsPredictor:
    """Answers `dot_product`, and both embeddings where Accept says verbose=True."""

    def __init__(self, model: Model, environment: Mapping[str, str] | None = None) -> None:
        self._model = model
        self._default_accept = (environment or {}).get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or JSON

    def invoke(self, request: InferenceRequest) -> InferenceResponse:
        """Answer one request. Raises InferenceError: 400 bad records, 406 Accept, 415 type or unparsable body."""
        accept, options = negotiate(request.accept, RESPONSES, self._default_accept)
        verbose = options.get("verbose", "false").lower()
        if verbose not in ("true", "false"):
            raise InferenceError(406, f"verbose in Accept must be True or False; got {options['verbose']}")
        pairs = self._decode(request)
        return InferenceResponse(encode(self._outputs(pairs, verbose == "true"), accept), accept)

    def _decode(self, request: InferenceRequest) -> Pairs:
        name, _ = media_type(request.content_type)
        if name not in DECODERS:
            named = f"Content type {name!r} is not supported" if name else "The request has no Content-Type"
            raise InferenceError(415, f"{named}; must be one of {', '.join(DECODERS)}")
        if not request.body.strip():
            raise InferenceError(400, "The request body is empty; it must hold at least one record")
        try:
            pairs = DECODERS[name](request.body, self._model.num_entity_vectors)
        except BadRecord as wrong:
            raise InferenceError(400, str(wrong)) from None
        except FormatError as wrong:
            raise InferenceError(415, f"Unable to parse the body as {name}: {wrong}") from None
        if not len(pairs):
            raise InferenceError(400, "The request holds no records")
        return pairs

    def _outputs(self, pairs: Pairs, verbose: bool) -> dict[str, Any]:
        outputs: dict[str, Any] = {"dot_product": self._model.scores(pairs.entities, pairs.addresses)}
        if verbose:
            outputs["ip_embedding"] = self._model.address_embeddings(pairs.addresses)
            outputs["entity_embedding"] = self._model.entity_embeddings(pairs.entities)
        return outputs

    def execution_parameters(self) -> dict[str, Any]:
        return execution_parameters()


def serve(model_dir: Path, environment: Mapping[str, str]) -> IPInsightsPredictor:
    """Load the model of a folder. Raises CustomerError."""
    files = sorted(path for path in model_dir.iterdir() if path.is_file() and not path.name.startswith("."))
    named = [path for path in files if path.name.startswith("model")] or files
    if not named:
        raise CustomerError("the model folder holds no file; an IP Insights model is one file, model_algo-1")
    return IPInsightsPredictor(read(named[0]), environment)
