"""Callbacks that come early, late, for nobody or over their own path: real sends, real HTTP, the real receiver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ninebits.exceptions import MessageUncertain
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.resolving import resolve
from tests.integration.ledger.scenes import ADA, BEN, row, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

MEDIA = "https://media.test/a.mp3"
WINDOW = timedelta(days=1)
SLOW_ANSWER = {"kind": "delay", "seconds": 2}
LOST_ANSWER = {"kind": "drop", "placed": True}


@pytest.fixture
def post(receiver: str, simulator: RunningSimulator) -> Iterator[Callable[..., None]]:
    """Posts a body to the callback URL, in 9bits' place, and sees it taken."""
    simulator.set_callback_url(None)
    with httpx.Client(base_url=receiver, auth=("ninebits", "secret"), trust_env=False, timeout=30) as client:

        def post(body: Any, path: str = "/ninebits/callback") -> None:
            assert client.post(path, json=body).status_code == 200

        yield post


def of_9bits(number: str, *, with_ref_id: bool) -> dict[str, Any]:
    return {"numbers": {number: {"attempts": [{"answered": True}], "with_ref_id": with_ref_id}}}


def match_states(ledger: Database) -> list[str]:
    return [each["match_state"] for each in rows(ledger, schema.callback)]


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("with_ref_id", [True, False], ids=["with ref_id", "without ref_id"])
class TestFasterThanTheAnswer:
    def test_the_callback_is_the_messages_that_is_being_sent(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, with_ref_id: bool
    ) -> None:
        simulator.script(of_9bits(ADA, with_ref_id=with_ref_id) | {"faults": [SLOW_ANSWER]})

        receipt = hook.send_voice(ADA, MEDIA)

        request = row(ledger, schema.request)
        assert row(ledger, schema.callback)["received_at"] < request["finished_at"], "it was not faster"
        assert receipt.ref_id == request["ref_id"]
        assert hook.outcome(receipt.ref_id).answered == 1

    def test_beside_an_older_message_it_is_still_the_new_ones(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, with_ref_id: bool
    ) -> None:
        simulator.script({"numbers": {ADA: {"attempts": [{"answered": True}], "lose_callback": True}}})
        older = hook.send_voice(ADA, MEDIA)
        simulator.wait_idle()
        simulator.script(
            {
                "numbers": {ADA: {"attempts": [{"answered": True}], "with_ref_id": with_ref_id}},
                "faults": [SLOW_ANSWER],
            }
        )

        newer = hook.send_voice(ADA, MEDIA)

        finished_at = rows(ledger, schema.request)[1]["finished_at"]
        assert row(ledger, schema.callback)["received_at"] < finished_at, "it was not faster"
        assert (hook.outcome(older.ref_id).pending, hook.outcome(newer.ref_id).answered) == (1, 1)


def test_calls_that_could_be_two_messages_wait_until_a_person_knows_one(
    hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, post: Callable[..., None]
) -> None:
    orders = {"numbers": {ADA: {"attempts": [{"answered": True}], "lose_callback": True}}}
    simulator.script(orders | {"faults": [LOST_ANSWER, LOST_ANSWER]})
    for key in ("first", "second"):
        with pytest.raises(MessageUncertain):
            hook.send_voice(ADA, MEDIA, idempotency_key=key)
        simulator.wait_idle()
    ref_ids = [call["ref_id"] for call in simulator.calls()]
    for ref_id in ref_ids:
        post({"to_number": ADA, "ref_id": ref_id, "answer_at": "2026-01-01 10:00:00"})
    assert match_states(ledger) == ["unmatched", "unmatched"]
    first, second = (each["message_id"] for each in rows(ledger, schema.request))

    resolve(ledger, first, placed=True, ref_id=ref_ids[0], window=WINDOW)

    # With the first one known, the other call can be the second message's only.
    assert match_states(ledger) == ["matched", "matched"]
    assert [hook.outcome(ref_id).answered for ref_id in ref_ids] == [1, 1]
    assert hook.send_voice(ADA, MEDIA, idempotency_key="second").ref_ids == [ref_ids[1]]
    assert second in {each["message_id"] for each in rows(ledger, schema.request, ref_id=ref_ids[1])}
    assert simulator.rung() == {ADA: 2}


