"""Plans that are read as a stream, and what is left of them when their planner is interrupted."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import inspect

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import PlanRefused, SendBusy
from airflow_provider_ninebits.ledger.planning import PARTS_PER_TRANSACTION, Planned, count_given, plan_send
from airflow_provider_ninebits.ledger.sends import AskedBy, SendPlan
from tests.integration.ledger.scenes import at_once, claimed, numbers_of, row, rows, set_columns
from tests.integration.statements import seen_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SIZE = 3
# Three transactions: the last of them writes two parts, the last of these two numbers.
COUNT = (2 * PARTS_PER_TRANSACTION + 1) * SIZE + 2
NUMBERS = [f"234802{(7 * place) % 1009:07}" for place in range(COUNT)]
NEW = [f"234803{place:07}" for place in range(4)]
KEY = hashlib.sha256(b"k").hexdigest()


def a_plan(numbers: Iterable[str], key: str | None = KEY, **given: Any) -> SendPlan:
    return SendPlan(key, "ninebits", "https://media.test/a.mp3", None, numbers, AskedBy("default"), **given)


def plan(database: Database, send_plan: SendPlan, pause: Callable[[float], None] = lambda _: None) -> Planned:
    return plan_send(database, send_plan, replan=True, part_size=SIZE, pause=pause)


def numbers_by_part(database: Database, planned: Planned) -> list[tuple[str, ...]]:
    return [numbers_of(database, part.message_id) for part in planned.parts]


def in_parts(numbers: list[str]) -> list[tuple[str, ...]]:
    return [tuple(numbers[start : start + SIZE]) for start in range(0, len(numbers), SIZE)]


def lapse_planner(database: Database) -> None:
    set_columns(database, schema.send, {"planner_expires_at": datetime.now(UTC) - timedelta(seconds=1)})


class TestAStream:
    def test_it_is_written_part_by_part_in_order(self, database: Database) -> None:
        planned = plan(database, a_plan(iter(NUMBERS)))

        assert numbers_by_part(database, planned) == in_parts(NUMBERS)
        assert [part.part for part in planned.parts] == list(range(len(in_parts(NUMBERS))))
        assert row(database, schema.send)["planner"] is None

    def test_what_comes_again_anywhere_leaves_no_hole(self, database: Database) -> None:
        repeated = [*NUMBERS[:7], *NUMBERS[:7], *NUMBERS[3:], *reversed(NUMBERS)]

        planned = plan(database, a_plan(iter(repeated)))

        assert numbers_by_part(database, planned) == in_parts(NUMBERS)

    def test_more_than_a_batch_of_repeats(self, database: Database) -> None:
        planned = plan(database, a_plan(iter([*NUMBERS[:4], *NUMBERS[:4] * 1000, *NUMBERS[4:]])))

        assert numbers_by_part(database, planned) == in_parts(NUMBERS)

    def test_nothing_of_it_is_left_on_the_connection(self, database: Database) -> None:
        plan(database, a_plan(iter(NUMBERS)))

        with database.reading() as connection:
            assert not [name for name in inspect(connection).get_temp_table_names() if name.startswith("ninebits")]

    def test_a_number_that_cannot_be_read_late_leaves_no_trace(self, database: Database) -> None:
        def numbers() -> Iterator[str]:
            yield from NUMBERS * 40
            raise ValueError("line 2600")

        with pytest.raises(ValueError, match="line 2600"):
            plan(database, a_plan(numbers()))

        assert rows(database, schema.send) == rows(database, schema.recipient) == []
        assert numbers_by_part(database, plan(database, a_plan(NUMBERS))) == in_parts(NUMBERS)

    def test_others_write_while_it_is_read(self, database: Database) -> None:
        seen = []

        def numbers() -> Iterator[str]:
            for place, number in enumerate(NUMBERS):
                if place == 5:
                    seen.append(plan(database, a_plan([number], key=None)))
                yield number

        planned = plan(database, a_plan(numbers()))

        assert len(seen) == 1
        assert len(planned.parts) == len(in_parts(NUMBERS))


class TestWhoIsLeftOut:
    def test_excluded_numbers_are_in_no_part(self, database: Database) -> None:
        planned = plan(database, a_plan(iter(NUMBERS), excluded=iter([*NUMBERS[1:5], NUMBERS[1], "2348029999999"])))

        assert numbers_by_part(database, planned) == in_parts([NUMBERS[0], *NUMBERS[5:]])
        assert planned.excluded == 4

    def test_a_resumed_send_counts_them_again(self, database: Database) -> None:
        first = plan(database, a_plan(NUMBERS, excluded=NUMBERS[:2]))
        again = plan(database, a_plan(NUMBERS, excluded=NUMBERS[:2]))

        assert (again.excluded, again.difference, again.parts) == (2, None, first.parts)

    def test_everybody_is_an_error(self, database: Database) -> None:
        with pytest.raises(PlanRefused, match="all 2 numbers"):
            plan(database, a_plan(NUMBERS[:2], excluded=NUMBERS))

        assert rows(database, schema.send) == []

    def test_counting_records_nothing(self, database: Database) -> None:
        counted = count_given(database, a_plan(NUMBERS * 2, excluded=NUMBERS[:2]), part_size=SIZE)
        assert counted == (COUNT - 2, len(in_parts(NUMBERS[2:])), 2)
        assert rows(database, schema.send) == []


class TestByZones:
    """Where the calling hours are each number's own, no part has numbers of different zones."""

    @staticmethod
    def zones_of(number: str) -> str:
        # Some numbers to a zone, in no order.
        return ("Africa/Lagos", "America/Chicago,America/New_York", "Europe/London")[int(number[-2:]) % 3]

    def by_zones(self, numbers: list[str]) -> list[tuple[str, tuple[str, ...]]]:
        zones = dict.fromkeys(map(self.zones_of, numbers))
        return [(each, part) for each in zones for part in in_parts([n for n in numbers if self.zones_of(n) == each])]

    def test_each_part_has_one_set_of_them_and_keeps_the_order(self, database: Database) -> None:
        given = {"zones_of": self.zones_of, "excluded": NUMBERS[3:5]}
        planned = plan(database, a_plan(iter(NUMBERS * 2), **given))

        expected = self.by_zones([*NUMBERS[:3], *NUMBERS[5:]])
        assert [(part.zones, numbers_of(database, part.message_id)) for part in planned.parts] == expected
        assert count_given(database, a_plan(NUMBERS, **given), part_size=SIZE)[1] == len(expected)

    def test_a_retry_keeps_them_whatever_the_tables_say_by_then(self, database: Database) -> None:
        first = plan(database, a_plan(NUMBERS, zones_of=self.zones_of))
        again = plan(database, a_plan(NUMBERS, zones_of=lambda _: "Asia/Tokyo"))

        assert (again.parts, again.difference) == (first.parts, None)
        assert {part.zones for part in again.parts} == set(map(self.zones_of, NUMBERS))

    def test_what_was_planned_without_and_is_not_sent_is_planned_anew(self, database: Database) -> None:
        first = plan(database, a_plan(NUMBERS))
        claimed(database, first.parts[0].message_id).answered("accepted", "r1")
        again = plan(database, a_plan(NUMBERS, zones_of=self.zones_of))

        assert again.parts[0].message_id == first.parts[0].message_id
        assert [(part.zones, numbers_of(database, part.message_id)) for part in again.parts[1:]] == self.by_zones(
            NUMBERS[SIZE:]
        )
        assert plan(database, a_plan(NUMBERS, zones_of=self.zones_of)).difference is None

    def test_without_they_stay_as_they_are(self, database: Database) -> None:
        first = plan(database, a_plan(NUMBERS, zones_of=self.zones_of))
        assert plan(database, a_plan(NUMBERS)).parts == first.parts

    def test_a_number_whose_zones_cannot_be_told_leaves_no_trace(self, database: Database) -> None:
        def refuse(number: str) -> str:
            if number == NUMBERS[-1]:
                raise LookupError(number)
            return self.zones_of(number)

        with pytest.raises(LookupError):
            plan(database, a_plan(NUMBERS, zones_of=refuse))
        assert rows(database, schema.send) == []


