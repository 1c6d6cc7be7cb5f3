"""Alerts of the last days, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, tuple_

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.alerts import summary_of
from airflow_provider_ninebits.ledger.database import ledger_now

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.alerts import AlertSummary

_alert = schema.alert.c


class AlertKey(NamedTuple):
    """The place of an alert in the list: pages begin after one."""

    seen_at: datetime
    key: str


@dataclass(frozen=True)
class AlertPage:
    """A page of alerts, those that came last first; ``after``: where the next one begins; None: there is none."""

    alerts: tuple[AlertSummary, ...]
    after: AlertKey | None


def browse_alerts(
    connection: Connection, *, deployment: str, within: timedelta, after: AlertKey | None = None, limit: int = 50
) -> AlertPage:
    """
    Return a page of what an Airflow's notifiers rang for and held back.

    :param within: how long ago the last alert with a key may have come.
    :param after: the key that the page before gave; None: from the newest on.
    """
    now = ledger_now(connection)
    statement = (
        select(schema.alert)
        .where(_alert.deployment == deployment, _alert.seen_at > now - within)
        .order_by(_alert.seen_at.desc(), _alert.key.desc())
        .limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(tuple_(_alert.seen_at, _alert.key) < tuple_(*after))
    rows = connection.execute(statement).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return AlertPage(
        tuple(summary_of(row, now) for row in rows[:limit]),
        None if last is None else AlertKey(last.seen_at, last.key),
    )
