"""Receivers and senders at one ledger: no deadlock, no double match, no match that both sides missed."""

from __future__ import annotations

import multiprocessing
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from queue import Empty
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database, lock_numbers
from airflow_provider_ninebits.ledger.parts import give_way
from airflow_provider_ninebits.ledger.rematching import rematch
from airflow_provider_ninebits.ledger.resolving import resolve
from airflow_provider_ninebits.ledger.standing import lock_message_rows, lock_messages
from tests.integration.ledger import together
from tests.integration.ledger.model import laws
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    CAI,
    WINDOW,
    a_call,
    accepted,
    an_answer,
    arrive,
    match_states,
    row,
    rows,
    sending,
    states,
    try_claim,
    uncertain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

    from tests.integration.ledger.scenes import Request

ROUNDS = 12
SENDS = 6
BUCKETS = 256


@pytest.fixture
def processes(database_url: str) -> Iterator[Callable[[int], list[Database]]]:
    """Gives that many users of the ledger, each with an engine of its own, as processes have."""
    opened: list[Database] = []

    def more(count: int) -> list[Database]:
        while len(opened) < count:
            opened.append(Database(database_url))
        return opened[:count]

    yield more
    for database in opened:
        database.close()


@pytest.fixture(autouse=True)
def all_events_are_wanted(database: Database) -> None:
    laws.want_all_events(database)


def together_in_threads(*works: Callable[[], object]) -> None:
    """Begin them at the same moment, and wait for their end; what one raises is raised."""
    barrier = Barrier(len(works))

    def begin(work: Callable[[], object]) -> object:
        barrier.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(begin, work) for work in works]:
            done.result(timeout=60)


@pytest.mark.timeout(240)
def test_two_receivers_of_four_threads_and_two_senders(database_url: str, database: Database) -> None:
    spawn = multiprocessing.get_context("spawn")
    callbacks, failures = spawn.Queue(), spawn.Queue()
    receivers = [
        spawn.Process(target=together.receive, args=(database_url, callbacks, failures), daemon=True) for _ in range(2)
    ]
    # Each number is in messages of both senders, in another order; callbacks of the first three numbers have a ref_id.
    lists = ((ADA, BEN, CAI), (CAI, ADA), (BEN, ADA, CAI))
    others = tuple(tuple(f"{number}9" for number in numbers) for numbers in lists)
    sends = [each for at in range(SENDS) for each in ((lists[at % 3], True), (others[at % 3], False))]
    senders = [
        spawn.Process(target=together.send, args=(database_url, each, callbacks, failures), daemon=True)
        for each in (sends, sends[::-1])
    ]
    for process in receivers + senders:
        process.start()
    for process in senders:
        process.join(together.PATIENCE_SECONDS)
    for _ in range(len(receivers) * together.THREADS_OF_A_RECEIVER):
        callbacks.put(None)
    for process in receivers:
        process.join(together.PATIENCE_SECONDS)

    assert [process.exitcode for process in receivers + senders] == [0] * 4
    assert _all_of(failures) == []
    ledger = laws.Rows.of(database)
    laws.check(ledger, WINDOW)
    assert {(each["state"], each["attempts"]) for each in ledger.recipients.values()} == {("answered", 1)}
    assert {each["match_state"] for each in ledger.callbacks} == {"matched"}
    assert {each["repeats"] for each in ledger.callbacks if each["kind"] == "call"} == {1}
    assert len(ledger.recipients) == 2 * sum(len(numbers) for numbers, _ in sends)


def _all_of(failures: Any) -> list[str]:
    found = []
    while True:
        try:
            found.append(failures.get(timeout=0.2))
        except Empty:
            return found


