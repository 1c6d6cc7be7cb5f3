from __future__ import annotations

import json
import logging
import re
from itertools import chain, cycle, repeat
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.exceptions import (
    InvalidArgument,
    KeyReused,
    LedgerUnavailable,
    MessageUncertain,
    SendFailed,
    UnknownRefId,
)
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.receipts import SendReceipt
from airflow_provider_ninebits.hooks.sending import LEASE_MARGIN_SECONDS
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.claims import claim
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable
from airflow_provider_ninebits.ledger.keys import user_key
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.sends import AskedBy
from airflow_provider_ninebits.ledger.states import RequestState
from tests.integration.ledger.scenes import ADA, BEN, CAI, at_once, lapse, row, rows

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

MEDIA = "https://media.test/a.mp3"
MANY = [str(2348020000000 + place) for place in range(2500)]
LOST = {"kind": "drop", "placed": False}
LIMITED = {"kind": "status", "status": 429, "retry_after": "0"}


def message_states(ledger: Database) -> list[str]:
    return [each["state"] for each in sorted(rows(ledger, schema.message), key=lambda each: each["part"])]


class TestAReceipt:
    def test_a_send_gives_the_ref_id_that_9bits_gave(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        receipt = hook.send_voice([ADA, "+" + BEN, f"00{BEN}", BEN], MEDIA)
        [request] = simulator.requests()
        assert receipt.ref_ids == [receipt.ref_id] == [request["ref_id"]]
        assert (receipt.recipients, receipt.resumed) == (2, False)
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_9bits_gets_the_whole_media_url_and_the_ledger_no_signature(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        hook.send_voice(ADA, f"{MEDIA}?signature=hidden", "2347080670000")
        body = simulator.requests()[0]["body"]
        assert body["media_url"] == f"{MEDIA}?signature=hidden"
        assert body["from"] == "2347080670000"
        assert row(ledger, schema.message)["media_url"] == MEDIA

    def test_more_than_1000_numbers_go_in_parts(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        receipt = hook.send_voice(iter(MANY), MEDIA)
        assert [len(request["to"]) for request in simulator.requests()] == [1000, 1000, 500]
        assert receipt.ref_ids == [request["ref_id"] for request in simulator.requests()]
        assert receipt.recipients == 2500
        assert simulator.rung() == dict.fromkeys(MANY, 1)
        assert message_states(ledger) == ["accepted"] * 3

    def test_without_a_key_every_call_is_another_send(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        hook.send_voice(ADA, MEDIA)
        hook.send_voice(ADA, MEDIA)
        assert simulator.rung() == {ADA: 2}

    def test_neither_key_nor_number_is_logged(
        self, hook: NineBitsHook, caplog: pytest.LogCaptureFixture, simulator: RunningSimulator
    ) -> None:
        caplog.set_level(logging.DEBUG, "airflow_provider_ninebits")
        receipt = hook.send_voice(ADA, MEDIA)
        assert f"ref_id={receipt.ref_id}" in caplog.text
        assert "an-api-key" not in caplog.text
        assert ADA not in caplog.text


class TestAKey:
    def test_coming_again_rings_nobody_twice_and_says_so(
        self, hook: NineBitsHook, simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        first = hook.send_voice([ADA, BEN], MEDIA, idempotency_key="order 7")
        again = NineBitsHook().send_voice([BEN, ADA], f"{MEDIA}?signed=anew", idempotency_key="order 7")
        assert again.ref_ids == first.ref_ids
        assert (first.resumed, again.resumed) == (False, True)
        assert simulator.rung() == {ADA: 1, BEN: 1}
        assert [record.levelno for record in caplog.records if "Nobody was rung again" in record.message] == [
            logging.WARNING
        ]

    @pytest.mark.parametrize(
        ("to", "media_url"), [([ADA], MEDIA), ([ADA, BEN, CAI], MEDIA), ([ADA, BEN], "https://media.test/b.mp3")]
    )
    def test_another_send_with_a_used_key_is_refused(
        self, hook: NineBitsHook, simulator: RunningSimulator, to: list[str], media_url: str
    ) -> None:
        hook.send_voice([ADA, BEN], MEDIA, idempotency_key="order 7")
        with pytest.raises(KeyReused):
            hook.send_voice(to, media_url, idempotency_key="order 7")
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_it_goes_on_with_the_part_where_it_stopped(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        to, placed = MANY[:1500], list[str]()
        with pytest.raises(SendFailed, match="stopped"):
            hook.send_plan(
                hook.plan(to, MEDIA, None, key=user_key("default", "long"), asked_by=AskedBy("default")),
                MEDIA,
                on_uncertain="fail",
                replan=False,
                placed=lambda ref_id, _: placed.append(ref_id),
                stopped=lambda: bool(placed),
            )
        assert message_states(ledger) == ["accepted", "planned"]
        receipt = hook.send_voice(to, MEDIA, idempotency_key="long")
        assert (len(receipt.ref_ids), receipt.recipients, receipt.resumed) == (2, 1500, False)
        assert simulator.rung() == dict.fromkeys(to, 1)

    def test_several_processes_at_once_ring_once(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [{"kind": "delay", "seconds": 0.2}]})

        def send(_: int) -> SendReceipt:
            own = NineBitsHook()
            try:
                return own.send_voice([ADA, BEN], MEDIA, idempotency_key="order 7")
            finally:
                own.close()

        receipts = at_once(4, send)
        assert len({receipt.ref_id for receipt in receipts}) == 1
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_a_lease_of_another_process_is_waited_for(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        message_id, request_id = claimed_elsewhere(hook, ledger)
        sender = hook.sender()
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 2:
                record_answer(ledger, request_id, Answer(RequestState.ACCEPTED, "theirs", 200))

        sender.sleep = sleep
        plan = hook.plan(ADA, MEDIA, None, key=user_key("default", "k"), asked_by=AskedBy("default"))
        receipt = sender.send(plan, media_url=MEDIA, resend=True, replan=False)
        assert (receipt.ref_ids, receipt.message_ids) == (["theirs"], [message_id])
        assert len(slept) == 2
        assert simulator.requests() == []

    def test_a_lease_that_is_over_is_uncertain(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        message_id, _ = claimed_elsewhere(hook, ledger)
        lapse(ledger, message_id)
        with pytest.raises(MessageUncertain, match=message_id):
            hook.send_voice(ADA, MEDIA, idempotency_key="k")
        assert simulator.rung() == {}
        hook.send_voice(ADA, MEDIA, idempotency_key="k", on_uncertain="resend")
        assert simulator.rung() == {ADA: 1}


def test_a_part_that_another_try_planned_anew_meanwhile_is_left_to_it(
    hook: NineBitsHook, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_ninebits.ledger.planning import plan_send
    from airflow_provider_ninebits.ledger.sends import SendPlan

    def plan(*numbers: str) -> SendPlan:
        return hook.plan(numbers, MEDIA, None, key="k", asked_by=AskedBy("default"))

    sender = hook.sender()
    send_parts = sender._send_parts

    def when_another_has_planned(parts: Any, job: Any) -> Any:
        plan_send(hook.database, plan(ADA, BEN), replan=True, part_size=1000)
        return send_parts(parts, job)

    monkeypatch.setattr(sender, "_send_parts", when_another_has_planned)
    with pytest.raises(SendFailed, match="planned anew by another try"):
        sender.send(plan(ADA), media_url=MEDIA, resend=False, replan=True)
    assert simulator.requests() == []


def claimed_elsewhere(hook: NineBitsHook, ledger: Database) -> tuple[str, int]:
    """A send with the key "k" to Ada, whose request another process is about to write."""
    from airflow_provider_ninebits.ledger.planning import plan_send

    plan = hook.plan(ADA, MEDIA, None, key=user_key("default", "k"), asked_by=AskedBy("default"))
    [part] = plan_send(ledger, plan, replan=False, part_size=1000).parts
    claimed = claim(ledger, part.message_id, plan, owner="another", lease_seconds=60)
    assert claimed is not None
    return part.message_id, claimed.request_id


UNCLEAR: dict[str, dict[str, Any]] = {
    "500": {"kind": "status", "status": 500},
    "500 though it was placed": {"kind": "status", "status": 500, "placed": True},
    "503": {"kind": "status", "status": 503},
    "408": {"kind": "status", "status": 408},
    "a redirect": {"kind": "status", "status": 302},
    "a connection lost": {"kind": "drop", "placed": False},
    "a connection lost though it was placed": {"kind": "drop", "placed": True},
    "200 without a ref_id": {"kind": "no_ref_id"},
}
REFUSED: dict[str, dict[str, Any]] = {
    "400": {"kind": "status", "status": 400},
    "403": {"kind": "status", "status": 403},
    "405": {"kind": "status", "status": 405},
}


class TestAnAnswerThatIsNotClear:
    @pytest.mark.parametrize("fault", UNCLEAR.values(), ids=UNCLEAR.keys())
    def test_it_leaves_the_message_uncertain_and_says_what_to_do(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, fault: dict[str, Any]
    ) -> None:
        simulator.script({"faults": [fault]})
        with pytest.raises(MessageUncertain) as raised:
            hook.send_voice(ADA, MEDIA, idempotency_key="k")
        message = row(ledger, schema.message)
        assert message["state"] == "uncertain"
        assert raised.value.message_ids == (message["id"],)
        assert message["id"] in str(raised.value)
        assert "ninebits messages resolve" in str(raised.value)
        # Told again by whoever comes later, and with the cause, which is in the ledger.
        with pytest.raises(MessageUncertain) as again:
            hook.send_voice(ADA, MEDIA, idempotency_key="k")
        assert again.value.problem == raised.value.problem
        assert str(row(ledger, schema.request)["detail"]) in again.value.problem
        assert len(simulator.requests()) == 1

    @pytest.mark.parametrize("key", ["", " ", "None", "null"])
    def test_a_key_that_is_none_is_refused(self, hook: NineBitsHook, simulator: RunningSimulator, key: str) -> None:
        with pytest.raises(InvalidArgument, match="idempotency_key"):
            hook.send_voice(ADA, MEDIA, idempotency_key=key)
        assert simulator.requests() == []

    def test_a_timeout_after_the_request_was_written(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        simulator.script({"faults": [{"kind": "delay", "seconds": 3, "placed": True}]})
        with pytest.raises(MessageUncertain):
            NineBitsHook("ninebits_impatient").send_voice(ADA, MEDIA)
        assert message_states(ledger) == ["uncertain"]

    def test_resend_sends_again_in_the_same_call(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        simulator.script({"faults": [{"kind": "status", "status": 500, "placed": True}, LOST]})
        receipt = hook.send_voice(ADA, MEDIA, on_uncertain="resend")
        assert receipt.ref_id == simulator.requests()[2]["ref_id"]
        assert simulator.rung() == {ADA: 2}
        assert [request["state"] for request in rows(ledger, schema.request)] == ["uncertain", "uncertain", "accepted"]

    def test_resend_gives_up_after_the_second(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [LOST] * 4})
        with pytest.raises(MessageUncertain, match="nor to 2 more"):
            hook.send_voice(ADA, MEDIA, idempotency_key="k", on_uncertain="resend")
        assert len(simulator.requests()) == 3
        # One more order waits: the resumed call meets it, and goes on.
        hook.send_voice(ADA, MEDIA, idempotency_key="k", on_uncertain="resend")
        assert len(simulator.requests()) == 5


class TestARefusal:
    @pytest.mark.parametrize("fault", REFUSED.values(), ids=REFUSED.keys())
    def test_nobody_was_rung_and_the_same_key_sends(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, fault: dict[str, Any]
    ) -> None:
        simulator.script({"faults": [fault]})
        with pytest.raises(SendFailed, match=str(fault["status"])) as raised:
            hook.send_voice(ADA, MEDIA, idempotency_key="k")
        assert raised.value.status == fault["status"]
        assert message_states(ledger) == ["refused"]
        assert simulator.rung() == {}
        hook.send_voice(ADA, MEDIA, idempotency_key="k")
        assert simulator.rung() == {ADA: 1}
        assert message_states(ledger) == ["accepted"]

    def test_a_wrong_key(self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database) -> None:
        with pytest.raises(SendFailed, match="401"):
            NineBitsHook("ninebits_bad_key").send_voice(ADA, MEDIA)
        assert message_states(ledger) == ["refused"]
        assert simulator.rung() == {}

    def test_a_base_url_where_nobody_listens(self, hook: NineBitsHook, ledger: Database) -> None:
        with pytest.raises(SendFailed):
            NineBitsHook("ninebits_nowhere").send_voice(ADA, MEDIA)
        assert message_states(ledger) == ["refused"]

    def test_the_parts_before_it_stay_sent(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        simulator.script({"faults": [{"kind": "delay", "seconds": 0}, {"kind": "status", "status": 403}]})
        with pytest.raises(SendFailed, match="part 2"):
            hook.send_voice(MANY, MEDIA, idempotency_key="k")
        assert message_states(ledger) == ["accepted", "refused", "planned"]
        hook.send_voice(MANY, MEDIA, idempotency_key="k")
        assert simulator.rung() == dict.fromkeys(MANY, 1)


class TestTheRateLimit:
    def test_a_storm_ends_in_a_send(self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database) -> None:
        simulator.script({"faults": [LIMITED] * 4})
        receipt = hook.send_voice(ADA, MEDIA)
        assert [request["status"] for request in simulator.requests()] == [429, 429, 429, 429, 200]
        assert simulator.rung() == {ADA: 1}
        assert receipt.ref_id == simulator.requests()[-1]["ref_id"]
        assert message_states(ledger) == ["accepted"]

    def test_with_its_tries_used_up_it_is_refused_and_may_be_sent_later(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        simulator.script({"faults": [LIMITED] * 5})
        with pytest.raises(SendFailed, match="429"):
            hook.send_voice(ADA, MEDIA, idempotency_key="k")
        assert message_states(ledger) == ["refused"]
        hook.send_voice(ADA, MEDIA, idempotency_key="k")
        assert simulator.rung() == {ADA: 1}

    def test_without_a_retry_after_it_waits_longer_each_time(
        self, hook: NineBitsHook, simulator: RunningSimulator
    ) -> None:
        simulator.script({"faults": [{"kind": "status", "status": 429}] * 3})
        sender = hook.sender()
        slept: list[float] = []
        sender.sleep = slept.append
        plan = hook.plan(ADA, MEDIA, None, key=None, asked_by=AskedBy("default"))
        sender.send(plan, media_url=MEDIA, resend=False, replan=False)
        # In naps of a second at most: a task that is told to stop does not sit out the rest.
        assert max(slept) <= 1.0
        assert 0.5 + 1.0 + 2.0 <= sum(slept) <= 2 * (0.5 + 1.0 + 2.0)

    def test_meanwhile_the_part_is_planned_again_and_anybody_may_send_it(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        simulator.script({"faults": [LIMITED | {"retry_after": "1"}]})
        sender = hook.sender()
        meanwhile: list[list[str]] = []
        sender.sleep = lambda _: meanwhile.append(message_states(ledger))
        plan = hook.plan(ADA, MEDIA, None, key=None, asked_by=AskedBy("default"))
        sender.send(plan, media_url=MEDIA, resend=False, replan=False)
        assert meanwhile == [["planned"]]

    def test_each_part_has_its_own_tries(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [LIMITED] * 4 + [{"kind": "delay", "seconds": 0}] + [LIMITED] * 4})
        hook.send_voice(MANY[:1001], MEDIA)
        assert simulator.rung() == dict.fromkeys(MANY[:1001], 1)

    def test_a_429_in_a_resend_is_waited_out_too(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [LOST, LIMITED, LIMITED]})
        hook.send_voice(ADA, MEDIA, on_uncertain="resend")
        assert simulator.rung() == {ADA: 1}


class TestALedgerThatIsAway:
    def test_nothing_is_sent(
        self, connection: None, simulator: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/gone/ninebits.db")
        with pytest.raises(LedgerUnavailable, match=re.escape("gone/ninebits.db")):
            NineBitsHook().send_voice(ADA, MEDIA)
        with pytest.raises(LedgerUnavailable):
            NineBitsHook().outcome("r1")
        assert simulator.requests() == []

    def test_a_process_that_was_suspended_past_its_lease_does_not_write(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = cycle([0.0, LEASE_MARGIN_SECONDS + 1])
        monkeypatch.setattr("airflow_provider_ninebits.hooks.attempts.boot_seconds", lambda: next(clock))
        with pytest.raises(SendFailed):
            hook.send_voice(ADA, MEDIA)
        assert simulator.requests() == []
        assert message_states(ledger) == ["refused"]

    def test_a_claim_that_the_busy_ledger_held_up_is_made_again(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = chain([0.0, LEASE_MARGIN_SECONDS + 1], repeat(100.0))
        monkeypatch.setattr("airflow_provider_ninebits.hooks.attempts.boot_seconds", lambda: next(clock))
        hook.send_voice(ADA, MEDIA)
        assert simulator.rung() == {ADA: 1}
        assert [each["state"] for each in rows(ledger, schema.request)] == ["refused", "accepted"]

    def test_an_answer_that_the_ledger_does_not_take_at_once_is_recorded_all_the_same(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failures = iter([True, True, False])

        def sometimes(*arguments: Any) -> Any:
            if next(failures):
                raise LedgerUnreachable("sqlite:///x", "database is locked")
            return record_answer(*arguments)

        monkeypatch.setattr("airflow_provider_ninebits.hooks.recording.record_answer", sometimes)
        waits: list[float] = []
        plan = hook.plan(ADA, MEDIA, None, key=None, asked_by=AskedBy("default"))
        receipt = hook.sender(sleep=waits.append).send(plan, media_url=MEDIA, resend=False, replan=False)
        assert waits == [1.0, 2.0]
        assert receipt.ref_ids == [simulator.requests()[0]["ref_id"]]
        assert message_states(ledger) == ["accepted"]


class TestWhoAsked:
    def test_it_is_the_task_that_airflows_environment_names(
        self, hook: NineBitsHook, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {"DAG_ID": "alerts", "DAG_RUN_ID": "manual__1", "TASK_ID": "ring", "MAP_INDEX": "3"}.items():
            monkeypatch.setenv(f"AIRFLOW_CTX_{name}", value)
        hook.send_voice(ADA, MEDIA)
        asked = row(ledger, schema.send)
        assert [asked[name] for name in ("dag_id", "run_id", "task_id", "map_index")] == [
            "alerts",
            "manual__1",
            "ring",
            3,
        ]

    def test_outside_of_a_task_it_is_nobody(self, hook: NineBitsHook, ledger: Database) -> None:
        hook.send_voice(ADA, MEDIA)
        assert row(ledger, schema.send)["dag_id"] is None


class TestItsLogLines:
    def test_each_end_of_a_send_has_one(
        self, hook: NineBitsHook, simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        ref_id = hook.send_voice([ADA, BEN], MEDIA, idempotency_key="one").ref_id
        hook.send_voice([ADA, BEN], MEDIA, idempotency_key="one")
        simulator.script({"faults": [LOST, {"kind": "status", "status": 401}]})
        with pytest.raises(MessageUncertain):
            hook.send_voice(ADA, MEDIA)
        with pytest.raises(SendFailed):
            hook.send_voice(ADA, MEDIA)
        told = [re.sub(r"message=\w+", "message=*", line) for line in re.findall(r" (event=.*)", caplog.text)]
        assert told == [
            f"event=send_accepted message=* ref_id={ref_id} recipients=2 conn_id=ninebits_default",
            f"event=send_resumed ref_id={ref_id} ref_ids=1 recipients=2 conn_id=ninebits_default",
            "event=send_uncertain message=* recipients=1",
            "event=send_refused message=* recipients=1 status=401",
        ]


class TestTheConnectionTest:
    def test_it_reaches_9bits_and_rings_nobody(self, hook: NineBitsHook, simulator: RunningSimulator) -> None:
        reached, says = hook.test_connection()
        assert reached is True
        assert "first real call" in says
        assert simulator.rung() == {}

    def test_a_refused_key_is_no_good_connection(self, connection: None, ledger: Database) -> None:
        good, says = NineBitsHook("ninebits_bad_key").test_connection()
        assert good is False
        assert "it refuses the API key, if it is 9bits" in says

    def test_another_web_server_is_not_9bits(
        self, connection: None, ledger: Database, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fields = {"conn_type": "ninebits", "password": "an-api-key", "host": f"{simulator.base_url}/elsewhere"}
        monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_ELSEWHERE", json.dumps(fields))
        good, says = NineBitsHook("ninebits_elsewhere").test_connection()
        assert good is False
        assert "check the base URL" in says

    def test_nobody_listens(self, connection: None, ledger: Database) -> None:
        assert NineBitsHook("ninebits_nowhere").test_connection()[0] is False

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"password": None}, "it has no API key"),
            ({"password": "  "}, "it has no API key"),
            ({"password": "an-api-key\n"}, "a blank, a line break"),
            ({"host": "ftp://api.9bits.net"}, "is no http(s) address; give https://api.9bits.net"),
            ({"host": "localhost:9009"}, "has no scheme; write http://localhost:9009"),
            ({"extra": '{"timeout": "soon"}'}, "timeout is 'soon'; give seconds"),
            ({"extra": '{"max_parallel_requests": 65}'}, "max_parallel_requests is 65; give a whole number"),
            ({"extra": '{"calling_hours": "late", "timezone": "UTC"}'}, "calling_hours: 'late' are no hours"),
            ({"password": "bad"}, "it refuses the API key, if it is 9bits"),
            ({}, "first real call only"),
        ],
    )
    def test_the_form_gives_it_an_id_of_its_own_which_no_answer_shows(
        self, fields: dict[str, Any], said: str, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from airflow.models.connection import Connection

        form = {"host": simulator.base_url, "password": "an-api-key", "extra": '{"timeout": 20}'} | fields
        connection = Connection(conn_id="made_up", conn_type="ninebits", **form)
        # As Airflow's API server does it.
        monkeypatch.setenv("AIRFLOW_CONN_MADE_UP", connection.get_uri())
        good, says = NineBitsHook("made_up").test_connection()
        assert good is (fields == {})
        assert said in says
        assert "made_up" not in says
        assert "an-api-key" not in says
        assert simulator.rung() == {}


class TestTheOutcome:
    def test_it_is_pending_until_a_callback_comes(self, hook: NineBitsHook) -> None:
        receipt = hook.send_voice([ADA, BEN], MEDIA)
        outcome = hook.outcome(receipt.ref_ids)
        assert (outcome.settled, outcome.recipients, outcome.pending) == (False, 2, 2)

    def test_a_ref_id_that_nobody_sent_is_an_error_at_once(self, hook: NineBitsHook) -> None:
        with pytest.raises(UnknownRefId, match=r"never-sent.*ninebits\.db.*SQL_ALCHEMY_CONN"):
            hook.outcome("never-sent")

    def test_no_ref_id_is_an_error(self, hook: NineBitsHook) -> None:
        with pytest.raises(InvalidArgument):
            hook.outcome("None")

    def test_a_placed_message_without_a_ref_id_has_a_stand_in(
        self, hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
    ) -> None:
        from tests.integration.ledger.scenes import a_call, arrive

        simulator.script({"faults": [{"kind": "drop", "placed": True}]})
        with pytest.raises(MessageUncertain):
            hook.send_voice(ADA, MEDIA, idempotency_key="k")
        # The callback proves that it was placed; it has no ref_id either.
        arrive(ledger, a_call(ADA))
        receipt = hook.send_voice(ADA, MEDIA, idempotency_key="k")
        message_id = row(ledger, schema.message)["id"]
        assert receipt.ref_ids == [f"ledger:{message_id}"]
        assert hook.outcome(receipt.ref_id).answered == 1
        assert simulator.rung() == {ADA: 1}


@pytest.mark.parametrize("with_ref_id", [True, False], ids=["with ref_id", "without ref_id"])
def test_callbacks_settle_the_outcome_through_the_real_receiver(
    hook: NineBitsHook, simulator: RunningSimulator, receiver: str, with_ref_id: bool
) -> None:
    simulator.script(
        {
            "numbers": {
                ADA: {"attempts": [{"answered": True, "talk_seconds": 90}], "with_ref_id": with_ref_id},
                # Rung for longer the second time: stamps are in seconds, and two that are the same would be a repeat.
                BEN: {
                    "attempts": [{"answered": False, "ring_seconds": seconds} for seconds in (3, 4)],
                    "with_ref_id": with_ref_id,
                },
                CAI: {"attempts": [{"answered": True}], "lose_callback": True},
            }
        }
    )
    receipt = hook.send_voice([ADA, BEN, CAI], MEDIA)
    simulator.wait_idle()
    outcome = hook.outcome(receipt.ref_id)
    assert {call.to_number: (call.state.value, call.attempts) for call in outcome.calls} == {
        ADA: ("answered", 1),
        BEN: ("unanswered", 2),
        CAI: ("pending", 0),
    }
    assert (outcome.settled, outcome.answered, outcome.unanswered, outcome.pending) == (False, 1, 1, 1)
    as_json = outcome.as_dict()
    assert as_json["total_amount"] == "30"
    [answered] = [call for call in as_json["calls"] if call["state"] == "answered"]
    assert (answered["to_number"], answered["call_duration"]) == (ADA, 90)
    assert answered["answered_at"].endswith("+00:00")
