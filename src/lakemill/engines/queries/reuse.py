"""An answer given again: to whoever may see what it was made of, while it is young enough."""

import datetime

import msgspec

from lakemill.engines.objects import ObjectsError
from lakemill.engines.queries.errors import Refused
from lakemill.engines.queries.execution import Execution
from lakemill.engines.queries.lake import Rights
from lakemill.engines.queries.objectside import split
from lakemill.engines.queries.running import Environment


def reused(environment: Environment, execution: Execution, rights: Rights) -> Execution | None:
    """The execution as it ends with the answer of an earlier one, or None if there is none that will do."""
    before = environment.executions.reusable(execution.request)
    if before is None or before.completed is None or not before.checked:
        return None
    now = environment.clock.now()
    if now - before.completed > datetime.timedelta(seconds=execution.request.reuse_s or 0):
        return None
    try:
        environment.objects.head(*split(before.location))
        for action, resource in before.checked:
            rights.again(action, resource)
    except (ObjectsError, Refused):
        return None
    total_ms = int((now - execution.submitted).total_seconds() * 1000)
    kept = {name: getattr(before, name) for name in ("kind", "substatement", "location", "form", "columns", "rows")}
    return msgspec.structs.replace(execution, state="SUCCEEDED", reused=True, completed=now, total_ms=total_ms, **kept)