class TestAtTheSameMoment:
    def test_three_calls_to_one_number_settle_three_messages(
        self, database: Database, processes: Callable[[int], list[Database]]
    ) -> None:
        for at in range(ROUNDS):
            requests = [accepted(database, f"{at} {name}") for name in "xyz"]
            together_in_threads(*[partial(arrive, each, a_call()) for each in processes(3)])
            assert states(database, *requests) == ["answered"] * 3

    def test_calls_and_the_answers_that_they_wait_for_do_not_miss_each_other(
        self, database: Database, processes: Callable[[int], list[Database]]
    ) -> None:
        def answer(own: Database, request: Request, ref_id: str) -> None:
            replace(request, database=own).answered("accepted", ref_id)
            rematch(own, window=WINDOW, ref_ids=[ref_id], message_ids=[request.message_id])

        for at in range(ROUNDS):
            x, y = f"{at} x", f"{at} y"
            first, second = sending(database, ADA, BEN), sending(database, BEN, ADA)
            one, two, three, four = processes(4)
            together_in_threads(
                partial(answer, one, first, x),
                partial(answer, two, second, y),
                partial(arrive, three, a_call(ADA, ref_id=x), a_call(BEN, ref_id=y)),
                partial(arrive, four, a_call(BEN, ref_id=x), a_call(ADA, ref_id=y)),
            )
            assert states(database, first, second) == ["answered"] * 4
        laws.check(laws.Rows.of(database), WINDOW)

    def test_two_unknown_ref_ids_are_not_both_adopted_by_one_request(
        self, database: Database, processes: Callable[[int], list[Database]]
    ) -> None:
        for at in range(ROUNDS):
            request = uncertain(database, ADA, BEN)
            one, two = processes(2)
            together_in_threads(
                partial(arrive, one, a_call(ADA, ref_id=f"{at} x")),
                partial(arrive, two, a_call(BEN, ref_id=f"{at} y")),
            )
            assert sorted(states(database, request)) == ["answered", "pending"]
            laws.check(laws.Rows.of(database), WINDOW)

    def test_one_unknown_ref_id_is_not_adopted_by_two_messages(
        self, database: Database, processes: Callable[[int], list[Database]]
    ) -> None:
        for at in range(ROUNDS):
            first, second = uncertain(database, ADA), uncertain(database, BEN)
            one, two = processes(2)
            together_in_threads(
                partial(arrive, one, a_call(ADA, ref_id=f"{at} x")),
                partial(arrive, two, a_call(BEN, ref_id=f"{at} x")),
            )
            assert sorted(states(database, first, second)) == ["answered", "pending"]
            for request in (first, second):
                resolve(database, request.message_id, placed=False, window=WINDOW)
            laws.check(laws.Rows.of(database), WINDOW)

    def test_an_answer_takes_its_ref_id_from_whoever_adopts_it(
        self, database: Database, processes: Callable[[int], list[Database]]
    ) -> None:
        for at in range(ROUNDS):
            # The call can be Ben's message's only, by its number; 9bits says that its ref_id is Ada's.
            right, wrong = sending(database, ADA), uncertain(database, BEN)
            one, two = processes(2)
            together_in_threads(
                partial(replace(right, database=one).answered, "accepted", f"{at} x"),
                partial(arrive, two, a_call(BEN, ref_id=f"{at} x")),
            )
            rematch(database, window=WINDOW, ref_ids=[f"{at} x"], message_ids=[right.message_id, wrong.message_id])
            assert row(database, schema.request, id=right.id)["ref_id"] == f"{at} x"
            assert row(database, schema.request, id=wrong.id)["ref_id"] is None
            resolve(database, wrong.message_id, placed=False, window=WINDOW)
        laws.check(laws.Rows.of(database), WINDOW)


