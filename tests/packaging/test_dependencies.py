"""What the package imports is what it declares: that something else brings it along is no promise."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = "airflow_provider_ninebits"
# Airflow 3.1 has wtforms for connection forms, and only there is it asked for. Triggers are handed threads that the
# loop of Airflow has lent, by a dependency of its own.
BROUGHT_BY_AIRFLOW = {"asgiref", "wtforms"}
# DAG authors give times in it.
NOT_IMPORTED = {"pendulum"}


def declared(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(each for name in extras for each in project["optional-dependencies"][name])]
    return {normal(re.split(r"[\[<>=!~ ;]", each)[0]) for each in wanted}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> set[str]:
    """The top-level names of all imports in the package, those inside of functions too."""
    names: set[str] = set()
    for file in (ROOT / OURS).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return names


def distributions_of(modules: set[str]) -> dict[str, set[str]]:
    known = packages_distributions()
    found = {}
    for module in modules:
        top = module.partition(".")[0]
        if module.startswith("airflow.providers.common.compat"):
            found[module] = {"apache-airflow-providers-common-compat"}
        elif top == "airflow":
            found[module] = {"apache-airflow"}
        elif top not in sys.stdlib_module_names | {OURS} | BROUGHT_BY_AIRFLOW:
            found[module] = {normal(name) for name in known[top]}
    return found


def test_every_import_is_declared() -> None:
    allowed = declared("postgres", "otel")
    missing = {module: names for module, names in distributions_of(imported()).items() if not names & allowed}
    assert missing == {}


def test_every_dependency_is_imported() -> None:
    used = set().union(*distributions_of(imported()).values())
    assert declared() - used == NOT_IMPORTED
