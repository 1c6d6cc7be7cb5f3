"""What the tests of the ledger play: sends, answers and callbacks, and the clock set back."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored, store
from airflow_provider_ninebits.ledger.claims import claim
from airflow_provider_ninebits.ledger.planning import Planned, plan_send
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.sends import AskedBy, SendPlan
from airflow_provider_ninebits.ledger.states import CallbackKind, MessageState, RequestState

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Table

    from airflow_provider_ninebits.ledger.database import Database

T = TypeVar("T")

WINDOW = timedelta(days=1)
ADA, BEN, CAI = "2348020000001", "2348020000002", "2348020000003"


@dataclass(frozen=True)
class PlanInParts(SendPlan):
    """A plan that is laid out in parts of the size that a test wrote down."""

    longest_part: int = 1000


def a_plan(
    *parts: tuple[str, ...], key: str | None = None, media: str = "https://media.test/a.mp3", conn_id: str = "ninebits"
) -> SendPlan:
    hashed = None if key is None else hashlib.sha256(key.encode()).hexdigest()
    parts = parts or ((ADA,),)
    numbers = tuple(number for part in parts for number in part)
    return PlanInParts(
        hashed, conn_id, media, None, numbers, AskedBy("default"), longest_part=max(len(part) for part in parts)
    )


def mapped(send_plan: SendPlan, map_index: int, **where: Any) -> SendPlan:
    """The same plan, asked for by an instance of a mapped task."""
    place = {"deployment": "default", "dag_id": "d", "run_id": "r", "task_id": "t", **where}
    return replace(send_plan, asked_by=AskedBy(**place, map_index=map_index))


def plan(database: Database, send_plan: SendPlan, *, replan: bool = False, part_size: int = 1000) -> Planned:
    size = min(part_size, getattr(send_plan, "longest_part", part_size))
    return plan_send(database, send_plan, replan=replan, part_size=size)


def try_claim(
    database: Database, message_id: str, *, resend: bool = False, lease_seconds: float = 60, conn_id: str = "ninebits"
) -> int | None:
    of_this = rows(database, schema.message, id=message_id)
    sent = a_plan(conn_id=conn_id, **({"media": of_this[0]["media_url"]} if of_this else {}))
    claimed = claim(database, message_id, sent, owner="a test", lease_seconds=lease_seconds, resend=resend)
    return None if claimed is None else claimed.request_id


def numbers_of(database: Database, message_id: str) -> tuple[str, ...]:
    """The numbers of a message, in the order in which they were given."""
    return tuple(each["number"] for each in rows(database, schema.recipient, message_id=message_id))


@dataclass(frozen=True)
class Request:
    """A request that was claimed."""

    database: Database
    message_id: str
    id: int

    def answered(self, state: str, ref_id: str | None = None, *, plan_again: bool = False) -> MessageState:
        return record_answer(self.database, self.id, Answer(RequestState(state), ref_id, plan_again=plan_again)).state


def claimed(database: Database, message_id: str, *, resend: bool = False, conn_id: str = "ninebits") -> Request:
    request_id = try_claim(database, message_id, resend=resend, conn_id=conn_id)
    assert request_id is not None
    return Request(database, message_id, request_id)


def sending(database: Database, *numbers: str, conn_id: str = "ninebits") -> Request:
    """A message whose request is under way."""
    part = plan(database, a_plan(numbers or (ADA,), conn_id=conn_id)).parts[0]
    return claimed(database, part.message_id, conn_id=conn_id)


def accepted(database: Database, ref_id: str, *numbers: str, conn_id: str = "ninebits") -> Request:
    """A message that 9bits took."""
    request = sending(database, *numbers, conn_id=conn_id)
    request.answered("accepted", ref_id)
    return request


def uncertain(database: Database, *numbers: str, conn_id: str = "ninebits") -> Request:
    """A message that 9bits may have taken."""
    request = sending(database, *numbers, conn_id=conn_id)
    request.answered("uncertain")
    return request


def a_call(
    number: str | None = ADA,
    *,
    ref_id: str | None = None,
    answered: bool = True,
    start: datetime | None = None,
    amount: str | None = None,
    conn_path: str | None = None,
    identity: str | None = None,
    inbound: bool = False,
) -> Arrival:
    begun = start or datetime.now(UTC)
    return Arrival(
        CallbackKind.CALL,
        b"{}",
        identity=identity,
        conn_path=conn_path,
        ref_id=ref_id,
        number=number,
        inbound=inbound,
        started_at=start,
        answered_at=begun if answered else None,
        total_amount=None if amount is None else Decimal(amount),
    )


def an_answer(
    ref_id: str | None, status: int = 400, *, conn_path: str | None = None, identity: str | None = None
) -> Arrival:
    return Arrival(
        CallbackKind.ANSWER, b"{}", identity, conn_path=conn_path, ref_id=ref_id, status=status, detail="not possible"
    )


def arrive(database: Database, *arrivals: Arrival) -> Stored:
    return store(database, arrivals, window=WINDOW)


def rows(database: Database, table: Table, **where: object) -> list[dict[str, Any]]:
    with database.reading() as connection:
        conditions = [table.c[name] == value for name, value in where.items()]
        found = connection.execute(select(table).where(*conditions).order_by(*table.primary_key.columns))
        return [dict(row) for row in found.mappings()]


def row(database: Database, table: Table, **where: object) -> dict[str, Any]:
    [only] = rows(database, table, **where)
    return only


def states(database: Database, *requests: Request) -> list[str]:
    """The states of the recipients of some messages, message by message, in the order of their numbers."""
    found = []
    for request in requests:
        recipients = rows(database, schema.recipient, message_id=request.message_id)
        found += [each["state"] for each in sorted(recipients, key=lambda each: each["number"])]
    return found


def message_state(database: Database, request: Request) -> str:
    return str(row(database, schema.message, id=request.message_id)["state"])


def counts(database: Database, request: Request) -> tuple[int, int, int]:
    """How many answered, did not answer and failed, as the message counts them."""
    found = row(database, schema.message, id=request.message_id)
    return found["answered"], found["unanswered"], found["failed"]


def match_states(database: Database) -> list[str]:
    return [each["match_state"] for each in rows(database, schema.callback)]


def set_columns(database: Database, table: Table, values: dict[str, object], **where: object) -> None:
    """Write columns by hand: time that has passed, mostly."""
    with database.writing() as connection:
        conditions = [table.c[name] == value for name, value in where.items()]
        connection.execute(update(table).where(*conditions).values(values))


def lapse(database: Database, message_id: str) -> None:
    """Let the lease of a message be over."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    set_columns(database, schema.message, {"lease_expires_at": past}, id=message_id)


def begun(database: Database, request: Request, ago: timedelta) -> datetime:
    """Let a request have begun some time ago, and return when."""
    moment = datetime.now(UTC) - ago
    set_columns(database, schema.request, {"started_at": moment}, id=request.id)
    return moment


def at_once(count: int, play: Callable[[int], T]) -> list[T]:
    """Play something in several threads that begin together."""
    barrier = Barrier(count)

    def one(index: int) -> T:
        barrier.wait(timeout=30)
        return play(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
