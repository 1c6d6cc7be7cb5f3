"""What an operator's send is known by, and what a later try makes of other arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument, MessageUncertain, SendFailed
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.resolving import resolve
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from tests.integration.hooks.playing import Task, run
from tests.integration.ledger.scenes import ADA, BEN, CAI, WINDOW, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_ninebits.simulator import RunningSimulator

MEDIA = "https://media.test/a.mp3"
MANY = [str(2348020000000 + place) for place in range(1500)]
FIRST, SECOND = MANY[:1000], MANY[1000:]
LONG = "".join("abcde/_.-~"[place % 10] for place in range(250))
TAKES_THE_FIRST_PART_ONLY = {"faults": [{"kind": "delay", "seconds": 0}, {"kind": "status", "status": 400}]}


@pytest.fixture(autouse=True)
def ledger(
    database_url: str, connection: None, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A ledger in each kind of database, and 9bits."""
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", database_url)
    database = Database(database_url)
    yield database
    database.close()


def send(task: Task, to: Any = ADA, **arguments: Any) -> Any:
    # The operator's own id is shorter than what Airflow lets a place be: the task instance says where it is.
    return run(lambda: SendVoiceOperator(task_id="ring", **({"to": to, "media_url": MEDIA} | arguments)), task)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(Task("left.ring"), Task("right.ring"), id="task groups"),
        pytest.param(Task("left.ring", map_index=0), Task("left.ring", map_index=1), id="mapped task groups"),
        pytest.param(Task(map_index=1), Task(map_index=-1), id="mapped and not mapped"),
        pytest.param(
            Task(run_id="backfill__2026-01-01T00:00:00+00:00"),
            Task(run_id="backfill__2026-01-02T00:00:00+00:00"),
            id="two runs of a backfill",
        ),
        pytest.param(
            Task(run_id="backfill__2026-01-01T00:00:00+00:00"),
            Task(run_id="scheduled__2026-01-01T00:00:00+00:00"),
            id="a backfill and the schedule of the same day",
        ),
        pytest.param(Task("b/ring", "a"), Task("ring", "a/b"), id="a slash on the one side or the other"),
        pytest.param(Task(dag_id="a/b"), Task(dag_id="a_b"), id="a slash and another sign"),
        pytest.param(Task(dag_id=LONG), Task(dag_id=LONG[:-1] + "x"), id="250 characters, the last another one"),
        pytest.param(Task("ring", LONG, LONG), Task(LONG, "ring", LONG), id="250 characters at another place"),
    ],
)
def test_two_places_ring_for_themselves_and_each_retry_rings_nobody(
    simulator: RunningSimulator, ledger: Database, one: Task, other: Task
) -> None:
    returned = [send(task) for task in (one, other)]
    assert simulator.rung() == {ADA: 2}
    assert [send(task.retried()) for task in (one, other)] == returned
    assert simulator.rung() == {ADA: 2}
    asked = [(each["dag_id"], each["run_id"], each["task_id"], each["map_index"]) for each in rows(ledger, schema.send)]
    assert sorted(asked) == sorted((task.dag_id, task.run_id, task.task_id, task.map_index) for task in (one, other))