class TestWhatIsNobodys:
    def test_a_call_to_a_number_that_nobody_sent_to_is_kept_and_nobodys(
        self, hook: NineBitsHook, ledger: Database, post: Callable[..., None]
    ) -> None:
        receipt = hook.send_voice(ADA, MEDIA)
        post({"to_number": BEN, "start_at": "2026-01-01 10:00:00", "total_duration": 3})

        kept = row(ledger, schema.callback)
        assert (kept["match_state"], kept["number"], kept["recipient_id"]) == ("unmatched", BEN, None)
        assert hook.outcome(receipt.ref_id).pending == 1

    def test_an_inbound_call_of_a_recipient_is_kept_and_settles_nobody(
        self, hook: NineBitsHook, ledger: Database, post: Callable[..., None]
    ) -> None:
        receipt = hook.send_voice(ADA, MEDIA)
        inbound = {"to_number": ADA, "call_direction": "inbound", "answer_at": "2026-01-01 10:00:00"}
        post(inbound)
        post(inbound | {"ref_id": receipt.ref_id})

        assert match_states(ledger) == ["inbound", "inbound"]
        assert hook.outcome(receipt.ref_id).pending == 1

    def test_what_came_before_any_send_is_no_call_of_the_one_that_follows(
        self, hook: NineBitsHook, ledger: Database, post: Callable[..., None]
    ) -> None:
        post({"to_number": ADA, "answer_at": "2026-01-01 10:00:00"})

        receipt = hook.send_voice(ADA, MEDIA)

        assert match_states(ledger) == ["unmatched"]
        assert hook.outcome(receipt.ref_id).pending == 1


class TestAnErrorAtTheCallbackUrl:
    def test_fails_the_message_of_its_ref_id(
        self, hook: NineBitsHook, ledger: Database, post: Callable[..., None]
    ) -> None:
        receipt = hook.send_voice([ADA, BEN], MEDIA)
        post({"status_code": 400, "message": "The media could not be fetched", "ref_id": receipt.ref_id})

        assert hook.outcome(receipt.ref_id).failed == 2

    def test_that_came_before_the_ref_id_was_known_is_applied_then(
        self, hook: NineBitsHook, ledger: Database, simulator: RunningSimulator, post: Callable[..., None]
    ) -> None:
        simulator.script({"faults": [LOST_ANSWER, LOST_ANSWER]})
        for key, number in (("first", ADA), ("second", BEN)):
            with pytest.raises(MessageUncertain):
                hook.send_voice(number, MEDIA, idempotency_key=key)
        post({"status_code": 400, "message": "The media could not be fetched", "ref_id": "x"})
        assert match_states(ledger) == ["unmatched"]

        [_, second] = (each["message_id"] for each in rows(ledger, schema.request))
        resolve(ledger, second, placed=True, ref_id="x", window=WINDOW)

        assert match_states(ledger) == ["matched"]
        assert hook.outcome("x").failed == 1


class TestAnAccountWithItsOwnPath:
    def test_settles_its_connections_messages_only(
        self, hook: NineBitsHook, simulator: RunningSimulator, receiver: str, ledger: Database
    ) -> None:
        elsewhere = NineBitsHook("ninebits_elsewhere")
        simulator.script({"numbers": {ADA: {"attempts": [{"answered": True}], "lose_callback": True}}})
        receipt = hook.send_voice(ADA, MEDIA)
        simulator.wait_idle()
        simulator.set_callback_url(
            f"{receiver}/ninebits/callback/ninebits_default".replace("://", "://ninebits:secret@")
        )
        simulator.script(of_9bits(ADA, with_ref_id=False))
        newer = elsewhere.send_voice(ADA, MEDIA)
        simulator.wait_idle()
        elsewhere.close()

        # The newer message would be preferred; but its calls come over another path.
        assert row(ledger, schema.callback)["conn_path"] == "ninebits_default"
        assert (hook.outcome(receipt.ref_id).answered, hook.outcome(newer.ref_id).pending) == (1, 1)

    def test_of_another_connection_settles_none_of_this_ones(
        self, hook: NineBitsHook, simulator: RunningSimulator, receiver: str, ledger: Database
    ) -> None:
        simulator.set_callback_url(f"{receiver}/ninebits/callback/nobody".replace("://", "://ninebits:secret@"))
        simulator.script(of_9bits(ADA, with_ref_id=True))

        receipt = hook.send_voice(ADA, MEDIA)
        simulator.wait_idle()

        assert match_states(ledger) == ["unmatched"]
        assert row(ledger, schema.callback)["conn_path"] == "nobody"
        assert hook.outcome(receipt.ref_id).pending == 1
