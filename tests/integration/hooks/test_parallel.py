"""``max_parallel_requests``: several parts of one send at once."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import requests
from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_ninebits.api import transport
from airflow_provider_ninebits.exceptions import InvalidArgument, MessageUncertain, SendFailed, SendStopped
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.ledger import claims, schema
from airflow_provider_ninebits.ledger.sends import AskedBy
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from tests.integration.hooks.playing import Task
from tests.integration.ledger.scenes import row, rows
from tests.unit.api.loopback import Loopback, Visitor, http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.hooks.sending import Sender
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

MEDIA = "https://media.test/a.mp3"
PATIENCE_SECONDS = 30
FIRST = 2348020000000


def numbers(parts: int) -> list[str]:
    return [str(FIRST + place) for place in range(1000 * parts)]


def part_of(request: bytes) -> int:
    to = json.loads(request.partition(b"\r\n\r\n")[2])["to"]
    return (int(to.split(",")[0] if isinstance(to, str) else to[0]) - FIRST) // 1000


def receipt(part: int) -> bytes:
    return http(body=b'{"status_code": 200, "ref_id": "ref%022d"}' % part)


def ref_ids(parts: int) -> list[str]:
    return [f"ref{part:022}" for part in range(parts)]


@contextmanager
def nine_bits(monkeypatch: pytest.MonkeyPatch, answer: Callable[[int], bytes], **extra: Any) -> Iterator[Loopback]:
    """A 9bits that answers each part as a test says, in a thread for each connection."""

    def play(visitor: Visitor) -> None:
        while request := visitor.read_request():
            visitor.send(answer(part_of(request)))

    with Loopback(play) as server:
        fields = {
            "conn_type": "ninebits",
            "password": "an-api-key",
            "host": server.url,
            "extra": {"timeout": 20} | extra,
        }
        monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_DEFAULT", json.dumps(fields))
        yield server


def states(ledger: Database) -> list[str]:
    return [each["state"] for each in sorted(rows(ledger, schema.message), key=lambda each: each["part"])]


def left_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ninebits-lane")]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is: a connection that idled is another test's."""
    monkeypatch.setattr(transport, "IDLE_LIMIT_SECONDS", 3600.0)


