"""What a CreateTransformJob may ask for: everything that is not honoured is refused here by name."""

from collections.abc import Mapping
from typing import Any

from lakemill.engines.hosting import INSTANCES_MAX
from lakemill.engines.hosting.batch.jsonpath import PathError, compile_path, indexes_only
from lakemill.engines.hosting.batch.processing import CSV, JSON, JSONLINES, Processing
from lakemill.services.base import ServiceError
from lakemill.services.sagemaker.errors import invalid, unsupported
from lakemill.services.sagemaker.training_request import s3_location

Request = Mapping[str, Any]

REFUSED = {
    "DataCaptureConfig": "requests and answers are not captured yet",
    "ExperimentConfig": "lakemill keeps no experiments",
}
PAYLOAD_MB_MAX = 100
PAYLOAD_MB_DEFAULT = 6


def check(request: Request) -> None:
    """Raise a ServiceError for what is wrong or not honoured."""
    _check_input(request["TransformInput"])
    _check_output(request["TransformOutput"])
    _check_resources(request["TransformResources"])
    _check_payload(request)
    _check_processing(request)


def _check_input(given: Request) -> None:
    source = given["DataSource"].get("S3DataSource")
    if source is None:
        raise invalid("TransformInput.DataSource must have an S3DataSource.")
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise unsupported(f"TransformInput: S3DataType={source['S3DataType']}", "use S3Prefix or ManifestFile")
    s3_location(source["S3Uri"], "TransformInput: S3Uri")


def _check_output(given: Request) -> None:
    if given.get("KmsKeyId"):
        raise unsupported("TransformOutput.KmsKeyId", "output is not encrypted with KMS keys")
    s3_location(given["S3OutputPath"], "TransformOutput.S3OutputPath")


def _check_resources(given: Request) -> None:
    for member, reason in {
        "VolumeKmsKeyId": "volumes are folders of this machine and are not encrypted",
        "TransformAmiVersion": "there are no machine images",
    }.items():
        if given.get(member):
            raise unsupported(f"TransformResources.{member}", reason)
    # Any type will do: an instance is a process of this machine.
    if given["InstanceType"] and given["InstanceCount"] > INSTANCES_MAX:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"A transform job of lakemill may have {INSTANCES_MAX} instances, each of which is a process of this "
            f"machine; got {given['InstanceCount']}.",
        )


def _check_payload(request: Request) -> None:
    payload, concurrent = request.get("MaxPayloadInMB", PAYLOAD_MB_DEFAULT), request.get("MaxConcurrentTransforms") or 1
    if request.get("MaxPayloadInMB") == 0:
        raise unsupported(
            "MaxPayloadInMB=0", "the built-in algorithms take no chunked requests of unlimited size; give 1 to 100"
        )
    if payload > PAYLOAD_MB_MAX:
        raise invalid(f"MaxPayloadInMB must be at most {PAYLOAD_MB_MAX}; got {payload}.")
    if payload * concurrent > PAYLOAD_MB_MAX:
        raise invalid(
            f"MaxConcurrentTransforms * MaxPayloadInMB must not exceed {PAYLOAD_MB_MAX} MB; got "
            f"{concurrent} * {payload} = {payload * concurrent}."
        )


def _check_processing(request: Request) -> None:
    wanted = processing(request)
    if wanted.idle:
        return
    given, result = request["TransformInput"], request["TransformOutput"]
    for name, path in (("InputFilter", wanted.input_filter), ("OutputFilter", wanted.output_filter)):
        try:
            compile_path(path)
        except PathError as error:
            raise invalid(f"DataProcessing.{name}: {error}.") from None
        if wanted.content_type == CSV and not indexes_only(path):
            raise invalid(f"DataProcessing.{name} must select columns by index for text/csv, as in $[1:]; got {path}.")
    if wanted.content_type not in (CSV, JSON, JSONLINES):
        raise invalid(
            f"DataProcessing needs a ContentType of {CSV}, {JSON} or {JSONLINES}; got {wanted.content_type or 'none'}."
        )
    if media_type(result.get("Accept", "")) != wanted.content_type:
        raise invalid(
            f"DataProcessing needs an Accept equal to the ContentType ({wanted.content_type}); got "
            f"{result.get('Accept') or 'none'}."
        )
    how = "None" if wanted.content_type == JSON else "Line"
    for name, value in (("SplitType", given.get("SplitType")), ("AssembleWith", result.get("AssembleWith"))):
        if (value or "None") != how:
            raise invalid(f"DataProcessing of {wanted.content_type} needs {name} {how}; got {value or 'None'}.")


def processing(request: Request) -> Processing:
    """What is done with the records before and after the model."""
    given = request.get("DataProcessing", {})
    return Processing(
        content_type=media_type(request["TransformInput"].get("ContentType", "")),
        input_filter=given.get("InputFilter") or "$",
        output_filter=given.get("OutputFilter") or "$",
        join=given.get("JoinSource", "None") == "Input",
        output_key="SageMakerOutput",
        input_key="SageMakerInput",
    )


def media_type(value: str) -> str:
    """Without parameters, in lower case."""
    return value.partition(";")[0].strip().lower()
