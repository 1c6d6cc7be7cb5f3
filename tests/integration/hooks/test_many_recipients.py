"""Recipients at a path, those excluded, limits, rates and dry runs: through hook and operator."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import re
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_ninebits.exceptions import InvalidArgument, KeyReused, SendFailed
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.plans import SendStopped
from airflow_provider_ninebits.ledger import planning, schema
from airflow_provider_ninebits.ledger.claims import Claim, claim
from airflow_provider_ninebits.ledger.sends import AskedBy
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from tests.integration.hooks.playing import Task
from tests.integration.ledger.scenes import ADA, BEN, CAI, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

pytestmark = pytest.mark.usefixtures("connection", "ledger")

MEDIA = "https://media.test/a.mp3"
MANY = [str(2348020000000 + place) for place in range(2500)]
# More than one transaction writes their parts.
A_LOT = [str(2348020000000 + place) for place in range(planning.PARTS_PER_TRANSACTION * 1000 + 1500)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Every number twice, and a file that ends without a line end."""
    written = tmp_path / "people.txt"
    written.write_text("\n".join([*MANY, *MANY]))
    return written


def send(task: Task, **arguments: Any) -> Any:
    return SendVoiceOperator(task_id="ring", media_url=MEDIA, **arguments).execute(task.context)


class TestAPath:
    def test_everybody_in_a_file_is_rung_once_in_full_parts(self, simulator: RunningSimulator, file: Path) -> None:
        task = Task()
        ref_ids = send(task, to_path=str(file))
        assert ref_ids == task.pushed["ref_id"] == [request["ref_id"] for request in simulator.requests()]
        assert [len(request["to"]) for request in simulator.requests()] == [1000, 1000, 500]
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_one_number_gives_one_ref_id(self, simulator: RunningSimulator, tmp_path: Path) -> None:
        table = tmp_path / "people.csv"
        table.write_text(f"name,phone\nAda,+{ADA}\n")
        assert (
            send(Task(), to_path=ObjectStoragePath(f"file://{table}"), to_column="phone")
            == (simulator.requests()[0]["ref_id"])
        )
        assert simulator.rung() == {ADA: 1}

    def test_a_hook_takes_it_too(self, hook: NineBitsHook, simulator: RunningSimulator, file: Path) -> None:
        receipt = hook.send_voice(None, MEDIA, idempotency_key="k", to_path=str(file))
        again = hook.send_voice(MANY, MEDIA, idempotency_key="k")
        assert (receipt.recipients, receipt.parts) == (2500, 3)
        assert (again.ref_ids, again.resumed) == (receipt.ref_ids, True)
        with pytest.raises(KeyReused, match="1 numbers were added"):
            hook.send_voice([*MANY, "2348029999999"], MEDIA, idempotency_key="k")

    def test_a_bad_number_rings_nobody_and_once_corrected_everybody(
        self, simulator: RunningSimulator, ledger: Database, file: Path
    ) -> None:
        file.write_text("\n".join([*MANY, "08020000000", *MANY]))
        task = Task()
        with pytest.raises(InvalidArgument, match=r"people\.txt: line 2501, 0802\*\*\*0000"):
            send(task, to_path=str(file))
        assert simulator.requests() == []
        assert rows(ledger, schema.send) == []
        file.write_text("\n".join(MANY))
        assert len(send(task.cleared(), to_path=str(file))) == 3
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_a_file_that_is_not_there_is_read_by_the_retry(self, simulator: RunningSimulator, file: Path) -> None:
        task, late = Task(), file.rename(file.with_name("late.txt"))
        with pytest.raises(SendFailed, match="cannot be read"):
            send(task, to_path=str(file))
        late.rename(file)
        send(task.retried(), to_path=str(file))
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_an_empty_file_is_an_error(self, file: Path) -> None:
        file.write_text("\n\n")
        with pytest.raises(InvalidArgument, match="no number"):
            send(Task(), to_path=str(file))

    @pytest.mark.parametrize("given", [{}, {"to": None}, {"to": ADA, "to_path": "/people.txt"}], ids=str)
    def test_there_is_either_to_or_to_path(self, simulator: RunningSimulator, given: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgument, match="to_path"):
            send(Task(), **given)
        assert simulator.requests() == []


