"""What the page of alerts shows: what notifiers rang for, and held back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.ledger.alert_pages import AlertPage, browse_alerts
from airflow_provider_ninebits.page import filters
from airflow_provider_ninebits.page.views import sight

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.alerts import AlertSummary
    from airflow_provider_ninebits.page.access import Reader
    from airflow_provider_ninebits.page.desk import Desk
    from airflow_provider_ninebits.page.filters import Given

ALERTS = 50
"""How many of them are on a page."""
WITHIN_DAYS = 7


@dataclass(frozen=True)
class Shown:
    """
    An alert, as one reader may see it.

    :param named: whether they may read the DAG that it is about; its key often has the DAG's name in it.
    :param rang: of which task the calls are, as the list of messages is asked; "": nobody knows, or they may not.
    :param held_back_for: the DAG and task of the last one that was held back; "": likewise.
    """

    alert: AlertSummary
    named: bool
    rang: str
    held_back_for: str


def alerts(desk: Desk, who: Reader, given: Given) -> dict[str, Any]:
    """Return what the page of alerts shows."""
    zone, after = filters.read_zone(given), filters.read_alert_key(given.get("after"))
    every = sight(desk, who).every
    page = AlertPage((), None)
    # The ledger does not say over which connection an alert went.
    if every:
        with desk.reading() as connection:
            page = browse_alerts(
                connection,
                deployment=desk.deployment(),
                within=timedelta(days=WITHIN_DAYS),
                after=after,
                limit=ALERTS,
            )
    readable = who.dags({dag_id for alert in page.alerts for dag_id in _dags_of(alert)})
    return {
        "zone": zone,
        "alerts": [_shown(alert, readable, given) for alert in page.alerts],
        "every": every,
        "within_days": WITHIN_DAYS,
        "next": filters.write_key(page.after),
        "is_first": after is None,
    }


def _dags_of(alert: AlertSummary) -> set[str]:
    """Return the DAGs that an alert may tell of. Before its first call none is noted, but its key may begin with it."""
    noted = {dag_id for dag_id in (alert.dag_id, alert.held_back_dag_id) if dag_id is not None}
    return noted or {alert.dedup_key.partition(" ")[0]}


def _shown(alert: AlertSummary, readable: set[str], given: Given) -> Shown:
    named = readable >= _dags_of(alert)
    place = {name: getattr(alert, name) for name in ("dag_id", "run_id", "task_id")}
    known = {name: value for name, value in place.items() if value is not None}
    rang = given.only("tz").with_(**known) if named and alert.dag_id is not None else ""
    held_back = [alert.held_back_dag_id, alert.held_back_task_id] if named else []
    return Shown(alert, named, rang, " ".join(name for name in held_back if name is not None))
