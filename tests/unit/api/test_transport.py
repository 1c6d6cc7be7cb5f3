"""The gate before the first byte: once it is closed, nothing is written any more."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
import requests

from airflow_provider_ninebits.api.defaults import MAX_PARALLEL_REQUESTS
from airflow_provider_ninebits.api.transport import GateClosed, GatedAdapter, WriteGate
from tests.unit.api.loopback import Loopback, answers, http


def test_a_gate_lets_through_and_remembers_it() -> None:
    gate = WriteGate()
    assert not gate.written
    gate.begin_write()
    assert gate.written


def test_the_lease_is_asked_before_the_first_byte_only() -> None:
    answers = [True]
    gate = WriteGate(answers.pop)
    gate.begin_write()
    gate.begin_write()
    assert answers == []


def test_without_a_lease_nothing_is_written_ever() -> None:
    answers = [True, False]
    gate = WriteGate(answers.pop)
    for _ in range(2):
        with pytest.raises(GateClosed, match="lease"):
            gate.begin_write()
    assert not gate.written
    assert answers == [True]


def test_an_expired_gate_stays_closed() -> None:
    gate = WriteGate()
    assert gate.expire("the time was up") is False
    with pytest.raises(GateClosed, match="the time was up"):
        gate.begin_write()
    assert not gate.written


def test_expiry_knows_that_something_was_written_and_lets_nothing_follow() -> None:
    gate = WriteGate()
    gate.begin_write()
    assert gate.expire() is True
    with pytest.raises(GateClosed):
        gate.begin_write()


def test_expiry_ends_what_waits_on_the_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        gate = WriteGate()
        gate.watch(ours)
        gate.expire()
        assert ours.recv(1) == b""
        assert theirs.recv(1) == b""
        gate.release()


def test_a_socket_that_comes_too_late_is_not_used() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        gate = WriteGate()
        gate.expire()
        with pytest.raises(GateClosed):
            gate.watch(ours)


def test_a_released_gate_leaves_the_socket_alone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        gate = WriteGate()
        gate.watch(ours)
        gate.release()
        gate.expire()
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"


def test_writer_and_clock_always_agree_on_who_was_first() -> None:
    for _ in range(300):
        gate, line, wrote = WriteGate(), threading.Barrier(2), []

        def write(gate: WriteGate = gate, line: threading.Barrier = line, wrote: list[bool] = wrote) -> None:
            line.wait()
            try:
                gate.begin_write()
            except GateClosed:
                return
            wrote.append(True)

        thread = threading.Thread(target=write)
        thread.start()
        line.wait()
        written = gate.expire()
        thread.join()
        assert bool(wrote) is written


def test_as_many_connections_are_kept_as_there_may_be_requests_at_once() -> None:
    adapter = GatedAdapter()
    assert adapter.poolmanager.connection_from_url("http://127.0.0.1:9").pool.maxsize == MAX_PARALLEL_REQUESTS
    adapter.close()


class TestBehindAProxy:
    def test_the_first_requests_of_several_threads_all_ask_their_gates(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gated, line = GatedAdapter._gate_connections_of, threading.Barrier(2)

        def slowly(adapter: GatedAdapter, manager: Any) -> None:
            # The other thread comes while requests has the pools already, and we have not put the gates before them.
            line.wait(10)
            threading.Event().wait(0.2)
            gated(adapter, manager)

        def send(adapter: GatedAdapter) -> None:
            gate = WriteGate(lambda: False)
            prepared = requests.Request("POST", "http://9bits.invalid/v1/sendvoice", data=b"{}").prepare()
            with pytest.raises(GateClosed):
                adapter.send_through(gate, prepared, timeout=10, proxies={"http": proxy.url})
            gate.release()
            refused.append(gate)

        refused: list[WriteGate] = []
        with Loopback(answers(http())) as proxy:
            adapter = GatedAdapter()
            monkeypatch.setattr(GatedAdapter, "_gate_connections_of", slowly)
            first = threading.Thread(target=send, args=(adapter,))
            first.start()
            line.wait(10)
            send(adapter)
            first.join()
            adapter.close()
        assert len(refused) == 2
        assert proxy.requests == []

    def test_nothing_is_sent_where_no_gate_stands(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gate = WriteGate()
        prepared = requests.Request("POST", "http://9bits.invalid/v1/sendvoice", data=b"{}").prepare()
        with Loopback(answers(http())) as proxy:
            monkeypatch.setattr(GatedAdapter, "_gate_connections_of", lambda *_: None)
            adapter = GatedAdapter()
            with pytest.raises(GateClosed, match="could not be watched"):
                adapter.send_through(gate, prepared, timeout=10, proxies={"http": proxy.url})
            adapter.close()
        assert proxy.requests == []
        assert not gate.written


def test_an_answer_is_proof_that_something_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GatedAdapter, "send", lambda *_, **__: requests.Response())
    gate, adapter = WriteGate(), GatedAdapter()
    adapter.send_through(gate, requests.Request("GET", "http://9bits.invalid").prepare())
    assert gate.written
    adapter.close()
