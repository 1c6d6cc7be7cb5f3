"""What the page asks Airflow's auth manager for a reader."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.api_fastapi import app
from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from airflow.models import Connection
from airflow.models.dag import DagModel

from airflow_provider_ninebits.page.access import AirflowReader

WHO = object()
# Airflow 3.1 has no teams.
HAS_TEAMS = hasattr(Connection, "get_conn_id_to_team_name_mapping")


class Recording(BaseAuthManager[Any]):
    """An auth manager that lets some things, and notes what it is asked."""

    def __init__(self, *allowed: tuple[str, str, str]) -> None:
        super().__init__()
        self.allowed = allowed
        self.asked: set[tuple[str, str, str, str | None]] = set()

    def is_authorized_connection(self, *, method: str, user: Any, details: Any = None) -> bool:
        return self._answer("connection", method, details.conn_id, details, user)

    def is_authorized_dag(self, *, method: str, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        assert access_entity is None
        return self._answer("dag", method, details.id, details, user)

    def _answer(self, kind: str, method: str, name: str, details: Any, user: Any) -> bool:
        assert user is WHO
        self.asked.add((kind, method, name, getattr(details, "team_name", None)))
        return (kind, method, name) in self.allowed


# What else an auth manager has to say is not asked for.
Recording.__abstractmethods__ = frozenset()


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """Airflow's auth manager."""
    made = Recording(
        ("connection", "GET", "mine"), ("connection", "GET", "read"), ("connection", "PUT", "mine"), ("dag", "GET", "d")
    )
    monkeypatch.setattr(app, "get_auth_manager", lambda: made)
    return made


def test_a_connection_is_asked_for_by_its_name_and_what_is_done_with_it(manager: Recording) -> None:
    reader = AirflowReader(WHO)
    assert reader.connections(["mine", "read", "other"], "GET") == {"mine", "read"}
    assert manager.asked == {("connection", "GET", name, None) for name in ("mine", "read", "other")}
    assert reader.connections(["mine", "read"], "PUT") == {"mine"}
    assert reader.connections([], "PUT") == set()


def test_a_dag_is_asked_for_to_be_read(manager: Recording) -> None:
    assert AirflowReader(WHO).dags(["d", "secret"]) == {"d"}
    assert manager.asked == {("dag", "GET", "d", None), ("dag", "GET", "secret", None)}
    assert AirflowReader(WHO).dags([]) == set()


def test_what_belongs_to_a_team_is_asked_for_as_the_team_s(manager: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    if HAS_TEAMS:
        teams = staticmethod(lambda names: {name: "red" for name in names if name in ("mine", "d")})
        monkeypatch.setattr(Connection, "get_conn_id_to_team_name_mapping", teams)
        monkeypatch.setattr(DagModel, "get_dag_id_to_team_name_mapping", teams)
    reader = AirflowReader(WHO)
    for turned_on, team in (("False", None), ("True", "red" if HAS_TEAMS else None)):
        monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", turned_on)
        manager.asked.clear()
        assert reader.connections(["mine", "other"], "GET") == {"mine"}
        assert reader.dags(["d", "secret"]) == {"d"}
        assert manager.asked == {
            ("connection", "GET", "mine", team),
            ("connection", "GET", "other", None),
            ("dag", "GET", "d", team),
            ("dag", "GET", "secret", None),
        }