class TestWhoWaitsForWhom:
    """The locks one by one, each held by the test: what must not run beside it waits, and goes on after it."""

    @pytest.fixture
    def backend(self) -> str:
        return "postgresql"

    def test_an_answer_waits_for_the_callbacks_of_its_numbers(self, database: Database) -> None:
        request = sending(database, ADA, BEN)
        with _waiting(database, lambda: request.answered("accepted", "x")) as held:
            lock_numbers(held, [BEN])
        assert row(database, schema.request)["ref_id"] == "x"

    def test_an_answer_waits_for_the_callbacks_of_its_ref_id(self, database: Database) -> None:
        request = sending(database)
        with _waiting(database, lambda: request.answered("accepted", "x")) as held:
            lock_numbers(held, ["x"])

    def test_a_person_waits_for_the_callbacks_of_a_number(self, database: Database) -> None:
        request = uncertain(database)
        with _waiting(database, lambda: resolve(database, request.message_id, placed=True, window=WINDOW)) as held:
            lock_numbers(held, [ADA])

    def test_a_callback_waits_for_the_answer_of_a_message_with_its_number(self, database: Database) -> None:
        request = sending(database)
        with _waiting(database, lambda: arrive(database, a_call(ref_id="x"))) as held:
            lock_messages(held, [request.message_id])
        assert states(database, request) == ["answered"]

    def test_a_callback_waits_for_it_where_answers_share_the_locks_too(self, database: Database) -> None:
        request = sending(database)
        with _waiting(database, lambda: arrive(database, a_call(ref_id="x"))) as held:
            lock_messages(held, [request.message_id], shared=True)
        assert states(database, request) == ["answered"]

    def test_an_answer_waits_for_no_other_messages_answer(self, database: Database) -> None:
        first, second = sending(database, ADA), sending(database, ADA)
        with ThreadPoolExecutor(1) as pool, database.writing() as held:
            lock_messages(held, [first.message_id], "x", shared=True)
            assert pool.submit(second.answered, "accepted", "y").result(10) == "accepted"

    @pytest.mark.parametrize(("said", "ref_id"), [("refused", None), ("accepted", "y")])
    def test_an_answer_that_lets_go_of_callbacks_waits_for_all(
        self, database: Database, said: str, ref_id: str | None
    ) -> None:
        first, second = sending(database, ADA), sending(database, BEN)
        arrive(database, a_call(BEN, ref_id="x"))
        assert row(database, schema.request, id=second.id)["ref_id"] == "x"
        with _waiting(database, lambda: second.answered(said, ref_id)) as held:
            lock_messages(held, [first.message_id], shared=True)
            lock_numbers(held, [BEN], shared=True)
        assert states(database, second) == ["pending"]

    def test_a_callback_waits_for_one_of_another_number_of_its_message(self, database: Database) -> None:
        request = uncertain(database, ADA, BEN)
        with _waiting(database, lambda: arrive(database, a_call(ADA, ref_id="x"))) as held:
            lock_message_rows(held, [request.message_id])
        assert states(database, request) == ["answered", "pending"]

    def test_a_callback_that_waits_sees_what_the_other_has_named(self, database: Database) -> None:
        request = uncertain(database, ADA, BEN)
        with _waiting(database, lambda: arrive(database, a_call(ADA))) as held:
            lock_message_rows(held, [request.message_id])
            held.execute(
                text(
                    "UPDATE ninebits_request SET ref_id = 'y', state = 'accepted', known_by = 'callback' WHERE id = :id"
                ),
                {"id": request.id},
            )
        assert row(database, schema.request)["ref_id"] == "y"
        assert states(database, request) == ["answered", "pending"]

    def test_an_api_answer_waits_for_every_callback(self, database: Database) -> None:
        uncertain(database)
        with _waiting(database, lambda: arrive(database, an_answer("x"))) as held:
            lock_numbers(held, ["any"])

    def test_a_callback_that_is_tried_again_waits_too(self, database: Database) -> None:
        first, second = uncertain(database), uncertain(database)
        arrive(database, a_call(ref_id="x"))
        assert match_states(database) == ["unmatched"]
        second.answered("accepted", "x")
        with _waiting(database, lambda: rematch(database, window=WINDOW, ref_ids=["x"])) as held:
            lock_numbers(held, [ADA])
        assert states(database, first, second) == ["pending", "answered"]

    def test_a_resend_waits_for_the_callback_that_shows_the_message_placed(self, database: Database) -> None:
        request = uncertain(database)
        claims: list[int | None] = []
        with _waiting(database, lambda: claims.append(try_claim(database, request.message_id, resend=True))) as held:
            lock_message_rows(held, [request.message_id])
            held.execute(
                text("UPDATE ninebits_message SET state = 'accepted' WHERE id = :id"), {"id": request.message_id}
            )
        assert claims == [None]

    def test_a_callback_that_waits_for_a_part_which_gives_way_is_nobodys(self, database: Database) -> None:
        """PostgreSQL shows it the recipient that was there when it began to wait; no foreign key keeps that from it."""
        request = uncertain(database)
        with _waiting(database, lambda: arrive(database, a_call())) as held:
            for table, which in (("request", "message_id"), ("message", "id")):
                held.execute(
                    text(f"UPDATE ninebits_{table} SET state = 'refused' WHERE {which} = :id"),
                    {"id": request.message_id},
                )
            give_way(held, request.message_id)
        assert match_states(database) == ["unmatched"]
        assert rows(database, schema.recipient) == []

    def test_locks_are_taken_in_their_order(self, database: Database) -> None:
        names = {zlib.crc32(str(number).encode()) % BUCKETS: str(number) for number in range(5000)}
        wanted = (3, 20, 100, 150, 255)

        def lock_all() -> None:
            with database.writing() as connection:
                lock_numbers(connection, [names[bucket] for bucket in (150, 3, 255, 100, 20)])

        with _waiting(database, lock_all) as held:
            lock_numbers(held, [names[100]])
            held.info["look"] = lambda locks: (
                {(lock["objid"], lock["granted"]) for lock in locks if lock["locktype"] == "advisory"}
                == {(bucket, bucket < 100) for bucket in wanted if bucket <= 100}
            )


@contextmanager
def _waiting(database: Database, work: Callable[[], object]) -> Iterator[Connection]:
    """
    Give a transaction to take locks in; then begin some work, see that it waits for them, and let it go on.

    ``look``, in the connection's ``info``, judges the locks of the one that waits.
    """
    pool = ThreadPoolExecutor(1)
    with database.writing() as held:
        held.info.pop("look", None)
        yield held
        holder = held.execute(text("SELECT pg_backend_pid()")).scalar_one()
        done = pool.submit(work)
        waits, locks = _look_at_locks(database, holder, done)
        assert waits, "it did not wait"
        look = held.info.pop("look", None)
        assert look is None or look(locks), locks
    done.result(timeout=30)
    pool.shutdown()


def _look_at_locks(database: Database, holder: int, done: Future[object]) -> tuple[bool, list[dict[str, Any]]]:
    """Look until somebody waits for the holder, or has ended without."""
    blocked = text("SELECT pid FROM pg_stat_activity WHERE :holder = ANY(pg_blocking_pids(pid))")
    all_locks = text("SELECT locktype, objid, granted FROM pg_locks WHERE pid = :pid")
    while not done.done():
        with database.reading() as connection:
            pid = connection.execute(blocked, {"holder": holder}).scalar()
            if pid is not None:
                return True, [dict(lock) for lock in connection.execute(all_locks, {"pid": pid}).mappings()]
    return False, []
