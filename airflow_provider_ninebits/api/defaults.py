"""What holds where a connection says nothing. Light: the provider's metadata reads it too."""

from __future__ import annotations

from typing import Final

CONN_ID: Final = "ninebits_default"
"""Airflow's connection."""

BASE_URL: Final = "https://api.9bits.net"
TIMEOUT_SECONDS: Final = 30
"""For one whole request by the clock."""

MAX_PARALLEL_REQUESTS = 64
"""A thread and a connection for each; more of them bring one process nothing."""

THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""What is sent to these is read by nobody else."""
