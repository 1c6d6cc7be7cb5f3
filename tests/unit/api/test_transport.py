"""The gate before the first byte: once it is closed, nothing is written any more."""

from __future__ import annotations

import socket
import threading

import pytest

from airflow_provider_ninebits.api.defaults import MAX_PARALLEL_REQUESTS
from airflow_provider_ninebits.api.transport import GateClosed, GatedAdapter, WriteGate


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