class TestFourAtOnce:
    def test_the_ref_ids_come_in_the_order_of_the_parts(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "airflow_provider_ninebits.hooks")
        line, others, sessions = threading.Barrier(4), threading.Event(), []
        made = requests.Session.__init__

        def session(self: requests.Session) -> None:
            sessions.append(self)
            made(self)

        def answer(part: int) -> bytes:
            if part < 4:
                line.wait(PATIENCE_SECONDS)
            if part == 11:
                others.set()
            if part == 0:
                assert others.wait(PATIENCE_SECONDS)
            return receipt(part)

        monkeypatch.setattr(requests.Session, "__init__", session)
        task = Task()
        with nine_bits(monkeypatch, answer) as server:
            operator = SendVoiceOperator(task_id="ring", to=numbers(12), media_url=MEDIA, max_parallel_requests=4)
            assert operator.execute(task.context) == task.pushed["ref_id"] == ref_ids(12)
            assert sorted(part_of(request) for request in server.requests) == list(range(12))
            # One session, with a connection for each request that is under way at once.
            assert (len(sessions), server.visits) == (1, 4)
        assert states(ledger) == ["accepted"] * 12
        line = r"event=send_accepted message=\w+ ref_id=ref\d+ recipients=1000 conn_id=\w+$"
        assert len(re.findall(line, caplog.text, re.MULTILINE)) == 12
        assert "12 of 12 parts are done, 12000 of 12000 recipients" in caplog.text
        assert left_threads() == []

    def test_a_connection_may_say_it_for_all_sends(self, ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        line = threading.Barrier(3)

        def answer(part: int) -> bytes:
            line.wait(PATIENCE_SECONDS)
            return receipt(part)

        with nine_bits(monkeypatch, answer, max_parallel_requests="3"):
            hook = NineBitsHook()
            assert hook.send_voice(numbers(3), MEDIA).ref_ids == ref_ids(3)
            hook.close()

    def test_a_send_may_say_otherwise(self, ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        under_way = threading.Semaphore(1)

        def answer(part: int) -> bytes:
            assert under_way.acquire(blocking=False)
            under_way.release()
            return receipt(part)

        with nine_bits(monkeypatch, answer, max_parallel_requests=64) as server:
            hook = NineBitsHook()
            assert hook.send_voice(numbers(3), MEDIA, max_parallel_requests=1).ref_ids == ref_ids(3)
            hook.close()
            assert server.visits == 1

    @pytest.mark.parametrize("wrong", [0, -1, 65, 1.5, True, "many"])
    def test_what_is_no_such_number_rings_nobody(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch, wrong: Any
    ) -> None:
        with nine_bits(monkeypatch, receipt, max_parallel_requests=wrong) as server:
            with pytest.raises(InvalidArgument, match=r"max_parallel_requests is .* give a whole number from 1 to 64"):
                NineBitsHook().send_voice(numbers(1), MEDIA, max_parallel_requests=wrong)
            with pytest.raises(InvalidArgument, match="'ninebits_default': max_parallel_requests"):
                NineBitsHook().send_voice(numbers(1), MEDIA)
            assert server.requests == []
        assert rows(ledger, schema.send) == []


class TestAnErrorOfOne:
    def test_the_first_parts_is_raised_and_nothing_more_is_claimed(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        line, senders = threading.Barrier(4), []
        made = NineBitsHook.sender

        def sender(*given: Any, **named: Any) -> Sender:
            senders.append(made(*given, **named))
            return senders[-1]

        def answer(part: int) -> bytes:
            line.wait(PATIENCE_SECONDS)
            if part == 3:
                return http("500 Internal Server Error", b"{}")
            # All others are answered when it has failed.
            assert senders[0]._halted.wait(PATIENCE_SECONDS)
            return http("403 Forbidden", b"{}") if part == 1 else receipt(part)

        monkeypatch.setattr(NineBitsHook, "sender", sender)
        task = Task()
        with nine_bits(monkeypatch, answer) as server:
            operator = SendVoiceOperator(task_id="ring", to=numbers(9), media_url=MEDIA, max_parallel_requests=4)
            with pytest.raises(SendFailed, match=r"part 2.*403"):
                operator.execute(task.context)
            assert len(server.requests) == 4
        assert states(ledger) == ["accepted", "refused", "accepted", "uncertain", *["planned"] * 5]
        assert task.pushed["ref_id"] == [ref_ids(3)[0], ref_ids(3)[2]]
        assert left_threads() == []

        # A retry finds the other one's doubt; a part is sent no more because it stands before it.
        with nine_bits(monkeypatch, receipt) as server:
            with pytest.raises(MessageUncertain):
                SendVoiceOperator(task_id="ring", to=numbers(9), media_url=MEDIA).execute(task.retried().context)
            assert [part_of(request) for request in server.requests] == [1]

    def test_a_stop_sends_no_more_and_records_what_is_under_way(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        operator = SendVoiceOperator(task_id="ring", to=numbers(9), media_url=MEDIA, max_parallel_requests=4)
        line = threading.Barrier(4, operator.on_kill)

        def answer(part: int) -> bytes:
            line.wait(PATIENCE_SECONDS)
            return receipt(part)

        task = Task()
        with nine_bits(monkeypatch, answer) as server:
            with pytest.raises(SendStopped, match="part 5"):
                operator.execute(task.context)
            assert len(server.requests) == 4
        assert states(ledger) == [*["accepted"] * 4, *["planned"] * 5]
        assert task.pushed["ref_id"] == ref_ids(4)


class TestXComIsAway:
    def test_what_is_under_way_is_recorded_and_nobody_is_in_doubt(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        line, away, task = threading.Barrier(4), threading.Event(), Task()

        def answer(part: int) -> bytes:
            if part < 4:
                line.wait(PATIENCE_SECONDS)
            if part:
                # They are answered when the push of the first has failed.
                assert away.wait(PATIENCE_SECONDS)
            return receipt(part)

        def push(*_: object, **__: object) -> None:
            threading.Timer(0.1, away.set).start()
            raise RuntimeError("XCom is away")

        monkeypatch.setattr(task.context["ti"], "xcom_push", push)
        with nine_bits(monkeypatch, answer):
            operator = SendVoiceOperator(task_id="ring", to=numbers(9), media_url=MEDIA, max_parallel_requests=4)
            with pytest.raises(RuntimeError, match="XCom is away"):
                operator.execute(task.context)
        assert left_threads() == []
        assert states(ledger)[:4] == ["accepted"] * 4
        assert set(states(ledger)) == {"accepted", "planned"}

    def test_the_error_of_the_send_is_told(self, ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        task = Task()

        def answer(part: int) -> bytes:
            return http("403 Forbidden", b"{}") if part == 1 else receipt(part)

        def push(*_: object, **__: object) -> None:
            if states(ledger)[1] == "refused":
                raise RuntimeError("XCom is away")

        monkeypatch.setattr(task.context["ti"], "xcom_push", push)
        with nine_bits(monkeypatch, answer), pytest.raises(SendFailed, match=r"part 2.*403"):
            SendVoiceOperator(task_id="ring", to=numbers(2), media_url=MEDIA).execute(task.context)


class TestA429:
    def test_where_one_at_a_time_is_let_through_all_of_them_are_in_the_end(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        let_through_at, counting = [0.0], threading.Lock()

        def answer(part: int) -> bytes:
            with counting:
                if time.monotonic() - let_through_at[0] < 0.05:
                    return http("429 Too Many Requests", b"{}")
                let_through_at[0] = time.monotonic()
            return receipt(part)

        def sleep(seconds: float) -> None:
            # The first wait after a 429 is as long as 9bits wants it, at least.
            time.sleep(seconds * 0.1)

        with nine_bits(monkeypatch, answer):
            hook = NineBitsHook()
            sender = hook.sender(max_parallel_requests=16)
            sender.sleep = sleep
            assert sent(hook, sender, 24).ref_ids == ref_ids(24)
            hook.close()

    def test_it_holds_back_all_of_them(self, ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        limited, others_wait, seen = threading.Event(), threading.Event(), []

        def answer(part: int) -> bytes:
            if part == 0 and not limited.is_set():
                limited.set()
                return http("429 Too Many Requests", b"{}", "Retry-After: 2")
            assert limited.wait(PATIENCE_SECONDS)
            return receipt(part)

        with nine_bits(monkeypatch, answer) as server:
            hook = NineBitsHook()
            sender = hook.sender(max_parallel_requests=3)

            def sleep(seconds: float) -> None:
                if seconds == 1.0:
                    # The one that waits for 9bits: both others come to wait for it, and make no request meanwhile.
                    assert others_wait.wait(PATIENCE_SECONDS)
                    seen.append(len(server.requests))
                else:
                    waiting.add(threading.current_thread())
                    if len(waiting) == 2:
                        others_wait.set()
                    threading.Event().wait(0.001)

            waiting: set[threading.Thread] = set()
            sender.sleep = sleep
            assert sent(hook, sender, 9).ref_ids == ref_ids(9)
            hook.close()
            assert len(seen) == 2
            assert seen[0] == seen[1] < 10 == len(server.requests)


def sent(hook: NineBitsHook, sender: Sender, parts: int) -> Any:
    plan = hook.plan(numbers(parts), MEDIA, None, key=None, asked_by=AskedBy("default"))
    return sender.send(plan, media_url=MEDIA, resend=False, replan=False)


class TestATimeOut:
    """Airflow's comes as a signal, whose handler raises in the main thread."""

    @pytest.fixture(autouse=True)
    def alarm(self) -> Iterator[None]:
        def up(*_: object) -> None:
            raise AirflowException("the time is up")

        before = signal.signal(signal.SIGALRM, up)
        yield
        signal.signal(signal.SIGALRM, before)

    def test_what_had_left_is_in_doubt_and_nothing_more_leaves(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task, gone = Task(), threading.Event()
        line = threading.Barrier(4, lambda: os.kill(os.getpid(), signal.SIGALRM))

        def answer(part: int) -> bytes:
            line.wait(PATIENCE_SECONDS)
            assert gone.wait(PATIENCE_SECONDS)
            return receipt(part)

        with nine_bits(monkeypatch, answer) as server:
            operator = SendVoiceOperator(task_id="ring", to=numbers(9), media_url=MEDIA, max_parallel_requests=4)
            with pytest.raises(AirflowException, match="the time is up"):
                operator.execute(task.context)
            assert left_threads() == []
            gone.set()
            assert sorted(part_of(request) for request in server.requests) == [0, 1, 2, 3]
        assert states(ledger) == [*["uncertain"] * 4, *["planned"] * 5]
        # They were ended, and did not sit out the connection's timeout.
        assert not [each for each in rows(ledger, schema.request) if "no answer came in time" in each["detail"]]

        with nine_bits(monkeypatch, receipt) as server, pytest.raises(MessageUncertain):
            SendVoiceOperator(task_id="ring", to=numbers(9), media_url=MEDIA).execute(task.retried().context)
        assert server.requests == []

    def test_what_had_not_left_never_does(self, ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        with nine_bits(monkeypatch, receipt) as server:
            hook = NineBitsHook()
            sender = hook.sender(max_parallel_requests=3)
            line = threading.Barrier(3, lambda: os.kill(os.getpid(), signal.SIGALRM))
            post = sender.client.send_voice

            def late(*given: Any, **named: Any) -> Any:
                line.wait(PATIENCE_SECONDS)
                assert sender._interrupted.wait(PATIENCE_SECONDS)
                return post(*given, **named)

            monkeypatch.setattr(sender.client, "send_voice", late)
            with pytest.raises(AirflowException, match="the time is up"):
                sent(hook, sender, 9)
            hook.close()
            assert server.requests == []
        assert left_threads() == []
        assert states(ledger) == [*["refused"] * 3, *["planned"] * 6]
        assert "interrupted before it was written" in row(ledger, schema.request, id=1)["detail"]

    def test_what_is_claimed_meanwhile_is_not_even_connected_for(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with nine_bits(monkeypatch, receipt) as server:
            hook = NineBitsHook()
            sender = hook.sender(max_parallel_requests=3)
            line = threading.Barrier(3, lambda: os.kill(os.getpid(), signal.SIGALRM))

            def late(*given: Any, **named: Any) -> Any:
                line.wait(PATIENCE_SECONDS)
                assert sender._interrupted.wait(PATIENCE_SECONDS)
                return claim(*given, **named)

            claim = claims.claim
            monkeypatch.setattr(claims, "claim", late)
            with pytest.raises(AirflowException, match="the time is up"):
                sent(hook, sender, 9)
            hook.close()
            assert server.visits == 0
        assert left_threads() == []
        assert states(ledger) == [*["refused"] * 3, *["planned"] * 6]


class TestARate:
    def test_it_is_one_of_all_of_them(self, ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        clock, began, counting = [100.0], [], threading.Lock()

        def sleep(seconds: float) -> None:
            with counting:
                clock[0] += seconds

        with nine_bits(monkeypatch, receipt):
            hook = NineBitsHook()
            sender = hook.sender(max_parallel_requests=4, max_requests_per_second=0.25)
            sender.sleep, sender.clock = sleep, lambda: clock[0]
            begin_write = sender._begin_write

            def begins(*given: Any) -> bool:
                began.append(clock[0])
                return begin_write(*given)

            monkeypatch.setattr(sender, "_begin_write", begins)
            assert sent(hook, sender, 6).ref_ids == ref_ids(6)
            hook.close()
        assert len(began) == 6
        assert all(after - before >= 4.0 for before, after in pairwise(began))


def test_a_part_is_sent_once_however_many_processes_send_it(
    hook: NineBitsHook, simulator: RunningSimulator, ledger: Database
) -> None:
    everybody = numbers(6)
    ended: list[Any] = []

    def send() -> None:
        other = NineBitsHook()
        ended.append(other.send_voice(everybody, MEDIA, idempotency_key="k", max_parallel_requests=3).ref_ids)
        other.close()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 3
    assert ended[0] == ended[1] == ended[2]
    assert simulator.rung() == dict.fromkeys(everybody, 1)
