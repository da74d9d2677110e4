"""Arrows point down: the imports of src/lakemill held against a table anyone can review."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "lakemill"

# What a layer may import, beside itself and the standard library. `settings` is settings.py.
MAY_IMPORT = {
    "cli": {"app", "settings", "gateway", "algorithms", "container", "agent"},
    "agent": set(),
    "console": {"settings"},
    "__main__": {"cli"},
    "app": {"settings", "console", "gateway", "services", "engines", "ports"},
    "gateway": {"services", "engines", "ports", "settings"},
    "services": {"engines", "algorithms", "ports"},
    "engines": {"ports", "formats"},
    "container": {"algorithms", "formats"},
    "algorithms": {"formats"},
    "streamsql": {"algorithms", "formats"},
    "lakesql": {"formats"},
    "warehouse": {"lakesql", "formats"},
    "pythonshell": set(),
    "glueetl": {"sparkjvm", "pythonshell", "mltransforms", "formats"},
    "sparkjvm": set(),
    "classifiers": {"formats"},
    "matching": {"algorithms", "formats"},
    "mltransforms": {"matching", "lakesql", "formats"},
    "prep": {"formats"},
    "formats": set(),
    "ports": set(),
    "settings": set(),
}

# Engines may use those before them.
ENGINE_ORDER = [
    *("workers", "schedules", "keys", "objects", "resources", "tuning", "streams", "identity", "loglines", "functions"),
    *("jobs", "hosting", "transforms", "tables", "video", "catalog", "crawling", "queries", "warehouses", "delivery"),
    *("flink", "spark", "analytics", "matching"),
]

# Packages the light core must not load: it starts without them.
HEAVY = {"numpy", "scipy", "pandas", "pyarrow", "numba", "sklearn", "xgboost", "faiss", "torch", "boto3"}
LIGHT_LAYERS = ("app", "settings", "cli", "console", "gateway", "services", "engines", "ports")

FILES = sorted(ROOT.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> list[str]:
    """Every module the file imports, wherever the statement stands."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_point_down(path):
    here = layer(path)
    if here == "__init__":
        return
    for name in imported(path):
        parts = name.split(".")
        if (
            parts[0] == "lakemill"
            and len(parts) > 1
            and (ROOT / parts[1]).exists() | (ROOT / f"{parts[1]}.py").exists()
        ):
            assert parts[1] == here or parts[1] in MAY_IMPORT[here], f"{path.name} of {here} imports {name}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "services").rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_services_never_import_each_other(path):
    here = path.relative_to(ROOT / "services").parts[0]
    for name in imported(path):
        parts = name.split(".")
        if parts[:2] == ["lakemill", "services"] and len(parts) > 2:
            assert parts[2] in (here, "base") or not (ROOT / "services" / parts[2]).exists(), f"{path} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "engines").rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_engines_use_only_engines_before_them(path):
    here = path.relative_to(ROOT / "engines").parts[0]
    for name in imported(path):
        parts = name.split(".")
        if parts[:2] == ["lakemill", "engines"] and len(parts) > 2 and parts[2] != here and parts[2] in ENGINE_ORDER:
            assert ENGINE_ORDER.index(parts[2]) < ENGINE_ORDER.index(here), f"{path} imports {name}"


@pytest.mark.parametrize(
    "path", [p for p in FILES if layer(p) in LIGHT_LAYERS], ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_the_core_loads_no_scientific_package(path):
    for node in ast.parse(path.read_text()).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module]
        assert not {name.split(".")[0] for name in names} & HEAVY, f"{path} imports {names}"


def test_every_layer_is_in_the_table():
    assert {layer(path) for path in FILES} - {"__init__"} <= set(MAY_IMPORT)
