"""
An auth manager for a user whom Airflow's simple one has no role for.

The tests' Airflow imports it by this name alone, from its ``config`` folder.
"""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

USERNAME = "rita"


class ReadsConnections(SimpleAuthManager):
    """Airflow's simple auth manager, but that one user may read connections, and not edit them."""

    def is_authorized_connection(self, *, method: Any, user: Any, **asked: Any) -> bool:
        """Return whether somebody may do something with connections."""
        if user.username == USERNAME:
            return bool(method == "GET")
        return bool(super().is_authorized_connection(method=method, user=user, **asked))
