"""Real or refused: no input member of a provided operation is accepted and ignored."""

import inspect
from pathlib import Path

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from lakemill.app import SERVICES

LOADER = Loader()


def cases():
    for service in SERVICES:
        model = ServiceModel(LOADER.load_service_model(service.name, "service-2"), service.name)
        folder = Path(inspect.getfile(service)).parent
        source = "\n".join(path.read_text() for path in sorted(folder.rglob("*.py")))
        for name in sorted(dir(service)):
            handler = getattr(service, name)
            if hasattr(handler, "operation"):
                yield pytest.param(model, handler, source, id=f"{service.name}.{handler.operation}")


@pytest.mark.parametrize(("model", "handler", "source"), cases())
def test_every_member_is_used_or_refused(model, handler, source):
    operation = model.operation_model(handler.operation)  # A misspelt name fails here.
    members = operation.input_shape.members if operation.input_shape else {}
    unknown = set(handler.refuses) - set(members)
    assert not unknown, f"refuses members that do not exist: {unknown}"
    ignored = [m for m in members if m not in handler.refuses and f'"{m}"' not in source and f"'{m}'" not in source]
    assert not ignored, f"neither used nor refused: {ignored}"
