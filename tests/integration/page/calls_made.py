"""A small ledger to look at: three messages, their calls, and a callback that fits nobody."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.callbacks import Arrival, store
from airflow_provider_ninebits.ledger.claims import claim
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.planning import plan_send
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.sends import AskedBy, SendPlan
from airflow_provider_ninebits.ledger.states import CallbackKind, RequestState

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_ninebits.ledger.database import Database

SHOWN, SILENT, HIDDEN = "2348020000001", "2348020000002", "2348020000003"
RUN_ID = "scheduled__1"
WINDOW = timedelta(days=1)


def make_calls(database: Database) -> list[str]:
    """
    Fill a ledger.

    :return: the ids of its messages, oldest first: over ``other`` to HIDDEN, who is pending; from outside of a task to
        SILENT; and from the DAG ``reminders`` to SHOWN, who answered, and SILENT, who did not.
    """
    hidden = ring(database, "r-hidden", HIDDEN, conn_id="other", asked_by=AskedBy("default", "secrets", "r", "t", -1))
    outside = ring(database, "r-outside", SILENT)
    reminders = AskedBy("default", "reminders", RUN_ID, "ring", -1)
    shown = ring(database, "r-shown", SHOWN, SILENT, asked_by=reminders)
    with database.reading() as connection:
        now = ledger_now(connection)
    told(database, "r-outside", SILENT, now, answered=False)
    told(database, "r-shown", SHOWN, now, amount="30.5")
    told(database, "r-shown", SILENT, now, answered=False)
    told(database, None, "2349099999999", now)
    return [hidden, outside, shown]


def ring(
    database: Database,
    ref_id: str,
    *numbers: str,
    conn_id: str = "ninebits_default",
    asked_by: AskedBy | None = None,
    media_url: str = "https://media.test/a.mp3",
) -> str:
    """Record a message that 9bits has accepted, and return its id."""
    plan = SendPlan(None, conn_id, media_url, None, numbers, asked_by or AskedBy("default"))
    (part,) = plan_send(database, plan, replan=False, part_size=1000).parts
    claimed = claim(database, part.message_id, plan, owner="test", lease_seconds=60)
    assert claimed is not None
    record_answer(database, claimed.request_id, Answer(RequestState.ACCEPTED, ref_id))
    return part.message_id


def told(
    database: Database,
    ref_id: str | None,
    number: str,
    at: datetime,
    *,
    answered: bool = True,
    amount: str | None = None,
    conn_path: str | None = None,
    raw: bytes | None = None,
) -> None:
    """Record what 9bits called back; ``raw``: with this body, whatever it says."""
    from decimal import Decimal

    body = {
        "ref_id": ref_id,
        "start_at": f"{at:%Y-%m-%d %H:%M:%S}",
        "answer_at": f"{at:%Y-%m-%d %H:%M:%S}" if answered else "",
        "from_number": "07080670000",
        "to_number": number,
        "total_amount": amount,
    }
    arrival = Arrival(
        kind=CallbackKind.CALL,
        raw=json.dumps(body).encode() if raw is None else raw,
        identity=f"{ref_id} {number} {at}",
        conn_path=conn_path,
        ref_id=ref_id,
        number=number,
        started_at=at,
        answered_at=at if answered else None,
        total_amount=None if amount is None else Decimal(amount),
    )
    store(database, [arrival], window=WINDOW)