class TestMoreThanWereMeant:
    def test_as_many_as_were_meant_are_fine(self, database: Database) -> None:
        limits = {"excluded": NUMBERS[:2], "max_recipients": COUNT - 2}

        assert sum(part.recipients for part in plan(database, a_plan(NUMBERS * 2, **limits)).parts) == COUNT - 2

    @pytest.mark.parametrize("others", [[], NEW], ids=["of the given", "of others too"])
    def test_one_more_is_refused_and_leaves_no_trace(self, database: Database, others: list[str]) -> None:
        with pytest.raises(PlanRefused, match="max_recipients"):
            plan(database, a_plan(NUMBERS, excluded=[*NUMBERS[:2], *others], max_recipients=COUNT - 3))

        assert rows(database, schema.send) == []

    def test_a_file_that_is_too_long_is_not_read_to_its_end(self, database: Database) -> None:
        def numbers() -> Iterator[str]:
            for place in range(1000):
                yield f"234802{place:07}"
            raise AssertionError("read further than the batch that is too much")

        with pytest.raises(PlanRefused):
            plan(database, a_plan(numbers(), max_recipients=500))


class Killed:
    """Ends the process that iterates over it, or is called, as a power cut would."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __iter__(self) -> Iterator[str]:
        yield from NUMBERS[: self.after]
        os.kill(os.getpid(), signal.SIGKILL)

    def __call__(self, _: float) -> None:
        self.after -= 1
        if not self.after:
            os.kill(os.getpid(), signal.SIGKILL)


def plan_and_die(url: str, reading: int | None, writing: int | None) -> None:
    database = Database(url)
    numbers = NUMBERS if reading is None else Killed(reading)
    plan(database, a_plan(numbers), (lambda _: None) if writing is None else Killed(writing))


class TestAPlannerThatIsKilled:
    @pytest.fixture
    def killed(self, database_url: str) -> Callable[..., None]:
        def kill(*, reading: int | None = None, writing: int | None = None) -> None:
            process = multiprocessing.get_context("spawn").Process(
                target=plan_and_die, args=(database_url, reading, writing)
            )
            process.start()
            process.join(timeout=90)
            assert process.exitcode == -signal.SIGKILL

        return kill

    def test_while_it_reads_leaves_no_trace(self, database: Database, killed: Callable[..., None]) -> None:
        killed(reading=20)

        assert rows(database, schema.send) == []
        assert numbers_by_part(database, plan(database, a_plan(NUMBERS))) == in_parts(NUMBERS)

    @pytest.mark.parametrize("transactions", [1, 2])
    def test_while_it_writes_sends_nobody_half_and_loses_nobody(
        self, database: Database, killed: Callable[..., None], transactions: int
    ) -> None:
        killed(writing=transactions)
        assert len(rows(database, schema.message)) == transactions * PARTS_PER_TRANSACTION
        lapse_planner(database)

        planned = plan(database, a_plan(NUMBERS))

        assert numbers_by_part(database, planned) == in_parts(NUMBERS)
        assert len(rows(database, schema.recipient)) == COUNT
        assert row(database, schema.send)["planner"] is None
        assert plan(database, a_plan(NUMBERS)).parts == planned.parts

    def test_the_next_may_come_with_other_numbers(self, database: Database, killed: Callable[..., None]) -> None:
        killed(writing=1)
        lapse_planner(database)

        # Even where a difference is refused: of the half plan nobody was rung.
        planned = plan_send(database, a_plan(NUMBERS[5:]), replan=False, part_size=SIZE)

        assert numbers_by_part(database, planned) == in_parts(NUMBERS[5:])

    def test_its_lease_is_waited_for(self, database: Database, killed: Callable[..., None]) -> None:
        killed(writing=1)
        waited: list[float] = []

        def pause(seconds: float) -> None:
            if seconds:
                waited.append(seconds)
                lapse_planner(database)

        assert numbers_by_part(database, plan(database, a_plan(NUMBERS), pause)) == in_parts(NUMBERS)
        assert len(waited) == 1


class Stopped(Exception):
    pass


def stop(_: float) -> None:
    raise Stopped


class TestAPlannerThatIsInterrupted:
    def test_it_lets_go_so_that_nobody_waits_for_its_lease(self, database: Database) -> None:
        with pytest.raises(Stopped):
            plan(database, a_plan(NUMBERS), stop)

        assert len(rows(database, schema.message)) == PARTS_PER_TRANSACTION
        assert numbers_by_part(database, plan(database, a_plan(NUMBERS), lambda _: None)) == in_parts(NUMBERS)

    def test_a_zombie_whose_send_was_taken_over_writes_no_more(self, database: Database) -> None:
        planned: list[Planned] = []

        def pause(_: float) -> None:
            if not planned:
                lapse_planner(database)
                planned.append(plan(database, a_plan(NUMBERS)))

        with pytest.raises(SendBusy, match="another process plans this send"):
            plan(database, a_plan(NUMBERS), pause)

        assert numbers_by_part(database, planned[0]) == in_parts(NUMBERS)
        assert len(rows(database, schema.recipient)) == COUNT
        assert row(database, schema.send)["planner"] is None

    def test_several_at_once_with_one_key_get_one_plan(self, database_url: str, database: Database) -> None:
        def play(_: int) -> Planned:
            own = Database(database_url)
            try:
                return plan_send(own, a_plan(NUMBERS), replan=False, part_size=SIZE)
            finally:
                own.close()

        found = at_once(3, play)

        assert len({each.parts for each in found}) == 1
        assert numbers_by_part(database, found[0]) == in_parts(NUMBERS)


class TestALargePlanMadeAnew:
    """As ``test_replanning``, over several transactions, and several pages of what is given."""

    @pytest.fixture(autouse=True)
    def small_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("airflow_provider_ninebits.ledger.staging.BATCH", 5)

    def begun(self, database: Database) -> Planned:
        first = plan(database, a_plan(NUMBERS))
        claimed(database, first.parts[0].message_id).answered("accepted", "x")
        claimed(database, first.parts[4].message_id).answered("uncertain")
        return first

    def expected(self) -> list[tuple[str, ...]]:
        kept = in_parts(NUMBERS)
        rest = [number for number in NUMBERS if number not in (*kept[0], *kept[4])]
        return [kept[0], kept[4], *in_parts([*rest[2:], *NEW])]

    def given_now(self) -> list[str]:
        kept = in_parts(NUMBERS)[0]
        return [*kept[:2], *NUMBERS[SIZE + 2 :], *NEW]

    def test_what_was_placed_stays_and_the_rest_has_no_hole(self, database: Database) -> None:
        first = self.begun(database)

        again = plan(database, a_plan(iter(self.given_now())))

        assert numbers_by_part(database, again) == self.expected()
        assert again.difference == "4 numbers were added, 3 are gone"
        assert {part.message_id for part in first.parts} & {part.message_id for part in again.parts} == {
            first.parts[0].message_id,
            first.parts[4].message_id,
        }
        assert len(rows(database, schema.recipient)) == sum(part.recipients for part in again.parts)

    @pytest.mark.parametrize("transactions", [1, 2, 3, 4])
    def test_an_interruption_anywhere_is_made_good(self, database: Database, transactions: int) -> None:
        self.begun(database)
        paused: list[float] = []

        def pause(seconds: float) -> None:
            paused.append(seconds)
            if len(paused) == transactions:
                raise Stopped

        with pytest.raises(Stopped):
            plan(database, a_plan(self.given_now()), pause)

        assert numbers_by_part(database, plan(database, a_plan(self.given_now()))) == self.expected()

    def test_a_part_that_a_zombie_claims_meanwhile_is_kept_at_the_next_try(self, database: Database) -> None:
        first = self.begun(database)
        late = first.parts[-1].message_id

        def pause(_: float) -> None:
            if row(database, schema.message, id=late)["state"] == "planned":
                claimed(database, late).answered("accepted", "late")

        with pytest.raises(SendBusy, match=late):
            plan(database, a_plan(self.given_now()), pause)
        again = plan(database, a_plan(self.given_now()))

        assert numbers_by_part(database, again)[2] == in_parts(NUMBERS)[-1]
        everybody = [number for part in numbers_by_part(database, again) for number in part]
        assert sorted(everybody) == sorted({*self.given_now(), *in_parts(NUMBERS)[0], *in_parts(NUMBERS)[4]})

    def test_other_media_count_as_well(self, database: Database) -> None:
        self.begun(database)
        other = replace(a_plan(NUMBERS), media="https://media.test/b.mp3")

        again = plan(database, other)

        assert again.difference == "0 numbers were added, 0 are gone, the media is another one"
        media = {each["id"]: each["media_url"] for each in rows(database, schema.message)}
        assert [media[part.message_id][-5] for part in again.parts] == ["a", "a", *"b" * (len(again.parts) - 2)]


# Of planning one part, however many recipients it has; of them one that writes the recipients.
STATEMENTS_FOR_ONE_PART = {"sqlite": 20, "postgresql": 23}


@pytest.mark.parametrize("how_many", [1, 7, 1000])
def test_recording_recipients_takes_as_many_statements_however_many_they_are(
    database: Database, backend: str, how_many: int
) -> None:
    numbers = [str(2348020000000 + place) for place in range(how_many)]
    with database.reading():
        pass
    asked: list[str] = []
    with seen_by(lambda _, statement, __: asked.append(statement)):
        assert len(plan_send(database, a_plan(numbers), replan=False, part_size=1000).parts) == 1
    assert sum("INTO ninebits_recipient" in statement for statement in asked) == 1, asked
    assert len(asked) == STATEMENTS_FOR_ONE_PART[backend], "\n".join(asked)
    assert len(rows(database, schema.recipient)) == how_many