class TestExclude:
    def test_they_are_not_rung_and_how_many_is_returned_and_logged(
        self, simulator: RunningSimulator, file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "airflow_provider_ninebits")
        task = Task()
        send(task, to_path=str(file), exclude=[*MANY[:1400], BEN.replace("0000002", "9999999")])
        assert simulator.rung() == dict.fromkeys(MANY[1400:], 1)
        assert [len(request["to"]) for request in simulator.requests()] == [1000, 100]
        assert task.pushed["excluded"] == 1400
        assert "1400 of the numbers that were given are excluded" in caplog.text

    def test_they_may_be_at_a_path(self, hook: NineBitsHook, simulator: RunningSimulator, tmp_path: Path) -> None:
        opted_out = tmp_path / "opted-out.txt"
        opted_out.write_text(f"+{ADA}\r\n00{CAI}\r\n")
        assert hook.send_voice([ADA, BEN], MEDIA, exclude=str(opted_out)).excluded == 1
        assert simulator.rung() == {BEN: 1}

    def test_nobody_excluded_is_returned_too(self, simulator: RunningSimulator) -> None:
        task = Task()
        send(task, to=ADA, exclude="[]")
        assert task.pushed["excluded"] == 0
        plain = Task(task_id="plain")
        send(plain, to=ADA)
        assert "excluded" not in plain.pushed

    def test_everybody_excluded_is_an_error(self, simulator: RunningSimulator) -> None:
        with pytest.raises(InvalidArgument, match="all 2 numbers"):
            send(Task(), to=[ADA, BEN], exclude=[BEN, ADA])
        assert simulator.requests() == []

    def test_an_upstream_task_that_pushed_nothing_does_not_ring_those_who_opted_out(
        self, simulator: RunningSimulator
    ) -> None:
        operator = SendVoiceOperator(task_id="ring", to=ADA, media_url=MEDIA, exclude="{{ rendered }}")
        operator.exclude = None
        with pytest.raises(InvalidArgument, match="exclude is None"):
            operator.execute(Task().context)
        assert simulator.requests() == []


def test_more_than_max_recipients_ring_nobody(simulator: RunningSimulator, ledger: Database, file: Path) -> None:
    task = Task()
    with pytest.raises(InvalidArgument, match="max_recipients=2499"):
        send(task, to_path=str(file), max_recipients=2499)
    assert simulator.requests() == []
    assert rows(ledger, schema.send) == []
    send(task.cleared(), to_path=str(file), max_recipients=2500)
    assert simulator.rung() == dict.fromkeys(MANY, 1)


