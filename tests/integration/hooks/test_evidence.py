"""``on_uncertain="evidence"``: the real operator and real receivers, which hear the simulator's callbacks or do not."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument, MessageUncertain, SendStopped
from airflow_provider_ninebits.hooks.evidence import silence_proves
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.sending import Sender
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.evidence import silence_until, why_unproved
from airflow_provider_ninebits.ledger.sends import AskedBy
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.hooks.playing import Task
from tests.integration.ledger.scenes import ADA, BEN, WINDOW, claimed, row, rows
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import Part, SendPlan
    from airflow_provider_ninebits.simulator import RunningSimulator

pytestmark = pytest.mark.usefixtures("connection", "quick_evidence")

MEDIA = "https://media.test/a.mp3"
WAIT = timedelta(seconds=1)
LOST_AFTER = {"kind": "drop", "placed": True}
LOST_BEFORE = {"kind": "drop", "placed": False}


@pytest.fixture
def quick_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats and looks as often as the wait of these tests is short."""
    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("airflow_provider_ninebits.hooks.evidence.POLL_SECONDS", 0.05)
    monkeypatch.setattr("airflow_provider_ninebits.hooks.evidence._HEARTBEATS_COME_WITHIN", timedelta(seconds=1))


@pytest.fixture
def known(receiver: str, simulator: RunningSimulator, ledger: Database) -> str:
    """A receiver that has stored a callback for the connection before."""
    ring(Task(task_id="before"), BEN)
    eventually(lambda: [each["state"] for each in rows(ledger, schema.recipient)] == ["answered"])
    simulator.reset()
    return receiver


