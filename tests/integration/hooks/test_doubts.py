"""``on_uncertain``, by where the answer was lost and what the callbacks say: who is rung, and what the ledger knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ninebits.exceptions import MessageUncertain
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.resolving import resolve
from tests.integration.hooks.test_evidence import MEDIA, eventually
from tests.integration.ledger.scenes import ADA, WINDOW, row, rows

if TYPE_CHECKING:
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

LOST = pytest.mark.parametrize(
    "placed", [pytest.param(False, id="lost before 9bits took it"), pytest.param(True, id="lost after")]
)
NAMED = pytest.mark.parametrize(
    "with_ref_id", [pytest.param(True, id="callbacks with ref_id"), pytest.param(False, id="without")]
)


def play(simulator: RunningSimulator, placed: bool, **behaviour: Any) -> None:
    simulator.script(
        {
            "faults": [{"kind": "drop", "placed": placed}],
            "numbers": {ADA: {"attempts": [{"answered": True}], **behaviour}},
        }
    )


@LOST
@NAMED
def test_fail_sends_nothing_again_and_a_callback_settles_the_doubt(
    receiver: str, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, placed: bool, with_ref_id: bool
) -> None:
    play(simulator, placed, with_ref_id=with_ref_id)
    with pytest.raises(MessageUncertain):
        hook.send_voice(ADA, MEDIA, idempotency_key="k")
    simulator.wait_idle()
    if not placed:
        with pytest.raises(MessageUncertain):
            hook.send_voice(ADA, MEDIA, idempotency_key="k")
        assert simulator.rung() == {}
        return
    eventually(lambda: row(ledger, schema.message)["state"] == "accepted")
    receipt = hook.send_voice(ADA, MEDIA, idempotency_key="k")
    assert receipt.resumed
    assert simulator.rung() == {ADA: 1}
    outcome = hook.outcome(receipt.ref_ids)
    assert (outcome.settled, outcome.recipients, outcome.answered) == (True, 1, 1)


@LOST
@NAMED
def test_resend_leaves_no_ghost_whichever_call_comes_back(
    receiver: str, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, placed: bool, with_ref_id: bool
) -> None:
    play(simulator, placed, with_ref_id=with_ref_id)
    receipt = hook.send_voice(ADA, MEDIA, idempotency_key="k", on_uncertain="resend")
    simulator.wait_idle()
    times = 1 + placed
    assert simulator.rung() == {ADA: times}
    # One set of recipients for all of its requests: nobody is left pending for the request whose answer was lost.
    eventually(lambda: hook.outcome(receipt.ref_ids).settled)
    outcome = hook.outcome(receipt.ref_ids)
    assert (outcome.recipients, outcome.answered, outcome.pending) == (1, 1, 0)
    assert len(rows(ledger, schema.request)) == 2
    assert row(ledger, schema.message)["state"] == "accepted"


def test_when_only_the_lost_request_rang_its_call_settles_the_message_all_the_same(
    receiver: str, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
) -> None:
    play(simulator, True, with_ref_id=True, lose_callback=True)
    receipt = hook.send_voice(ADA, MEDIA, idempotency_key="k", on_uncertain="resend")
    simulator.wait_idle()
    lost, answered = simulator.requests()
    assert receipt.ref_ids == [answered["ref_id"]]
    [call] = simulator.calls(number=ADA, ref_id=lost["ref_id"])
    httpx.post(
        f"{receiver}/ninebits/callback", auth=("ninebits", "secret"), json=call["callback"]["body"], trust_env=False
    ).raise_for_status()
    assert hook.outcome(receipt.ref_ids).answered == 1


def test_a_person_settles_what_stays_in_doubt(
    hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
) -> None:
    play(simulator, False)
    with pytest.raises(MessageUncertain) as caught:
        hook.send_voice(ADA, MEDIA, idempotency_key="k")
    resolve(ledger, caught.value.message_ids[0], placed=False, window=WINDOW)
    hook.send_voice(ADA, MEDIA, idempotency_key="k")
    assert simulator.rung() == {ADA: 1}
