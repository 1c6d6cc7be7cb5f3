from __future__ import annotations

import errno
import pickle
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.webhook.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 30.0
SHORT_SECONDS = 0.05


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


@pytest.fixture
def wire(ends: tuple[socket.socket, socket.socket]) -> Wire:
    return Wire(ends[0])


@pytest.fixture
def other(ends: tuple[socket.socket, socket.socket]) -> Wire:
    return Wire(ends[1])


def sent(what: object) -> bytes:
    """Return what passes for an object."""
    left, right = socket.socketpair()
    with left, right:
        Wire(left).send(what)
        return right.recv(1 << 20)


def test_what_is_sent_comes_in_its_order(wire: Wire, other: Wire) -> None:
    for what in ("one", ("two", 2), None):
        wire.send(what)
    assert [other.receive(PATIENCE_SECONDS) for _ in range(3)] == ["one", ("two", 2), None]


def test_what_is_larger_than_what_fits_between_comes_whole_and_what_is_after_it_too(wire: Wire, other: Wire) -> None:
    large = bytes(range(256)) * 20_000

    def send() -> None:
        wire.send(large, PATIENCE_SECONDS)
        wire.send("small", PATIENCE_SECONDS)

    sending = threading.Thread(target=send)
    sending.start()
    assert other.receive(PATIENCE_SECONDS) == large
    assert other.receive(PATIENCE_SECONDS) == "small"
    sending.join()


def test_what_has_come_in_part_is_not_lost_when_its_time_is_over(
    ends: tuple[socket.socket, socket.socket], wire: Wire
) -> None:
    whole = sent("in pieces")
    for start, end in ((0, 0), (0, 3), (3, 12), (12, len(whole) - 1)):
        ends[1].sendall(whole[start:end])
        with pytest.raises(TimeoutError):
            wire.receive(SHORT_SECONDS)
    ends[1].sendall(whole[-1:])
    assert wire.receive(PATIENCE_SECONDS) == "in pieces"


def test_after_a_short_time_it_waits_for_as_long_as_it_is_told(wire: Wire, other: Wire) -> None:
    with pytest.raises(TimeoutError):
        wire.receive(SHORT_SECONDS)
    later = threading.Timer(4 * SHORT_SECONDS, other.send, ["late"])
    later.start()
    assert wire.receive() == "late"
    later.join()


def test_what_nobody_reads_is_not_sent_for_ever(wire: Wire) -> None:
    with pytest.raises(TimeoutError):
        wire.send(b"x" * 10_000_000, SHORT_SECONDS)


def test_where_nobody_is_there_any_more_nothing_comes(ends: tuple[socket.socket, socket.socket], wire: Wire) -> None:
    ends[1].sendall(sent("half")[:-1])
    ends[1].close()
    with pytest.raises(EOFError):
        wire.receive(PATIENCE_SECONDS)
    with pytest.raises(BrokenPipeError):
        wire.send("anything", PATIENCE_SECONDS)


def test_what_cannot_be_pickled_leaves_nothing_half_sent(wire: Wire, other: Wire) -> None:
    with pytest.raises((pickle.PicklingError, AttributeError)):
        wire.send(["some", lambda: None])
    wire.send("more")
    assert other.receive(PATIENCE_SECONDS) == "more"


def test_what_is_posted_comes_without_a_wait_for_who_reads(wire: Wire, other: Wire) -> None:
    for what in ("one", ("two", 2)):
        assert wire.post(what)
    assert [*other.more()] == ["one", ("two", 2)]
    assert [*other.more()] == []


def test_what_does_not_fit_is_pushed_after_it(wire: Wire, other: Wire) -> None:
    large = bytes(range(256)) * 20_000
    assert not wire.post(large)
    assert not wire.post("small")
    came: list[object] = []
    while not wire.push():
        came += other.more()
    came += other.more()
    assert came == [large, "small"]


def test_it_is_waited_for_until_there_is_room(wire: Wire, other: Wire) -> None:
    large = b"x" * 1_000_000
    assert not wire.post(large)
    assert not wire.wait(SHORT_SECONDS)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(other.receive, PATIENCE_SECONDS)
        while not wire.push():
            assert not wire.wait(SHORT_SECONDS)
        assert reading.result() == large


def test_where_the_system_has_no_memory_to_send_with_it_is_asked_now_and_then_alone(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    class NoMemory(socket.socket):
        asked = 0

        def send(self, *_: object) -> int:
            self.asked += 1
            raise OSError(errno.ENOBUFS, "No buffer space available")

    with NoMemory(fileno=ends[0].detach()) as end:
        wire = Wire(end)
        assert not wire.post("one")
        begun_at = time.monotonic()
        while time.monotonic() < begun_at + 4 * SHORT_SECONDS:
            assert not wire.wait(SHORT_SECONDS)
            assert not wire.push()
        # One more or less by how the system rounds; it was hundreds of thousands.
        assert end.asked <= 20


def test_what_comes_meanwhile_ends_the_wait_for_room(wire: Wire, other: Wire) -> None:
    wire.post(b"x" * 1_000_000)
    other.send("an answer")
    assert wire.wait(PATIENCE_SECONDS)
    assert wire.receive(PATIENCE_SECONDS) == "an answer"
    other.close()
    assert wire.wait(PATIENCE_SECONDS)


def test_of_what_has_come_by_now_the_end_of_who_sent_it_is_no_part(
    ends: tuple[socket.socket, socket.socket], wire: Wire
) -> None:
    ends[1].sendall(sent("whole") + sent("half")[:-1])
    ends[1].close()
    assert [*wire.more()] == ["whole"]
    with pytest.raises(EOFError):
        wire.receive(PATIENCE_SECONDS)
    with pytest.raises(BrokenPipeError):
        wire.post("anything")
