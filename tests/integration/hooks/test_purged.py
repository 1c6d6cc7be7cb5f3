"""What tasks meet that come for something that was purged."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ninebits.api.client import NineBitsClient
from airflow_provider_ninebits.exceptions import KeyReused, MessageUncertain, SendFailed, UnknownRefId
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor
from airflow_provider_ninebits.triggers.callback import CallbackTrigger
from airflow_provider_ninebits.triggers.watcher import shared_watcher
from tests.integration.hooks.playing import MODES, Mode, Task, in_mode, run
from tests.integration.ledger.purge_scenes import OLD, let_pass, purged, settled
from tests.integration.ledger.scenes import ADA, BEN, a_call, accepted, arrive

if TYPE_CHECKING:
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

pytestmark = pytest.mark.usefixtures("quick_polls")

MEDIA = "https://media.test/a.mp3"
LOST = {"kind": "drop", "placed": True}
LONG = timedelta(hours=1).total_seconds()


@pytest.fixture
def never_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits until a ref_id counts as unknown would wait for ever here."""
    monkeypatch.setattr("airflow_provider_ninebits.hooks.waiting.UNKNOWN_AFTER_SECONDS", float("inf"))


def send(task: Task, *to: str) -> Any:
    return run(lambda: SendVoiceOperator(task_id="ring", to=list(to), media_url=MEDIA), task)


def answered(simulator: RunningSimulator, ledger: Database) -> None:
    """Let what the simulator rang be answered."""
    for request in simulator.requests():
        arrive(ledger, *(a_call(number, ref_id=request["ref_id"]) for number in request["to"]))


class TestWaits:
    @pytest.mark.usefixtures("never_unknown")
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("soft_fail", [False, True], ids=["fails", "skips where soft_fail is set"])
    def test_a_purged_ref_id_is_an_error_at_once(self, ledger: Database, mode: Mode, soft_fail: bool) -> None:
        settled(ledger, "r1", ADA)
        accepted(ledger, "r2", BEN)
        let_pass(ledger, OLD)
        accepted(ledger, "r3", BEN)
        purged(ledger)

        with pytest.raises(AirflowSkipException if soft_fail else UnknownRefId) as raised:
            run(
                lambda: CallbackSensor(
                    task_id="wait", ref_id=["r3", "r1"], timeout=LONG, soft_fail=soft_fail, **in_mode(mode)
                ),
                Task(),
            )
        error = raised.value.__cause__ if soft_fail else raised.value
        assert isinstance(error, UnknownRefId)
        assert error.ref_ids == ("r1",)
        assert "was purged" in str(error)
        assert "another ledger" not in str(error)

    @pytest.mark.usefixtures("never_unknown")
    async def test_what_is_purged_while_it_is_waited_for_ends_the_wait(self, ledger: Database) -> None:
        accepted(ledger, "r1", ADA)
        events = CallbackTrigger(["r1"]).run()
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.to_thread(let_pass, ledger, OLD)
        # What the watcher never saw it cannot miss.
        watcher = shared_watcher(ledger.url.render_as_string())
        async with asyncio.timeout(60):
            while not watcher._awaited.revisions():
                await asyncio.sleep(0.01)
        await asyncio.to_thread(purged, ledger)

        assert (await asyncio.wait_for(waiting, 60)).payload == {"status": "unknown"}

    def test_the_hook_says_so(self, hook: NineBitsHook, ledger: Database) -> None:
        settled(ledger, "r1", ADA)
        let_pass(ledger, OLD)
        purged(ledger)

        with pytest.raises(UnknownRefId, match=r"r1 was purged.*--older-than-days"):
            hook.outcome("r1")

    def test_what_was_masked_has_its_outcome(self, hook: NineBitsHook, ledger: Database) -> None:
        settled(ledger, "r1", ADA)
        let_pass(ledger, OLD)
        purged(ledger, mask=True)

        outcome = hook.outcome("r1").as_dict()

        assert (outcome["answered"], outcome["settled"], outcome["total_amount"]) == (1, True, "30")
        assert outcome["calls"][0]["to_number"].startswith("masked:")


@pytest.mark.usefixtures("connection")
class TestSends:
    @pytest.mark.parametrize("mask", [False, True])
    def test_a_late_retry_rings_nobody_and_gets_its_ref_id(
        self, simulator: RunningSimulator, ledger: Database, caplog: pytest.LogCaptureFixture, mask: bool
    ) -> None:
        task = Task()
        ref_id = send(task, ADA, BEN)
        answered(simulator, ledger)
        let_pass(ledger, OLD)
        assert purged(ledger, mask=mask).recipients == 2

        late = task.retried()
        assert send(late, ADA, BEN) == ref_id == late.pushed["ref_id"]
        assert simulator.rung() == {ADA: 1, BEN: 1}
        assert "Nobody was rung again" in caplog.text

    def test_a_task_that_is_cleared_after_its_end_rings_again_on_purpose(
        self, simulator: RunningSimulator, ledger: Database
    ) -> None:
        task = Task()
        send(task, ADA)
        answered(simulator, ledger)
        let_pass(ledger, OLD)
        purged(ledger)

        send(task.cleared(), ADA)

        assert simulator.rung() == {ADA: 2}

    def test_a_send_with_a_key_of_its_users_gets_its_receipt(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        before = hook.send_voice([ADA, BEN], MEDIA, idempotency_key="k")
        answered(simulator, ledger)
        let_pass(ledger, OLD)
        purged(ledger)

        late = hook.send_voice([ADA, BEN], MEDIA, idempotency_key="k")

        assert (late.ref_ids, late.recipients, late.resumed) == (before.ref_ids, 2, True)
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_what_was_in_doubt_when_it_was_purged_is_an_error_without_retry(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        simulator.script({"faults": [LOST]})
        with pytest.raises(MessageUncertain):
            hook.send_voice(ADA, MEDIA, idempotency_key="k")
        rung = simulator.rung()
        let_pass(ledger, OLD)
        assert purged(ledger, unsettled_too=True).recipients == 1

        with pytest.raises(KeyReused, match="was purged, with 1 of its 1 parts"):
            hook.send_voice(ADA, MEDIA, idempotency_key="k", on_uncertain="resend")
        assert simulator.rung() == rung

    def test_an_answer_that_comes_after_its_message_was_purged_fails_and_is_in_the_log(
        self, hook: NineBitsHook, ledger: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        send_voice = NineBitsClient.send_voice

        def slow(*arguments: Any, **named: Any) -> object:
            receipt = send_voice(*arguments, **named)
            # As a process that was suspended for months would find it.
            let_pass(ledger, OLD)
            assert purged(ledger, unsettled_too=True).recipients == 1
            return receipt

        monkeypatch.setattr(NineBitsClient, "send_voice", slow)
        with pytest.raises(SendFailed, match="a purge took it while its request was under way"):
            hook.send_voice(ADA, MEDIA, idempotency_key="k")
        assert "9bits accepted message" in caplog.text
