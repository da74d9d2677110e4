"""Hyperparameters: what is valid, what is refused and how."""

import json
import re

import pytest

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.spec import Hyperparameter
from tests.contracts.algorithm.workbench import Check, Subject


def an_unknown_hyperparameter_is_refused(subject: Subject) -> None:
    with pytest.raises(CustomerError, match=r"Additional properties are not allowed \('colour' was unexpected\)"):
        subject.spec.validate({**subject.recipe.hyperparameters, "colour": "red"})


def a_hyperparameter_of_the_wrong_type_is_refused(subject: Subject) -> None:
    for one in subject.spec.hyperparameters:
        if one.kind in ("integer", "continuous", "boolean"):
            with pytest.raises(CustomerError, match="is not valid under any of the given schemas"):
                subject.spec.validate({**subject.recipe.hyperparameters, one.name: "pear"})


def a_hyperparameter_out_of_range_is_refused(subject: Subject) -> None:
    bounded = [(one, bound) for one in subject.spec.hyperparameters for bound in _beyond(one)]
    assert bounded, "no hyperparameter has a range"
    for one, value in bounded:
        with pytest.raises(CustomerError, match=re.escape(f"hyperparameter {one.name} must be")):
            subject.spec.validate({**subject.recipe.hyperparameters, one.name: value})


def _beyond(one: Hyperparameter) -> list[str]:
    found = []
    if one.kind in ("integer", "continuous"):
        if one.low is not None:
            found.append(str(one.low if one.low_open else one.low - 1))
        if one.high is not None:
            found.append(str(one.high if one.high_open else one.high + 1))
    if one.kind == "categorical" and one.choices:
        found.append("no-such-choice")
    return found


def a_missing_hyperparameter_is_named(subject: Subject) -> None:
    for one in subject.spec.hyperparameters:
        if one.required:
            given = {name: text for name, text in subject.recipe.hyperparameters.items() if name != one.name}
            with pytest.raises(CustomerError, match=f"'{one.name}' is a required property"):
                subject.spec.validate(given)


def defaults_are_valid_themselves(subject: Subject) -> None:
    for one in subject.spec.hyperparameters:
        if one.default is not None:
            text = json.dumps(one.default) if isinstance(one.default, list) else str(one.default)
            assert one.parse(text) == one.default, one.name


CHECKS: tuple[Check, ...] = (
    an_unknown_hyperparameter_is_refused,
    a_hyperparameter_of_the_wrong_type_is_refused,
    a_hyperparameter_out_of_range_is_refused,
    a_missing_hyperparameter_is_named,
    defaults_are_valid_themselves,
)
