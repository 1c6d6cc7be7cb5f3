"""
A stand-in for 9bits on one's own machine: takes sends as documented and plays the callbacks.

Built from 9bits' public documentation. Names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ninebits.simulator.app import simulator_app
    from airflow_provider_ninebits.simulator.running import RunningSimulator, running_simulator
    from airflow_provider_ninebits.simulator.settings import SimulatorSettings

__all__ = ["RunningSimulator", "SimulatorSettings", "running_simulator", "simulator_app"]

_HOMES = {
    "RunningSimulator": "running",
    "SimulatorSettings": "settings",
    "running_simulator": "running",
    "simulator_app": "app",
}


def __getattr__(name: str) -> object:
    """Load a public name on its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
