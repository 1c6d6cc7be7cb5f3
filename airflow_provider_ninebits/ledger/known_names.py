"""The names that messages have: of connections, and of DAGs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def connections_of(connection: Connection, *, deployment: str | None = None) -> list[str]:
    """
    Return the ids of the Airflow connections that a message was to go over, in order.

    :param deployment: only those of this Airflow, as far as a connection's newest messages show; None: of any.
    """
    # There are few of them, and what two Airflows call the same may be used by one of them hardly ever.
    return _distinct(connection, "conn_id", deployment=deployment, looked_at=2_000)


def dags_of(connection: Connection, *, limit: int = 500, deployment: str | None = None) -> list[str]:
    """
    Return the ids of the DAGs that have asked for messages, in order, at most so many.

    :param deployment: only those of this Airflow, as far as a DAG's newest messages show; None: of any.
    """
    return _distinct(connection, "dag_id", limit, deployment=deployment)


def _distinct(
    connection: Connection,
    column: str,
    limit: int = 10_000,
    *,
    deployment: str | None = None,
    looked_at: int = 100,
) -> list[str]:
    # From each value to the next one along the index: all rows have some few of them.
    statement = text(
        f"""
        WITH RECURSIVE known(name) AS (
            SELECT min({column}) FROM ninebits_message
            UNION ALL
            SELECT (SELECT min({column}) FROM ninebits_message WHERE {column} > known.name)
            FROM known WHERE known.name IS NOT NULL
        )
        SELECT name FROM known WHERE name IS NOT NULL AND (CAST(:deployment AS TEXT) IS NULL OR :deployment IN (
            SELECT (SELECT deployment FROM ninebits_send WHERE ninebits_send.id = newest.send_id)
            FROM ninebits_message newest WHERE newest.{column} = known.name
            ORDER BY newest.created_at DESC, newest.id DESC LIMIT :looked_at
        )) LIMIT :limit
        """  # noqa: S608 (names of our own)
    )
    given = {"limit": limit, "deployment": deployment, "looked_at": looked_at}
    return list(connection.execute(statement, given).scalars())
