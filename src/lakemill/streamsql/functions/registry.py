"""Functions by name: how many arguments, and what makes an expression of them."""

from collections.abc import Callable
from dataclasses import dataclass

from lakemill.streamsql.expr import Expr

Build = Callable[..., Expr]


@dataclass(frozen=True)
class Function:
    """`build` takes the compiled arguments; it raises TypeError or ValueError with a sentence for the user."""

    name: str
    least: int
    most: int
    build: Build

    def __call__(self, arguments: list[Expr]) -> Expr:
        if not self.least <= len(arguments) <= self.most:
            wanted = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
            raise TypeError(f"{self.name} takes {wanted} arguments, not {len(arguments)}")
        return self.build(*arguments)


_functions: dict[str, Function] = {}


def define(name: str, least: int, most: int | None = None) -> Callable[[Build], Build]:
    """Give a builder its name in SQL."""

    def register(build: Build) -> Build:
        _functions[name] = Function(name, least, least if most is None else most, build)
        return build

    return register


def find_function(name: str) -> Function | None:
    return _functions.get(name)


def function_names() -> list[str]:
    return sorted(_functions)


def constant_argument(value: Expr, function: str, what: str):
    """The value of an argument that must be known when the program is compiled."""
    if not value.constant:
        raise TypeError(f"{what} of {function} must be a constant")
    return value.value()