@pytest.fixture
def once_it_waits(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Lets something happen once evidence is waited for. However long that takes, the wait is over `WAIT` after it."""

    def let(happen: Callable[[], object]) -> None:
        left = [happen]

        def until(*given: Any) -> datetime:
            while left:
                left.pop()()
            return max(silence_until(*given), datetime.now(UTC) + WAIT)

        monkeypatch.setattr("airflow_provider_ninebits.hooks.evidence.silence_until", until)

    return let


def ring(task: Task, to: str = ADA, **arguments: Any) -> Any:
    given = {"on_uncertain": "evidence", "evidence_timeout": WAIT} | arguments
    return SendVoiceOperator(task_id=task.task_id, to=to, media_url=MEDIA, **given).execute(task.context)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def answering(simulator: RunningSimulator, number: str = ADA, **behaviour: Any) -> dict[str, Any]:
    return {"numbers": {number: {"attempts": [{"answered": True}], **behaviour}}}


@pytest.fixture(autouse=True)
def _everybody_answers(simulator: RunningSimulator) -> None:
    simulator.script(answering(simulator, BEN))


@pytest.mark.parametrize("fault", [LOST_BEFORE, {"kind": "status", "status": 500}], ids=["lost", "500"])
def test_silence_of_a_receiver_that_9bits_reaches_sends_again(
    known: str, simulator: RunningSimulator, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    simulator.script({"faults": [fault], **answering(simulator)})
    with caplog.at_level("INFO"):
        ref_id = ring(Task())
    assert simulator.rung() == {ADA: 1}
    assert ref_id == simulator.requests()[-1]["ref_id"]
    assert "its callback would have been heard" in caplog.text


@pytest.mark.parametrize("with_ref_id", [True, False], ids=["with ref_id", "without"])
def test_a_callback_shows_that_it_was_placed(
    known: str, simulator: RunningSimulator, ledger: Database, with_ref_id: bool
) -> None:
    simulator.script({"faults": [LOST_AFTER], **answering(simulator, with_ref_id=with_ref_id)})
    ref_id = ring(Task(), evidence_timeout=timedelta(minutes=5))
    assert simulator.rung() == {ADA: 1}
    made = simulator.calls(number=ADA)[0]["ref_id"]
    nameless = f"ledger:{row(ledger, schema.recipient, number=ADA)['message_id']}"
    assert ref_id == (made if with_ref_id else nameless)


def test_silence_while_the_receiver_was_down_for_a_part_proves_nothing(
    ledger_url: str, simulator: RunningSimulator, ledger: Database, once_it_waits: Callable[..., None]
) -> None:
    settings = ReceiverSettings(ledger_url, passwords=("secret",))
    with ExitStack() as first, ExitStack() as second:
        url = first.enter_context(served(settings))
        simulator.set_callback_url(f"{url}/ninebits/callback".replace("://", "://ninebits:secret@"))
        ring(Task(task_id="before"), BEN)
        eventually(lambda: [each["state"] for each in rows(ledger, schema.recipient)] == ["answered"])
        simulator.script({"faults": [LOST_BEFORE]})

        def restart() -> None:
            first.close()
            second.enter_context(served(settings))

        once_it_waits(restart)
        with pytest.raises(MessageUncertain, match="was up all the time"):
            ring(Task())
    assert simulator.rung() == {BEN: 1}


def test_silence_of_a_receiver_that_9bits_never_reached_proves_nothing(
    receiver: str, simulator: RunningSimulator
) -> None:
    simulator.script({"faults": [LOST_BEFORE]})
    with pytest.raises(MessageUncertain, match="known to reach"):
        ring(Task())
    assert simulator.rung() == {}


def test_nor_without_any_receiver(simulator: RunningSimulator, ledger: Database) -> None:
    simulator.script({"faults": [LOST_BEFORE]})
    with pytest.raises(MessageUncertain, match="known to reach"):
        ring(Task())
    assert len(simulator.requests()) == 1


def test_nor_of_one_known_for_another_connection_only(
    known: str, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"conn_type": "ninebits", "password": "another-key", "host": simulator.base_url}
    monkeypatch.setenv("AIRFLOW_CONN_ANOTHER", json.dumps(fields))
    simulator.script({"faults": [LOST_BEFORE]})
    with pytest.raises(MessageUncertain, match="known to reach"):
        ring(Task(), ninebits_conn_id="another")


@pytest.mark.parametrize(
    ("url", "auth", "body"),
    [
        pytest.param("/ninebits/callback", ("ninebits", "wrong"), b"{}", id="401"),
        pytest.param("/ninebits/callback", ("ninebits", "secret"), b" " * (1 << 20) + b"{}", id="413"),
    ],
)
def test_nor_when_a_callback_was_turned_away(
    known: str,
    simulator: RunningSimulator,
    url: str,
    auth: tuple[str, str],
    body: bytes,
    once_it_waits: Callable[..., None],
) -> None:
    simulator.script({"faults": [LOST_BEFORE]})
    once_it_waits(lambda: httpx.post(f"{known}{url}", auth=auth, content=body, trust_env=False))
    with pytest.raises(MessageUncertain, match="turned callbacks away"):
        ring(Task())
    assert simulator.rung() == {}


def test_nor_when_one_was_told_to_come_again(
    known: str, simulator: RunningSimulator, ledger: Database, once_it_waits: Callable[..., None]
) -> None:
    def give_up_in_the_middle() -> None:
        where = urlsplit(known)
        head = "POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bmluZWJpdHM6c2VjcmV0\r\n"
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(f"{head}Content-Length: 9\r\n\r\n{{".encode())
            # So that the app is at work on it when it breaks off.
            time.sleep(0.2)
        eventually(lambda: rows(ledger, schema.receiver)[0]["unavailable"] == 1)

    simulator.script({"faults": [LOST_BEFORE]})
    once_it_waits(give_up_in_the_middle)
    with pytest.raises(MessageUncertain, match="turned callbacks away"):
        ring(Task())
    assert simulator.rung() == {}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"no JSON", id="one that cannot be read"),
        pytest.param(
            b'{"status_code": 200, "message": "ok", "ref_id": "unknown"}', id="an answer of an unknown ref_id"
        ),
        pytest.param(b'{"to_number": "?", "total_duration": 3}', id="a call without a readable number"),
    ],
)
def test_nor_when_a_callback_came_that_could_be_its(
    known: str, simulator: RunningSimulator, body: bytes, once_it_waits: Callable[..., None]
) -> None:
    # Another nameless message keeps the answer from being adopted.
    simulator.script({"faults": [LOST_BEFORE, LOST_BEFORE]})
    with pytest.raises(MessageUncertain):
        ring(Task(task_id="other"), BEN, on_uncertain="fail")

    def deliver() -> None:
        answer = httpx.post(f"{known}/ninebits/callback", auth=("ninebits", "secret"), content=body, trust_env=False)
        assert answer.status_code == 200

    once_it_waits(deliver)
    with pytest.raises(MessageUncertain, match="1 callbacks came"):
        ring(Task())


def test_a_callback_that_was_given_to_another_message_of_the_number_counts(
    known: str, simulator: RunningSimulator, ledger: Database
) -> None:
    # The other message is accepted and pending, so it gets the call that is really this message's.
    simulator.script({"faults": [{"kind": "delay", "seconds": 0}], **answering(simulator, lose_callback=True)})
    ring(Task(task_id="other"))
    simulator.script({"faults": [LOST_AFTER], **answering(simulator, with_ref_id=False)})
    with pytest.raises(MessageUncertain, match="1 callbacks came"):
        ring(Task())
    assert simulator.rung() == {ADA: 2}
    assert row(ledger, schema.callback, number=ADA)["ambiguous"]


def test_a_callback_of_its_first_request_counts_also_where_it_was_sent_again(
    known: str, simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script({"faults": [{"kind": "delay", "seconds": 0}], **answering(simulator, lose_callback=True)})
    ring(Task(task_id="other"))
    simulator.script({"faults": [LOST_AFTER], **answering(simulator, with_ref_id=False)})
    task = Task()
    with pytest.raises(MessageUncertain):
        ring(task, on_uncertain="fail")
    # It is given to the other message, which is accepted; and then the request after it is lost as well.
    eventually(lambda: bool(rows(ledger, schema.callback, number=ADA)))
    simulator.script({"faults": [LOST_BEFORE, LOST_BEFORE, LOST_BEFORE], **answering(simulator)})
    with pytest.raises(MessageUncertain):
        ring(task.cleared(), on_uncertain="resend")
    with pytest.raises(MessageUncertain, match="1 callbacks came"):
        ring(task.cleared().cleared())
    assert simulator.rung() == {ADA: 2}


class TestTwoProcessesOfOneTask:
    """A zombie and its replacement: what the one sends, the other has not seen when it looked."""

    @pytest.fixture
    def in_doubt(self, known: str, simulator: RunningSimulator, hook: NineBitsHook) -> SendPlan:
        simulator.script({"faults": [LOST_BEFORE], **answering(simulator, lose_callback=True)})
        plan = hook.plan([ADA], MEDIA, None, key="k", asked_by=AskedBy("default"))
        with pytest.raises(MessageUncertain):
            hook.sender().send(plan, media_url=MEDIA, resend=False, replan=True)
        assert simulator.rung() == {}
        return plan

    def test_a_proof_is_none_any_more_where_the_other_has_sent_since(
        self, simulator: RunningSimulator, hook: NineBitsHook, in_doubt: SendPlan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        turns: list[object] = []
        send = Sender._send

        def slow(sender: Sender, part: Part, *given: Any, **named: Any) -> Part | None:
            turns.append(part)
            if len(turns) == 1:
                # It is placed, and the answer lost: the resend after it, the last one allowed, is not made.
                simulator.script({"faults": [LOST_AFTER, LOST_BEFORE], **answering(simulator, lose_callback=True)})
                with pytest.raises(MessageUncertain):
                    NineBitsHook().sender().send(in_doubt, media_url=MEDIA, resend=True, replan=True)
                assert simulator.rung() == {ADA: 1}
            return send(sender, part, *given, **named)

        def proves(*given: Any, **named: Any) -> str | None:
            return "it is asked again" if turns else why_unproved(*given, **named)

        monkeypatch.setattr(Sender, "_send", slow)
        monkeypatch.setattr("airflow_provider_ninebits.hooks.evidence.why_unproved", proves)
        with pytest.raises(MessageUncertain, match="it is asked again"):
            hook.sender(evidence_timeout=WAIT).send(in_doubt, media_url=MEDIA, resend=False, replan=True)
        assert simulator.rung() == {ADA: 1}

    def test_the_silence_begins_anew_where_the_other_has_sent_since(
        self, ledger: Database, in_doubt: SendPlan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [message] = rows(ledger, schema.message, state="uncertain")
        asked: list[datetime] = []

        def the_other_sends(seconds: float) -> None:
            if len(rows(ledger, schema.request, message_id=message["id"])) == 1:
                claimed(ledger, message["id"], resend=True).answered("uncertain")
            time.sleep(seconds)

        def proves(_: object, until: datetime, **__: object) -> None:
            asked.append(until)

        monkeypatch.setattr("airflow_provider_ninebits.hooks.evidence.why_unproved", proves)
        revision = silence_proves(
            *(ledger, message["id"], "no answer came"),
            resumed_at=rows(ledger, schema.request, message_id=message["id"])[0]["started_at"],
            timeout=WAIT,
            window=WINDOW,
            pause=the_other_sends,
        )
        last = rows(ledger, schema.request, message_id=message["id"])[-1]
        assert asked == [last["started_at"] + WAIT]
        assert revision == rows(ledger, schema.message, id=message["id"])[0]["revision"]


def test_a_message_whose_sender_died_is_decided_at_the_retry(
    known: str, simulator: RunningSimulator, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    task = Task()
    with monkeypatch.context() as dying:
        dying.setattr("airflow_provider_ninebits.api.client.NineBitsClient.send_voice", lambda *_, **__: die())
        dying.setattr("airflow_provider_ninebits.hooks.sending.Sender._record", die)
        with pytest.raises(Died):
            ring(task)
    [message] = rows(ledger, schema.message, state="sending")
    with ledger.writing() as connection:
        connection.execute(
            schema.message.update()
            .where(schema.message.c.id == message["id"])
            .values(lease_expires_at=message["created_at"])
        )
    ring(task.retried())
    assert simulator.rung() == {ADA: 1}
    assert row(ledger, schema.message, id=message["id"])["state"] == "accepted"


def test_a_kill_ends_the_wait(known: str, simulator: RunningSimulator, ledger: Database) -> None:
    simulator.script({"faults": [LOST_BEFORE]})
    operator = SendVoiceOperator(
        task_id="ring", to=ADA, media_url=MEDIA, on_uncertain="evidence", evidence_timeout=timedelta(hours=1)
    )

    def kill() -> None:
        eventually(lambda: bool(rows(ledger, schema.request, state="uncertain")))
        operator.on_kill()

    killer = Thread(target=kill)
    killer.start()
    with pytest.raises(SendStopped):
        operator.execute(Task().context)
    killer.join()


def test_it_is_the_operators_alone(hook: NineBitsHook, simulator: RunningSimulator) -> None:
    with pytest.raises(InvalidArgument, match="'fail', 'resend'"):
        hook.send_voice(ADA, MEDIA, on_uncertain="evidence")  # type: ignore[arg-type]
    assert simulator.requests() == []
