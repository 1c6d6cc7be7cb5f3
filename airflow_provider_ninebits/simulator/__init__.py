"""
A stand-in for 9bits on one's own machine: takes sends as documented and plays the callbacks.

Built from 9bits' public documentation. Names are loaded when they are first used.

===============  ============================================================
``app``          the routes: 9bits' own, and those by which a test directs it
``answers``      the check of a request, and what 9bits says to it (pure)
``outcomes``     what is played, and when a callback comes again (pure)
``player``       playing the calls of a send
``postman``      bringing callbacks to the receiver
``script``       what a test orders: faults, and how numbers behave
``journal``      what happened so far
``running``      serving it, in the foreground or in a thread
``connections``  connections that can be lost on demand
``settings``     how it behaves; ``options``: the same on the command line
===============  ============================================================
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
