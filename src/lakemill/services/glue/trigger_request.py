"""What a trigger may be: its type, when it fires, and which jobs it starts."""

from collections.abc import Mapping
from typing import Any

from lakemill.engines.resources import Resources
from lakemill.engines.schedules import Cron, ScheduleWrong, parse
from lakemill.services.glue import job_arguments, job_request, shapes
from lakemill.services.glue.jobs import job_named
from lakemill.services.glue.runs import ENDED

SCHEDULED, CONDITIONAL, ON_DEMAND = "SCHEDULED", "CONDITIONAL", "ON_DEMAND"
ACTIONS_MAX = 10
MINUTES_APART_MIN = 5
REFUSED = {"EventBatchingCondition": "there is no EventBridge"}
_REFUSED_OF_ACTIONS = {
    "CrawlerName": "triggers start jobs only",
    "SecurityConfiguration": "security configurations are not provided",
    "NotificationProperty": "there is no EventBridge",
}
_REFUSED_OF_CONDITIONS = dict.fromkeys(("CrawlerName", "CrawlState"), "triggers watch jobs only")


def definition(resources: Resources, scope: str, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A trigger's definition. Raises ServiceError InvalidInputException, EntityNotFoundException."""
    shapes.refuse(given, REFUSED)
    if kind not in (SCHEDULED, CONDITIONAL, ON_DEMAND):
        raise shapes.invalid(f"Type {kind} is not supported: there is no EventBridge.")
    made: dict[str, Any] = {"Type": kind, "Actions": _actions(given.get("Actions", []))}
    if given.get("Description"):
        made["Description"] = given["Description"]
    for member, owner in (("Schedule", SCHEDULED), ("Predicate", CONDITIONAL)):
        if bool(given.get(member)) != (kind == owner):
            raise shapes.invalid(f"{member} is what triggers of type {owner} have, and no others.")
    if kind == SCHEDULED:
        made["Schedule"] = given["Schedule"]
        schedule(given["Schedule"])
    if kind == CONDITIONAL:
        made["Predicate"] = _predicate(given["Predicate"])
    watched = made.get("Predicate", {}).get("Conditions", [])
    for name in [one["JobName"] for one in (*made["Actions"], *watched)]:
        job_named(resources, scope, name)
    return made


def schedule(text: str) -> Cron:
    """Raises ServiceError InvalidInputException."""
    try:
        found = parse(text)
    except ScheduleWrong as wrong:
        raise shapes.invalid(f"Schedule {text} is not valid: {wrong}.") from None
    if found.minutes_apart_min < MINUTES_APART_MIN:
        raise shapes.invalid(f"Schedule {text} is due more often than every {MINUTES_APART_MIN} minutes.")
    return found


def _actions(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not 1 <= len(actions) <= ACTIONS_MAX:
        raise shapes.invalid(f"A trigger has from 1 to {ACTIONS_MAX} actions; got {len(actions)}.")
    for action in actions:
        shapes.refuse(action, _REFUSED_OF_ACTIONS)
        if not action.get("JobName"):
            raise shapes.invalid("An action must name a job.")
        job_arguments.check(action.get("Arguments", {}))
        job_request.check_run(action)
    return actions


def _predicate(predicate: Mapping[str, Any]) -> dict[str, Any]:
    conditions = predicate.get("Conditions", [])
    if not conditions:
        raise shapes.invalid("A Predicate must have a condition.")
    if len(conditions) > 1 and "Logical" not in predicate:
        raise shapes.invalid("A Predicate of several conditions must say Logical, AND or ANY.")
    for condition in conditions:
        shapes.refuse(condition, _REFUSED_OF_CONDITIONS)
        if condition.get("LogicalOperator") != "EQUALS":
            raise shapes.invalid("LogicalOperator of a condition must be EQUALS.")
        if not condition.get("JobName"):
            raise shapes.invalid("A condition must name a job.")
        if condition.get("State") not in ENDED:
            raise shapes.invalid(
                f"State of a condition must be one of {', '.join(ENDED)}; got {condition.get('State')}."
            )
    return {"Logical": predicate.get("Logical", "AND"), "Conditions": conditions}
