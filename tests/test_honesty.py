"""Real or refused: no input member of a provided operation is accepted and ignored."""

import inspect
import tempfile
from pathlib import Path

import pytest

import lakemill
from lakemill.app import build
from lakemill.gateway.models import service_model
from lakemill.settings import Settings

SERVICES = Path(lakemill.__file__).parent / "services"


def handlers():
    """Every handler by client and operation, of a lakemill that does not listen."""
    with tempfile.TemporaryDirectory() as folder:
        app = build(Settings(data=Path(folder)))
        found = {client: dict(operations) for client, operations in app.gateway.handlers.items()}
        app.objects.close()
        app.metadata.close()
        app.lock.release()
    return found


def source_of(handler):
    """All source of the service folder a handler stands in."""
    place = Path(inspect.getfile(inspect.unwrap(handler))).relative_to(SERVICES)
    return "\n".join(path.read_text() for path in sorted((SERVICES / place.parts[0]).rglob("*.py")))


def cases():
    for client, operations in handlers().items():
        model = service_model(client)
        for name, handler in sorted(operations.items()):
            yield pytest.param(model.operation_model(name), handler, id=f"{client}.{name}")


@pytest.mark.parametrize(("operation", "handler"), list(cases()))
def test_every_member_is_used_or_refused(operation, handler):
    members = operation.input_shape.members if operation.input_shape else {}
    unknown = set(handler.refuses) - set(members)
    assert not unknown, f"refuses members that do not exist: {unknown}"
    source = source_of(handler)
    ignored = [m for m in members if m not in handler.refuses and f'"{m}"' not in source and f"'{m}'" not in source]
    assert not ignored, f"neither used nor refused: {ignored}"
