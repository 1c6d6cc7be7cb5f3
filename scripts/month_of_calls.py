"""What the pictures show beside real runs: a month of calls, alerts, and callbacks that settled nobody for certain."""

from __future__ import annotations

import json
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.alerts import Alert, ask, note_rung
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.ids import id_of
from airflow_provider_ninebits.ledger.keys import alert_key
from airflow_provider_ninebits.webhook.arrivals import read_arrivals

EARLIER_DAGS = ("appointment_reminders", "rent_due", "blood_donors", "wake_the_person_on_call")
HOURS = (8, 9, 9, 10, 11, 14, 15, 15, 16, 18)
PRICE = Decimal("12.5")


def add_a_month(url: str) -> None:
    """Add a month of calls to a ledger, as they may be: busy days and quiet ones, more answers in the evening."""
    chance = random.Random(7)
    now = datetime.now(UTC)
    with closing(Database(url)) as ledger, ledger.writing() as connection:
        for place in range(150):
            at = now - timedelta(days=30 * (place + 1) / 150, minutes=chance.randint(0, 59))
            if place > 5:
                at = min(at.replace(hour=chance.choice(HOURS)), now - timedelta(hours=1))
            _add(connection, chance, at, id_of(at, f"{chance.getrandbits(56):014x}"), pending=place < 2)


def _add(connection: Any, chance: random.Random, at: datetime, name: str, *, pending: bool) -> None:
    dag_id = chance.choice(EARLIER_DAGS)
    how_many = 1 if dag_id == EARLIER_DAGS[-1] else chance.randint(20, 240)
    busy = 0.55 + 0.02 * (at.hour - 8)
    rung = []
    for _ in range(how_many):
        state = chance.choices(("answered", "unanswered", "failed"), (busy, 0.95 - busy, 0.05))[0]
        if pending and chance.random() < 0.4:
            state = "pending"
        after = timedelta(seconds=4 + chance.expovariate(1 / 22))
        rung.append(
            {
                "send_id": name,
                "message_id": name,
                "number": str(2348020000000 + chance.randint(0, 9_999_999)),
                "state": state,
                "attempts": int(state != "pending"),
                "answered_at": at + after if state == "answered" else None,
                "total_amount": PRICE if state == "answered" else None,
            }
        )
    numbers = {each["number"]: each for each in rung}
    counts = {s: sum(each["state"] == s for each in numbers.values()) for s in ("answered", "unanswered", "failed")}
    place = {"dag_id": dag_id, "run_id": f"scheduled__{at:%Y-%m-%dT%H:%M:%S}+00:00", "task_id": "ring"}
    write(
        connection,
        Change(schema.send, [{"id": name, "deployment": "default", **place, "map_index": -1, "created_at": at}]),
    )
    made = {"id": name, "send_id": name, "part": 0, "conn_id": "ninebits_default", "dag_id": dag_id, "created_at": at}
    media = {"media_url": "https://example.com/reminder.mp3", "state": "accepted", "recipients": len(numbers)}
    write(connection, Change(schema.message, [{**made, **media, **counts, "total_amount": PRICE * counts["answered"]}]))
    placed = {
        "conn_id": "ninebits_default",
        "state": "accepted",
        "ref_id": name[::-1][:25],
        "known_by": "answer",
        "status": 200,
    }
    write(connection, Change(schema.request, [{"message_id": name, **placed, "started_at": at}]))
    write(connection, Change(schema.recipient, list(numbers.values())))


def add_alerts(url: str) -> None:
    """Add two alerts to a ledger, one of which has held others back."""
    began = f"scheduled__{datetime.now(UTC):%Y-%m-%d}T02:00:00+00:00"
    with closing(Database(url)) as ledger:
        for dag_id, task_id, held_back in ((EARLIER_DAGS[1], "load", 0), (EARLIER_DAGS[2], "copy", 49)):
            about = alert_key("default", "run", dag_id, began)
            alert = Alert(about, "default", f"{dag_id} {began}", dag_id, began, task_id)
            asked = partial(ask, ledger, alert, cooldown=timedelta(minutes=15), lease=timedelta(minutes=1))
            ring = asked(owner="first").ring
            if ring is not None:
                note_rung(ledger, alert, ring)
            for place in range(held_back):
                asked(owner=str(place))


def add_callbacks_without_a_recipient(url: str) -> None:
    """Add one callback of each fate to a ledger that has a month of calls."""
    now = datetime.now(UTC)
    began = {"start_at": f"{now - timedelta(minutes=2):%Y-%m-%d %H:%M:%S}", "end_at": f"{now:%Y-%m-%d %H:%M:%S}"}
    billed = {"total_duration": 31, "call_duration": 24, "total_amount": 12.5, "call_direction": "outbound"}
    call = {"from_number": "07080670000", "to_number": "2348099912345", **began, "answer_at": began["end_at"], **billed}
    inbound = {**call, "from_number": "2348031234567", "to_number": "07080670000", "call_direction": "inbound"}
    bodies = (json.dumps(call), json.dumps(inbound), "to_number=2348099912345&status=done")
    with closing(Database(url)) as ledger:
        for body in bodies:
            store(ledger, read_arrivals(body.encode(), None, "UTC"), window=timedelta(days=1))
        with ledger.writing() as connection:
            callback = schema.callback.c
            late = select(callback.id).where(callback.match_state != "matched")
            for place, callback_id in enumerate(connection.scalars(late).all(), start=1):
                came = update(schema.callback).where(callback.id == callback_id)
                connection.execute(came.values(received_at=now - timedelta(minutes=37 * place)))
            recipient = schema.recipient.c
            rung = connection.execute(
                select(recipient.id, recipient.number).order_by(recipient.id.desc()).limit(1)
            ).one()
            raw = json.dumps({**call, "to_number": rung.number}, separators=(",", ":")).encode()
            read = {"received_at": now, "kind": "call", "raw": raw, "number": rung.number, "answered_at": now}
            matched = {"match_state": "matched", "ambiguous": True, "recipient_id": rung.id}
            write(
                connection, Change(schema.callback, [{**read, **matched, "total_duration": 31, "total_amount": PRICE}])
            )
