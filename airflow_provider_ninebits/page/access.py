"""
Who reads the page, and what they may see: asked of Airflow's auth manager, as Airflow's own pages ask it.

- Of a ledger that several Airflows share, each shows its own messages: rights are given for its own names.
- A message is shown to whoever may read (GET) the connection that it goes over.
- Its numbers are whole for whoever may edit (PUT) that connection, and masked for all others. It is found by a number
  for that reader alone: whoever may try numbers could read what is masked.
- The name of a DAG is shown to whoever may read the DAG.
- A callback over the account's one path may be about any connection: it is shown to whoever may read all of them.
  So is an alert, of which the ledger does not keep the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager

Method = Literal["GET", "PUT"]


class Reader(Protocol):
    """Somebody who is logged in. What they may do is looked up by blocking calls."""

    def connections(self, conn_ids: Iterable[str], method: Method) -> set[str]:
        """Return those of some connections that they may read or edit."""
        ...

    def dags(self, dag_ids: Iterable[str]) -> set[str]:
        """Return those of some DAGs that they may read."""
        ...


class AirflowReader:
    """Airflow's user, and what its auth manager lets them do."""

    def __init__(self, user: Any) -> None:
        self._user = user

    def connections(self, conn_ids: Iterable[str], method: Method) -> set[str]:
        """Return those of some connections that they may read or edit."""
        from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails
        from airflow.models import Connection

        manager, asked = self._manager(), set(conn_ids)
        teams = _teams(getattr(Connection, "get_conn_id_to_team_name_mapping", None), asked)
        return {
            conn_id
            for conn_id in asked
            if manager.is_authorized_connection(
                method=method, details=_details(ConnectionDetails, teams, conn_id, "conn_id"), user=self._user
            )
        }

    def dags(self, dag_ids: Iterable[str]) -> set[str]:
        """Return those of some DAGs that they may read."""
        from airflow.models.dag import DagModel

        manager, asked = self._manager(), set(dag_ids)
        teams = _teams(getattr(DagModel, "get_dag_id_to_team_name_mapping", None), asked)
        by_team: dict[str | None, set[str]] = {}
        for dag_id in asked:
            by_team.setdefault(teams.get(dag_id), set()).add(dag_id)
        allowed: set[str] = set()
        for team, names in by_team.items():
            # Before there were teams there was no such argument.
            of_team: dict[str, Any] = {} if team is None else {"team_name": team}
            allowed |= manager.filter_authorized_dag_ids(dag_ids=names, user=self._user, method="GET", **of_team)
        return allowed

    @staticmethod
    def _manager() -> BaseAuthManager[Any]:
        from airflow.api_fastapi.app import get_auth_manager

        return get_auth_manager()


def airflow_reader() -> Callable[..., Any]:
    """
    Return what gives FastAPI the reader of a request: whoever Airflow's own session, or token, belongs to.

    It raises FastAPI's HTTPException with 401 where there is none.
    """
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends

    logged_in = Depends(get_user)

    async def reader(user: Any = logged_in) -> AirflowReader:
        return AirflowReader(user)

    return reader


def _teams(of: Callable[[list[str]], dict[str, str | None]] | None, names: set[str]) -> dict[str, str | None]:
    """Return the team of each of some names, where this Airflow has teams and they are used."""
    from airflow.configuration import conf

    if of is None or not names or not conf.getboolean("core", "multi_team", fallback=False):
        return {}
    return of(sorted(names))


def _details(kind: type, teams: dict[str, str | None], name: str, field: str) -> Any:
    team = teams.get(name)
    return kind(**{field: name}, **({} if team is None else {"team_name": team}))
