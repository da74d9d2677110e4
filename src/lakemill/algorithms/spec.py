"""The table an algorithm is declared by: one source for validation, docs, tuning ranges and metric definitions.

This module imports nothing heavy: the control plane reads specs without loading numpy.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from lakemill.algorithms.errors import CustomerError


@dataclasses.dataclass(frozen=True)
class Range:
    """The recommended tuning range."""

    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    scaling: str = "Auto"


@dataclasses.dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter: AWS's name, what is valid, the default.

    kind: integer, continuous, boolean, categorical, list (JSON text), text.
    low/high are inclusive unless low_open/high_open. auto: the word `auto` is valid besides.
    check: an optional function value -> None or a sentence saying what is wrong, for what the columns cannot say.
    """

    name: str
    kind: Literal["integer", "continuous", "boolean", "categorical", "list", "text"]
    doc: str
    default: Any = None
    required: bool = False
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[str, ...] = ()
    auto: bool = False
    aliases: tuple[str, ...] = ()
    tunable: Range | None = None
    check: Callable[[Any], str | None] | None = None

    def parse(self, text: str) -> Any:
        """The typed value of a hyperparameter string. Raises CustomerError with AWS's wording."""
        value = self._typed(text)
        if value != "auto" or not self.auto:
            self._in_range(value, text)
            if self.check and (wrong := self.check(value)):
                raise CustomerError(f"Hyperparameter {self.name}: {wrong}")
        return value

    def _typed(self, text: str) -> Any:
        stripped = text.strip()
        if self.auto and stripped == "auto":
            return "auto"
        try:
            return _PARSERS[self.kind](stripped)
        except (ValueError, OverflowError):
            raise self._refused(text) from None

    def _in_range(self, value: Any, text: str) -> None:
        if self.choices:
            members = value if isinstance(value, list) else [value]
            if not all(member in self.choices for member in members):
                raise self._refused(text)
        if self.kind not in ("integer", "continuous"):
            return
        too_low = self.low is not None and (value < self.low or (self.low_open and value == self.low))
        too_high = self.high is not None and (value > self.high or (self.high_open and value == self.high))
        if too_low or too_high or math.isnan(value):
            raise self._refused(text)

    def _refused(self, text: str) -> CustomerError:
        return CustomerError(
            f"{text!r} is not valid under any of the given schemas: "
            f"hyperparameter {self.name} must be {self.allowed()}; got {text!r}"
        )

    def allowed(self) -> str:
        """What is valid, in words: `an integer >= 1`."""
        if self.choices and self.kind == "list":
            words = f"a JSON list of {', '.join(self.choices)}"
        elif self.choices:
            words = f"one of {', '.join(self.choices)}"
        else:
            words = _KIND_WORDS[self.kind]
        bounds = []
        if self.low is not None:
            bounds.append(f"{'>' if self.low_open else '>='} {self.low:g}")
        if self.high is not None:
            bounds.append(f"{'<' if self.high_open else '<='} {self.high:g}")
        words += " " + " and ".join(bounds) if bounds else ""
        return words + (" or auto" if self.auto else "")


def _integer(text: str) -> int:
    number = float(text)  # "1.0" is legal where an integer is meant; "1.5" is not.
    if not number.is_integer():
        raise ValueError(text)
    return int(text) if text.lstrip("+-").isdigit() else int(number)


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}[text.lower()]


def _boolean_or_value_error(text: str) -> bool:
    try:
        return _boolean(text)
    except KeyError:
        raise ValueError(text) from None


def _continuous(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value


def _list(text: str) -> list[Any]:
    value = json.loads(text.replace("'", '"'))
    if not isinstance(value, list):
        raise ValueError(text)
    return value


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "integer": _integer,
    "continuous": _continuous,
    "boolean": _boolean_or_value_error,
    "categorical": str,
    "list": _list,
    "text": str,
}
_KIND_WORDS = {
    "integer": "an integer",
    "continuous": "a number",
    "boolean": "true or false",
    "categorical": "a word",
    "list": "a JSON list",
    "text": "text",
}


@dataclasses.dataclass(frozen=True)
class Channel:
    """An input channel."""

    name: str
    required: bool
    content_types: tuple[str, ...]
    doc: str = ""
    input_modes: tuple[str, ...] = ("File",)


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric the service reads out of the log."""

    name: str
    regex: str
    goal: Literal["Minimize", "Maximize"] | None = None
    """None: not an objective for tuning."""


TOLERATED = ("_tuning_objective_metric", "_num_gpus", "_num_kv_servers", "_kvstore", "_log_level", "_enable_profiler",
             "_data_format", "_num_slices", "_disable_wait_to_read")  # fmt: skip
"""Hidden names the platform itself or old SDKs send; accepted and of no effect on one machine."""


@dataclasses.dataclass(frozen=True)
class AlgorithmSpec:
    """Everything the outside may know about a built-in algorithm."""

    name: str
    """The AWS name, e.g. `linear-learner`."""
    title: str
    summary: str
    repositories: tuple[str, ...]
    """Repository names by which an image URI is recognised."""
    hyperparameters: tuple[Hyperparameter, ...]
    channels: tuple[Channel, ...]
    request_types: tuple[str, ...]
    response_types: tuple[str, ...]
    metrics: tuple[Metric, ...] = ()
    tolerated: tuple[str, ...] = TOLERATED
    train: str = ""
    """`module:function`, called with a TrainingContext (see contract.py)."""
    serve: str = ""
    """`module:function`, called with (model_dir, environment), returns a Predictor (see contract.py)."""
    check: Callable[[Mapping[str, Any]], str | None] | None = None
    """Dependencies between hyperparameters: typed values -> None or a sentence saying what is wrong."""
    supervised: bool = True
    """Whether training records have labels."""
    multi_instance: bool = False
    incremental: bool = False

    def validate(self, given: Mapping[str, str]) -> dict[str, Any]:
        """Typed hyperparameters with defaults filled in. Raises CustomerError with AWS's wording."""
        known = {name: one for one in self.hyperparameters for name in (one.name, *one.aliases)}
        unknown = [name for name in given if name not in known and name not in self.tolerated]
        if unknown:
            names = ", ".join(repr(name) for name in unknown)
            were = "was" if len(unknown) == 1 else "were"
            raise CustomerError(f"Additional properties are not allowed ({names} {were} unexpected)")
        values = {one.name: one.default for one in self.hyperparameters}
        for name, text in given.items():
            if name in known:
                values[known[name].name] = known[name].parse(text)
        for one in self.hyperparameters:
            if one.required and values[one.name] is None:
                raise CustomerError(f"{one.name!r} is a required property")
        if self.check and (wrong := self.check(values)):
            raise CustomerError(wrong)
        return values

    def channel(self, name: str) -> Channel | None:
        return next((one for one in self.channels if one.name == name), None)


def by_repository(specs: Sequence[AlgorithmSpec], image_uri: str) -> AlgorithmSpec | None:
    """The algorithm an image URI means, by its repository name; account, region and tag do not matter."""
    repository = image_uri.rsplit("/", 1)[-1].split("@", 1)[0].split(":", 1)[0]
    return next((one for one in specs if repository in one.repositories), None)
