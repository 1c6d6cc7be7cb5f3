"""Connections, for a process that is no task: from wherever Airflow keeps them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

log = logging.getLogger(__name__)


class CommandHook(NineBitsHook):
    """A hook for the command line: its connection may be in Airflow's own database, which a task cannot read."""

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """
        Return a connection: from the environment, a secrets backend, or Airflow's database.

        The SDK's own way, which tasks go, asks their supervisor; without one it looks into no database.

        :raises InvalidArgument: where none of them has it, or the environment's cannot be read.
        """
        from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]
        from airflow.models.connection import Connection as AirflowConnection

        from airflow_provider_ninebits.checks.connection import unreadable

        _let_into_airflows_database()
        try:
            found: Connection = AirflowConnection.get_connection_from_secrets(conn_id)
        except AirflowNotFoundException as error:
            raise InvalidArgument(
                unreadable(conn_id)
                or f"there is no connection {conn_id!r}: neither AIRFLOW_CONN_{conn_id.upper()} nor a secrets backend "
                "nor Airflow's database has it, as this process sees them; add it, name another one with --conn-id, or "
                "give this process the AIRFLOW__CORE__FERNET_KEY that it was stored with"
            ) from error
        return found


def _let_into_airflows_database() -> None:
    """
    Make Airflow's sessions, which Airflow does not do where it is imported as a library.

    Inside of a task, a BashOperator's say, Airflow has taken the database's URL away: its connections are those of the
    environment and of secrets backends.
    """
    from airflow import settings
    from sqlalchemy.engine import make_url

    from airflow_provider_ninebits.checks.triggerer import why_database_unseen

    if getattr(settings, "Session", None) is not None:
        return
    try:
        settings.configure_vars()
        # To connect to a SQLite file that is not there would make an empty one.
        if why_database_unseen(make_url(str(settings.SQL_ALCHEMY_CONN))) is None:
            settings.configure_orm()
    except Exception as error:
        # Whatever is wrong with it, the connection may be in the environment.
        log.warning("Airflow's own database cannot be asked for connections: %s", type(error).__name__)