def test_two_airflows_on_one_ledger_are_told_apart_by_their_deployment(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    returned = []
    for deployment in ("north", "south"):
        monkeypatch.setenv("AIRFLOW__NINEBITS__DEPLOYMENT", deployment)
        task = Task()
        returned.append(send(task))
        assert send(task.retried()) == returned[-1]
    assert len(set(returned)) == 2
    assert simulator.rung() == {ADA: 2}


def test_a_media_url_that_is_presigned_anew_goes_with_the_rest_and_is_no_other_send(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.script(TAKES_THE_FIRST_PART_ONLY)
    task = Task()
    with pytest.raises(SendFailed):
        send(task, MANY, media_url=f"{MEDIA}?signed=monday")
    assert len(send(task.retried(), MANY, media_url=f"{MEDIA}?signed=tuesday")) == 2
    assert [request["media_url"].partition("=")[2] for request in simulator.requests()] == [
        "monday",
        "monday",
        "tuesday",
    ]
    assert simulator.rung() == dict.fromkeys(MANY, 1)
    assert "begun before with something else" not in caplog.text


@pytest.mark.parametrize("again", ["retried", "cleared"])
def test_numbers_in_another_order_are_the_same_send(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture, again: str
) -> None:
    simulator.script(TAKES_THE_FIRST_PART_ONLY)
    task = Task(map_index=3)
    with pytest.raises(SendFailed):
        send(task, MANY)
    assert len(send(getattr(task, again)(), MANY[::-1])) == 2
    assert simulator.rung() == dict.fromkeys(MANY, 1)
    assert "begun before with something else" not in caplog.text


@pytest.mark.parametrize("again", ["retried", "cleared"])
def test_numbers_that_moved_to_the_part_that_was_not_sent_are_not_rung_again(
    simulator: RunningSimulator, again: str
) -> None:
    simulator.script(TAKES_THE_FIRST_PART_ONLY)
    task, new = Task(), str(2348020009999)
    with pytest.raises(SendFailed):
        send(task, MANY)
    # Asked anew, the query brings them from the end, without some that it had, and with one that it had not.
    assert len(send(getattr(task, again)(), [new, *MANY[:100:-1]])) == 2
    assert simulator.rung() == dict.fromkeys([*FIRST, *SECOND, new], 1)


def test_a_bad_number_that_was_corrected_before_the_task_is_cleared(simulator: RunningSimulator) -> None:
    task = Task()
    with pytest.raises(InvalidArgument):
        send(task, [ADA, "0802 no number"])
    assert simulator.requests() == []
    send(task.cleared(), [ADA, BEN])
    assert simulator.rung() == {ADA: 1, BEN: 1}


def test_a_number_that_9bits_refused_is_corrected_and_the_part_sent(
    simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script(TAKES_THE_FIRST_PART_ONLY)
    task, wrong = Task(), "2340000000000"
    with pytest.raises(SendFailed, match="part 2"):
        send(task, [*FIRST, *SECOND[1:], wrong])
    ref_ids = send(task.cleared(), MANY)
    assert ref_ids == [request["ref_id"] for request in simulator.requests() if request["status"] == 200]
    assert simulator.rung() == dict.fromkeys(MANY, 1)
    assert sorted(each["number"] for each in rows(ledger, schema.recipient)) == MANY


def test_a_run_again_of_all_that_had_ended_rings_again_and_its_retry_does_not(simulator: RunningSimulator) -> None:
    task = Task()
    first = send(task)
    second = send(task.cleared())
    assert first != second
    assert send(task.cleared().retried()) == second
    assert simulator.rung() == {ADA: 2}


def test_a_mapping_in_another_order_rings_nobody_twice_and_skips_nobody(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    everybody = [ADA, BEN, CAI]
    simulator.script({"faults": [{"kind": "delay", "seconds": 0}, *[{"kind": "status", "status": 403}] * 2]})
    tasks = [Task(map_index=index) for index in range(3)]
    of_ada = send(tasks[0], everybody[0])
    for task, number in zip(tasks[1:], everybody[1:], strict=True):
        with pytest.raises(SendFailed):
            send(task, number)

    # What has failed is cleared, and the list comes the other way round: nobody's own index is left to Ben but Cai's.
    of_cai, again_of_ada = send(tasks[1].cleared(), CAI), send(tasks[2].cleared(), [ADA, BEN])

    assert again_of_ada[-1] == of_ada != of_cai
    assert len(again_of_ada) == 2
    assert simulator.rung() == {ADA: 1, BEN: 1, CAI: 1}
    assert "1 of the numbers that were given were, or may have been, rung by other instances" in caplog.text
    # And a retry after that stands for the same calls.
    assert send(tasks[2].cleared().retried(), [ADA, BEN]) == again_of_ada
    assert simulator.rung() == {ADA: 1, BEN: 1, CAI: 1}


class TestWhereNobodyIsLeft:
    """A query for those who were not called yet finds nobody, once all were."""

    GIVEN = pytest.mark.parametrize("given", ["to", "to_path", "exclude"])

    @pytest.fixture
    def nobody(self, given: str, tmp_path: Path) -> dict[str, Any]:
        file = tmp_path / "nobody.txt"
        file.write_text("\n")
        return {"to": {"to": []}, "to_path": {"to": None, "to_path": str(file)}, "exclude": {"exclude": MANY}}[given]

    @GIVEN
    def test_a_retry_gives_back_what_was_placed(self, simulator: RunningSimulator, nobody: dict[str, Any]) -> None:
        task = Task()
        placed = send(task, FIRST)
        assert send(task.retried(), **{"to": FIRST} | nobody) == placed
        assert set(simulator.rung().values()) == {1}

    @GIVEN
    def test_a_retry_of_what_was_placed_in_part_does_not_ring_the_rest(
        self, simulator: RunningSimulator, nobody: dict[str, Any]
    ) -> None:
        simulator.script(TAKES_THE_FIRST_PART_ONLY)
        task = Task()
        with pytest.raises(SendFailed):
            send(task, MANY)
        assert send(task.retried(), **{"to": MANY} | nobody) == simulator.requests()[0]["ref_id"]
        assert simulator.rung() == dict.fromkeys(FIRST, 1)

    @GIVEN
    def test_a_first_try_is_an_error(self, simulator: RunningSimulator, nobody: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgument, match="skip the task instead"):
            send(Task(), **{"to": FIRST} | nobody)
        assert simulator.requests() == []

    @GIVEN
    def test_and_so_is_a_retry_where_nobody_was_rung_before(
        self, simulator: RunningSimulator, nobody: dict[str, Any]
    ) -> None:
        simulator.script({"faults": [{"kind": "status", "status": 400}]})
        task = Task()
        with pytest.raises(SendFailed):
            send(task, ADA)
        with pytest.raises(InvalidArgument, match="skip the task instead"):
            send(task.retried(), **{"to": FIRST} | nobody)
        assert simulator.rung() == {}


def test_a_part_in_doubt_is_not_sent_again_over_an_exclusion_that_came_since(
    simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script({"faults": [{"kind": "drop", "placed": False}]})
    task = Task()
    with pytest.raises(MessageUncertain):
        send(task, [ADA, BEN])
    with pytest.raises(MessageUncertain, match="some of them are excluded now"):
        send(task.cleared(), [ADA, BEN], exclude=[ADA], on_uncertain="resend")
    assert simulator.rung() == {}
    # Excluding somebody else keeps nobody from being rung; and a person may say that it was not placed.
    resolve(ledger, rows(ledger, schema.message)[0]["id"], placed=False, window=WINDOW)
    send(task.cleared().cleared(), [ADA, BEN], exclude=[ADA, CAI], on_uncertain="resend")
    assert simulator.rung() == {BEN: 1}


def test_what_is_sent_again_with_other_media_is_kept_as_it_was_sent(
    simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script({"faults": [{"kind": "drop", "placed": False}]})
    task = Task()
    with pytest.raises(MessageUncertain):
        send(task)
    send(task.cleared(), media_url="https://media.test/b.mp3", on_uncertain="resend")
    assert simulator.requests()[-1]["media_url"] == "https://media.test/b.mp3"
    assert rows(ledger, schema.message)[0]["media_url"] == "https://media.test/b.mp3"


def test_an_exclusion_that_is_none_for_one_of_a_mapping_rings_nobody(simulator: RunningSimulator) -> None:
    with pytest.raises(InvalidArgument, match="exclude is None"):
        send(Task(map_index=1), exclude=None)
    assert simulator.requests() == []
