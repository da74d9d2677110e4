"""All built-in algorithms by name. Importing this loads specs only, no numerical library."""

import importlib
import importlib.util
import pkgutil

from lakemill.algorithms.spec import AlgorithmSpec, by_repository


def specs() -> list[AlgorithmSpec]:
    """Every algorithm folder of this package that has a `spec` module, sorted by name."""
    package = importlib.import_module("lakemill.algorithms")
    folders = [module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg]
    names = [f"lakemill.algorithms.{name}.spec" for name in folders]
    found = [importlib.import_module(name).SPEC for name in names if importlib.util.find_spec(name)]
    return sorted(found, key=lambda one: one.name)


def find(name: str) -> AlgorithmSpec | None:
    """By AWS name, e.g. `linear-learner`. Its folder has that name with underscores, so others need not be loaded."""
    module = f"lakemill.algorithms.{name.replace('-', '_')}"
    if name.replace("-", "").isalnum() and importlib.util.find_spec(module):
        return importlib.import_module(f"{module}.spec").SPEC
    return next((one for one in specs() if one.name == name), None)


def for_image(image_uri: str) -> AlgorithmSpec | None:
    """By training or inference image URI."""
    return by_repository(specs(), image_uri)