class TestADryRun:
    def test_it_counts_and_a_later_real_run_rings_everybody(
        self, simulator: RunningSimulator, ledger: Database, file: Path
    ) -> None:
        task = Task()
        counted = send(task, to_path=str(file), exclude=MANY[:3], dry_run=True, wait_for_outcome=True)
        assert counted == {"dry_run": True, "recipients": 2497, "parts": 3, "excluded": 3}
        assert json.loads(json.dumps(counted)) == counted
        assert task.pushed == {"excluded": 3}
        assert rows(ledger, schema.send) == rows(ledger, schema.task) == []
        assert simulator.requests() == []
        send(task.cleared(), to_path=str(file), exclude=MANY[:3])
        assert simulator.rung() == dict.fromkeys(MANY[3:], 1)

    def test_it_needs_no_connection(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        receipt = NineBitsHook("nobody_made_this").send_voice([ADA, BEN], MEDIA, dry_run=True)
        assert (receipt.dry_run, receipt.recipients, receipt.parts, receipt.ref_ids) == (True, 2, 1, [])

    @pytest.mark.parametrize(
        "wrong",
        [
            {"to": "08020000000"},
            {"to": ADA, "media_url": "ftp://x"},
            {"to": ADA, "on_uncertain": "again"},
            {"to": ADA, "max_requests_per_second": 0},
            {"to": ADA, "max_recipients": 0},
            {"to": [ADA, BEN], "max_recipients": 1},
            {"to": ADA, "exclude": ADA},
        ],
        ids=str,
    )
    def test_what_could_not_be_sent_is_an_error_in_it_too(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgument):
            SendVoiceOperator(task_id="ring", **({"media_url": MEDIA, "dry_run": True} | wrong)).execute(Task().context)


class TestTheRate:
    def test_requests_begin_no_sooner_than_it_allows(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        sender = hook.sender(max_requests_per_second=0.25)
        clock, naps = [100.0], []

        def sleep(seconds: float) -> None:
            naps.append(seconds)
            clock[0] += seconds

        sender.sleep, sender.clock = sleep, lambda: clock[0]
        plan = hook.plan(MANY, MEDIA, None, key=None, asked_by=AskedBy("default"))
        sender.send(plan, media_url=MEDIA, resend=False, replan=False)
        assert sum(naps) == 8.0
        assert max(naps) == 1.0
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_a_claim_that_takes_long_brings_no_two_requests_together(
        self, hook: NineBitsHook, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sender = hook.sender(max_requests_per_second=0.25)
        clock, began, claims = [100.0], [], iter([0.0, 3.5, 0.0])

        def sleep(seconds: float) -> None:
            clock[0] += seconds

        def slow_claim(*given: Any, **named: Any) -> Claim | None:
            clock[0] += next(claims)
            return claim(*given, **named)

        def send_voice(*given: Any, may_write: Callable[[], bool], **named: Any) -> object:
            began.append(clock[0])
            return sent(*given, may_write=may_write, **named)

        sent = sender.client.send_voice
        sender.sleep, sender.clock = sleep, lambda: clock[0]
        monkeypatch.setattr("airflow_provider_ninebits.hooks.sending.claims.claim", slow_claim)
        monkeypatch.setattr(sender.client, "send_voice", send_voice)
        plan = hook.plan(MANY, MEDIA, None, key=None, asked_by=AskedBy("default"))
        sender.send(plan, media_url=MEDIA, resend=False, replan=False)
        assert began == [100.0, 107.5, 111.5]

    def test_a_rate_limit_of_9bits_counts_too(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [{"kind": "status", "status": 429, "retry_after": "3"}]})
        sender = hook.sender(max_requests_per_second=0.25)
        clock, naps = [100.0], []

        def sleep(seconds: float) -> None:
            naps.append(seconds)
            clock[0] += seconds

        sender.sleep, sender.clock = sleep, lambda: clock[0]
        sender.send(
            hook.plan(ADA, MEDIA, None, key=None, asked_by=AskedBy("d")), media_url=MEDIA, resend=False, replan=False
        )
        assert naps == [1.0, 1.0, 1.0, 1.0]
        assert simulator.rung() == {ADA: 1}

    def test_a_stop_does_not_sit_it_out(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        naps: list[float] = []
        sender = hook.sender(stopped=lambda: bool(naps), max_requests_per_second=0.001)
        sender.sleep = naps.append
        plan = hook.plan(MANY, MEDIA, None, key=None, asked_by=AskedBy("default"))
        with pytest.raises(SendStopped, match="part 2"):
            sender.send(plan, media_url=MEDIA, resend=False, replan=False)
        assert naps == [1.0]
        assert len(simulator.requests()) == 1


class TestALotOfThem:
    @pytest.fixture
    def long_file(self, tmp_path: Path) -> Path:
        written = tmp_path / "a-lot.txt"
        written.write_text("".join(f"{number}\n" for number in A_LOT))
        return written

    def test_a_stop_in_the_middle_goes_on_where_it_was(
        self, simulator: RunningSimulator, long_file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "airflow_provider_ninebits.hooks")
        # The answer to the fifth part is held back until the kill is there.
        simulator.script({"faults": [*[{"kind": "delay", "seconds": 0}] * 4, {"kind": "delay", "seconds": 3}]})
        task = Task()
        operator = SendVoiceOperator(task_id="ring", to_path=str(long_file), media_url=MEDIA)
        ended: list[BaseException] = []

        def work() -> None:
            try:
                operator.execute(task.context)
            except BaseException as error:
                ended.append(error)

        worker = threading.Thread(target=work)
        worker.start()
        while simulator.summary()["requests"] < 5:
            assert worker.is_alive()
        operator.on_kill()
        worker.join(30)
        assert isinstance(ended[0], SendStopped)
        assert "part 6" in str(ended[0])
        assert task.pushed["ref_id"] == [request["ref_id"] for request in simulator.requests()]

        ref_ids = send(task.retried(), to_path=str(long_file))
        assert ref_ids == [request["ref_id"] for request in simulator.requests()]
        assert [len(request["to"]) for request in simulator.requests()] == [1000] * 11 + [500]
        assert simulator.rung() == dict.fromkeys(A_LOT, 1)
        assert "12 of 12 parts are done, 11500 of 11500 recipients" in caplog.text
        assert re.findall(r"\b234802\d{7}\b", caplog.text) == []

    def test_a_worker_killed_while_it_plans_has_rung_nobody_and_the_retry_rings_all(
        self, simulator: RunningSimulator, ledger: Database, ledger_url: str, long_file: Path
    ) -> None:
        process = multiprocessing.get_context("spawn").Process(target=send_and_die, args=(str(long_file),))
        process.start()
        process.join(timeout=90)
        assert process.exitcode == -signal.SIGKILL
        assert simulator.requests() == []
        assert len(rows(ledger, schema.message)) == planning.PARTS_PER_TRANSACTION

        hook = NineBitsHook()
        planner_waits: list[float] = []
        sender = hook.sender()

        def sleep(seconds: float) -> None:
            planner_waits.append(seconds)
            from tests.integration.ledger.test_planning import lapse_planner

            lapse_planner(ledger)

        sender.sleep = sleep
        plan = hook.plan(None, MEDIA, None, key="k", asked_by=AskedBy("default"), to_path=str(long_file))
        receipt = sender.send(plan, media_url=MEDIA, resend=False, replan=True)
        hook.close()
        assert len(planner_waits) == 1
        assert (receipt.recipients, len(receipt.ref_ids)) == (len(A_LOT), 12)
        assert simulator.rung() == dict.fromkeys(A_LOT, 1)


def send_and_die(path: str) -> None:
    hook = NineBitsHook()
    sender = hook.sender()
    write = planning._Planning._write

    def write_and_die(self: planning._Planning, *arguments: Any) -> None:
        self.pause = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        write(self, *arguments)

    planning._Planning._write = write_and_die  # type: ignore[method-assign]
    plan = hook.plan(None, MEDIA, None, key="k", asked_by=AskedBy("default"), to_path=path)
    sender.send(plan, media_url=MEDIA, resend=False, replan=True)
