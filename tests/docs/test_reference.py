"""The reference has every name that somebody may write down."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from airflow.sdk import BaseHook, BaseNotifier, BaseOperator
from airflow.triggers.base import BaseTrigger

import airflow_provider_ninebits
from airflow_provider_ninebits import exceptions, simulator
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "reference.md").read_text()
_ROOMS = ("hooks", "operators", "sensors", "triggers", "notifications")


def for_airflow() -> set[str]:
    """Return the classes that Airflow runs, of every module that DAG files may import."""
    found = set()
    for room in _ROOMS:
        package = importlib.import_module(f"{airflow_provider_ninebits.__name__}.{room}")
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            found |= {
                f"{module.__name__}.{name}"
                for name, each in vars(module).items()
                if inspect.isclass(each)
                and each.__module__ == module.__name__
                and issubclass(each, BaseHook | BaseNotifier | BaseOperator | BaseTrigger)
            }
    return found


def test_every_class_that_airflow_runs_is_in_it() -> None:
    found = for_airflow()
    assert "airflow_provider_ninebits.operators.voice.SendVoiceOperator" in found
    assert len(found) >= 9
    assert [name for name in sorted(found) if f".. autoclass:: {name}\n" not in PAGE] == []


def test_the_simulator_and_the_errors_are_in_it() -> None:
    assert [name for name in simulator.__all__ if f":: {simulator.__name__}.{name}\n" not in PAGE] == []
    assert f".. automodule:: {exceptions.__name__}\n   :members:" in PAGE
