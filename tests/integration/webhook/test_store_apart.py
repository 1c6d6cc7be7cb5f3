"""The process that stores what the stand-alone receiver takes: killed, told to end, left alone."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable
from airflow_provider_ninebits.ledger.states import CallbackKind
from airflow_provider_ninebits.webhook.counts import Counts
from airflow_provider_ninebits.webhook.relay import RelayWriter
from airflow_provider_ninebits.webhook.storing import StoringFailed
from airflow_provider_ninebits.webhook.wire import Wire
from tests.integration.ledger.scenes import WINDOW, rows
from tests.integration.webhook.serving import receiver_process
from tests.integration.webhook.test_storage_faults import Sender, assert_all_are_stored_once, callback, health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_SECONDS = 30


def storing(pid: int) -> psutil.Process:
    """Return the process that stores for a receiver."""
    (child,) = psutil.Process(pid).children()
    return child


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < until, "it does not come"
        time.sleep(0.02)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def counts() -> Noted:
    return Noted()


@pytest.fixture
def apart(ledger_url: str, counts: Noted) -> Iterator[RelayWriter]:
    writer = RelayWriter(ledger_url, window=WINDOW, counts=counts)
    yield writer
    writer.stop()


class TestWithAReceiver:
    def test_killed_in_the_middle_it_is_started_again_and_nothing_taken_is_lost(
        self, home: Path, ledger_url: str, ledger: Database
    ) -> None:
        with receiver_process(home, ledger_url) as receiver:
            sender = Sender(receiver.url)
            bodies = [callback(place) for place in range(400)]
            killed: set[int] = set()
            with ThreadPoolExecutor(8) as pool:
                waiting = [pool.submit(sender.redeliver, body) for body in bodies]
                while not all(each.done() for each in waiting[-8:]):
                    for child in psutil.Process(receiver.pid).children():
                        # One that has stored something, so that it is at work.
                        if child.pid not in killed and len(killed) < 3 and len(sender.taken) > 80 * len(killed) + 20:
                            child.kill()
                            killed.add(child.pid)
                    time.sleep(0.01)
                for each in waiting:
                    each.result()
            assert len(killed) == 3
            assert storing(receiver.pid).pid not in killed
        assert len(sender.taken) == 400
        assert_all_are_stored_once(ledger, sender)

    def test_it_ends_with_its_receiver_however_that_ends(self, home: Path, ledger_url: str) -> None:
        with receiver_process(home, ledger_url) as receiver:
            child = storing(receiver.pid)
            Sender(receiver.url).deliver_some()
            os.kill(receiver.pid, signal.SIGKILL)
            # An error where it lives on.
            child.wait(PATIENCE_SECONDS)

    def test_told_to_end_by_itself_it_goes_on_until_its_receiver_ends(
        self, home: Path, ledger_url: str, ledger: Database
    ) -> None:
        """A supervisor tells all processes of a service at once."""
        with receiver_process(home, ledger_url) as receiver:
            sender = Sender(receiver.url)
            # It has set up what it does about signals by then.
            sender.deliver_some()
            child = storing(receiver.pid)
            for sent in (signal.SIGTERM, signal.SIGINT):
                child.send_signal(sent)
            sender.deliver_some()
            assert storing(receiver.pid).pid == child.pid
        wait_until(lambda: not child.is_running())
        assert_all_are_stored_once(ledger, sender)

    def test_what_it_cannot_store_is_in_the_receivers_log_without_its_number(
        self, home: Path, ledger_url: str, ledger_folder: Path
    ) -> None:
        with receiver_process(home, ledger_url) as receiver:
            sender = Sender(receiver.url)
            sender.deliver_some()
            (ledger_folder / "ninebits.db").rename(ledger_folder / "elsewhere.db")
            ledger_folder.rename(ledger_folder.parent / "moved")
            body = callback(7)
            assert sender.deliver(body) == 503
            wait_until(lambda: "A callback could not be stored" in receiver.log)
            assert body["to_number"] not in receiver.log

    def test_killed_while_nothing_is_to_do_nobody_notices(self, home: Path, ledger_url: str, ledger: Database) -> None:
        with receiver_process(home, ledger_url) as receiver:
            sender = Sender(receiver.url)
            sender.deliver_some()
            storing(receiver.pid).kill()
            sender.deliver_some()
            assert health(receiver.url) == 200
        assert_all_are_stored_once(ledger, sender)

    @pytest.mark.slow
    def test_hanging_it_is_answered_for_and_ended(self, home: Path, ledger_url: str) -> None:
        with receiver_process(home, ledger_url) as receiver:
            sender = Sender(receiver.url)
            sender.deliver_some()
            child = storing(receiver.pid)
            child.suspend()
            assert sender.deliver(callback(7), patience_seconds=10) == 503
            assert health(receiver.url) == 503
            os.kill(receiver.pid, signal.SIGTERM)
            # It would be resumed by nobody, and the receiver has to end.
            wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


class Noted(Counts):
    """Knows what became of each group."""

    def __init__(self) -> None:
        super().__init__(None)
        self.told: list[Stored] = []

    def stored(self, stored: Stored) -> None:
        self.told.append(stored)


def commit(writer: RelayWriter, *arrivals: Arrival) -> None:
    asyncio.run(writer.commit(arrivals, PATIENCE_SECONDS))


def unreadable(raw: bytes) -> Arrival:
    return Arrival(CallbackKind.UNREADABLE, raw)


def children_that_store() -> list[psutil.Process]:
    """Return those of this process; other tests of it may have others."""
    return [each for each in psutil.Process().children() if "store_process" in " ".join(each.cmdline())]


def child_of_this() -> psutil.Process:
    (child,) = children_that_store()
    return child


def _never_ends(_: object, seconds: float) -> int:
    raise subprocess.TimeoutExpired("store_process", seconds)


def _python_that_dies_of(body: bytes, folder: Path) -> Path:
    """Return what is started as Python is, and kills itself when it is to store a body, as for want of memory."""
    python = folder / "python"
    python.write_text(
        f"#!{sys.executable}\n"
        "import os, signal, sys\n"
        "from airflow_provider_ninebits.webhook import store_process\n"
        "store = store_process.StoreHere.store\n"
        "def deadly(self, arrivals, receiver_id):\n"
        f"    if any(each.raw == {body!r} for each in arrivals):\n"
        f"        with open({str(folder / 'deaths')!r}, 'a') as deaths:\n"
        "            deaths.write('died')\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return store(self, arrivals, receiver_id)\n"
        "store_process.StoreHere.store = deadly\n"
        # Without what makes Python take a module, and not a file.
        "del sys.argv[1:-1]\n"
        "store_process.main()\n"
    )
    python.chmod(0o755)
    return python


@contextmanager
def busy(ledger: Database) -> Iterator[None]:
    """Have somebody else write, while the block lasts."""
    with closing(sqlite3.connect(str(ledger.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


class TestAlone:
    def test_it_tells_what_it_stored(self, apart: RelayWriter, counts: Noted, ledger: Database) -> None:
        some = [unreadable(b"one"), Arrival(CallbackKind.CALL, b"two", identity="a")]
        apart.receiver_id = "r"
        commit(apart, *some)
        apart.receiver_id = None
        commit(apart, *some[1:])
        wait_until(lambda: counts.told == [Stored(new=2), Stored(repeats=1)])
        stored = rows(ledger, schema.callback)
        assert [(each["raw"], each["receiver_id"], each["repeats"]) for each in stored] == [
            (b"one", "r", 0),
            (b"two", "r", 1),
        ]

    async def test_all_that_comes_while_a_group_is_stored_is_the_next_one(
        self, apart: RelayWriter, counts: Noted, ledger: Database
    ) -> None:
        await apart.commit([unreadable(b"first")], PATIENCE_SECONDS)
        with busy(ledger):
            waiting = []
            for place in range(20):
                waiting.append(asyncio.create_task(apart.commit([unreadable(b"%d" % place)], PATIENCE_SECONDS)))
                # Each of them is handed over by itself.
                await asyncio.sleep(0.01)
        await asyncio.gather(*waiting)
        await asyncio.to_thread(wait_until, lambda: sum(each.new for each in counts.told) == 21)
        # The first one, what was there when the ledger was asked for it in vain, and all others.
        assert len(counts.told) <= 3

    async def test_more_than_there_is_room_for_on_the_way_waits_its_turn(
        self, apart: RelayWriter, ledger: Database
    ) -> None:
        bodies = [bytes([place]) * 900_000 for place in range(12)]
        with busy(ledger):
            waiting = [asyncio.create_task(apart.commit([unreadable(body)], PATIENCE_SECONDS)) for body in bodies]
            await asyncio.sleep(0.1)
            # The loop is free meanwhile.
            assert not any(each.done() for each in waiting)
        await asyncio.gather(*waiting)
        assert [each["raw"] for each in rows(ledger, schema.callback)] == bodies

    async def test_what_it_was_given_is_given_to_another_one(self, apart: RelayWriter, ledger: Database) -> None:
        await apart.commit([unreadable(b"first")], PATIENCE_SECONDS)
        with busy(ledger):
            waiting = [asyncio.create_task(apart.commit([unreadable(raw)], PATIENCE_SECONDS)) for raw in (b"a", b"b")]
            await asyncio.sleep(0.1)
            child = child_of_this()
            child.kill()
            late = asyncio.create_task(apart.commit([unreadable(b"c")], PATIENCE_SECONDS))
            await asyncio.to_thread(wait_until, lambda: not child.is_running())
        await asyncio.gather(*waiting, late)
        assert [each["raw"] for each in rows(ledger, schema.callback)] == [b"first", b"a", b"b", b"c"]

    async def test_each_is_told_what_became_of_it_and_not_of_another_one(
        self, apart: RelayWriter, ledger: Database
    ) -> None:
        await apart.commit([unreadable(b"first")], PATIENCE_SECONDS)
        bodies = [b"%d" % place + b"x" * 50_000 for place in range(30)]
        poisonous = {3, 17, 29}
        with busy(ledger):
            waiting = [
                asyncio.create_task(
                    apart.commit(
                        [Arrival(CallbackKind.UNREADABLE, body, status=2**80 if place in poisonous else None)],
                        PATIENCE_SECONDS,
                    )
                )
                for place, body in enumerate(bodies)
            ]
            await asyncio.sleep(0.05)
            # With some of them half on their way.
            child_of_this().kill()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert {place for place, end in enumerate(ends) if end is not None} == poisonous
        stored = {each["raw"] for each in rows(ledger, schema.callback)}
        assert stored == {b"first", *(body for place, body in enumerate(bodies) if place not in poisonous)}

    async def test_one_that_costs_its_process_each_time_does_not_keep_its_neighbours_out(
        self, apart: RelayWriter, ledger: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", str(_python_that_dies_of(b"deadly", tmp_path)))
        bodies = [b"%d" % place for place in range(12)]
        bodies[4] = bodies[9] = b"deadly"
        waiting = [apart.commit([unreadable(body)], PATIENCE_SECONDS) for body in bodies]
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert [place for place, end in enumerate(ends) if end is not None] == [4, 9]
        assert all(isinstance(ends[place], StoringFailed) and "is lost" in str(ends[place]) for place in (4, 9))
        await apart.commit([unreadable(b"after")], PATIENCE_SECONDS)
        stored = [each["raw"] for each in rows(ledger, schema.callback)]
        assert sorted(stored) == sorted([*(body for body in bodies if body != b"deadly"), b"after"])

    async def test_given_by_itself_it_is_left_out_once_nobody_waits_for_it(
        self, apart: RelayWriter, ledger: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", str(_python_that_dies_of(b"deadly", tmp_path)))
        # Two processes have to start and die before it is given by itself, which takes longer than this.
        waiting = [apart.commit([unreadable(b"deadly")], 0.05), apart.commit([unreadable(b"one")], PATIENCE_SECONDS)]
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(ends[0], TimeoutError)
        assert ends[1] is None
        assert (tmp_path / "deaths").read_text().count("died") == 2

    async def test_hanging_with_more_than_there_is_room_for_it_is_given_up_and_another_one_stores(
        self, apart: RelayWriter, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await apart.commit([unreadable(b"first")], PATIENCE_SECONDS)
        child = child_of_this()
        child.suspend()
        monkeypatch.setattr("airflow_provider_ninebits.webhook.relay.HANG_SECONDS", 3.0)
        bodies = [bytes([place]) * 900_000 for place in range(8)]
        await asyncio.gather(*[apart.commit([unreadable(body)], PATIENCE_SECONDS) for body in bodies])
        assert not child.is_running()
        assert [each["raw"] for each in rows(ledger, schema.callback)] == [b"first", *bodies]

    async def test_one_that_was_lost_on_the_way_is_not_told_of_another(
        self, apart: RelayWriter, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await apart.commit([unreadable(b"first")], PATIENCE_SECONDS)
        post, lost = Wire.post, list[object]()

        def loses_one(wire: Wire, what: object) -> bool:
            if not lost:
                lost.append(what)
                return True
            return post(wire, what)

        monkeypatch.setattr(Wire, "post", loses_one)
        waiting = []
        for raw in (b"a", b"b"):
            waiting.append(asyncio.create_task(apart.commit([unreadable(raw)], PATIENCE_SECONDS)))
            await asyncio.sleep(0.05)
        await asyncio.gather(*waiting)
        assert lost
        # The second may have been stored before it was noticed.
        assert {each["raw"] for each in rows(ledger, schema.callback)} == {b"first", b"a", b"b"}

    async def test_told_to_end_while_it_starts_it_ends(
        self, apart: RelayWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sleeper = tmp_path / "sleeper"
        sleeper.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
        sleeper.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(sleeper))
        monkeypatch.setattr("airflow_provider_ninebits.webhook.apart.START_SECONDS", 600.0)
        monkeypatch.setattr("airflow_provider_ninebits.webhook.writer.STOP_SECONDS", 0.1)
        waiting = asyncio.create_task(apart.commit([unreadable(b"one")], PATIENCE_SECONDS))
        await asyncio.to_thread(wait_until, lambda: bool(children_that_store()))
        await asyncio.to_thread(apart.stop)
        with pytest.raises(StoringFailed, match="is lost"):
            await waiting
        assert not children_that_store()

    def test_left_alone_it_has_sqlite_write_its_log_into_the_file(
        self, apart: RelayWriter, ledger: Database, tmp_path: Path
    ) -> None:
        """What a burst has left in the log is written in a pause, not when the next burst commits."""
        commit(apart, unreadable(b"one"))
        alone = tmp_path / "alone.db"

        def is_in_the_file() -> bool:
            # Without the log beside it.
            shutil.copy(str(ledger.url.database), alone)
            with closing(sqlite3.connect(alone)) as copy:
                try:
                    return copy.execute("SELECT count(*) FROM ninebits_callback").fetchone() == (1,)
                except sqlite3.DatabaseError:
                    # Copied in the middle of it.
                    return False

        wait_until(is_in_the_file)

    def test_an_error_of_the_ledger_comes_back_as_it_is(self) -> None:
        writer = RelayWriter("postgresql://nobody@127.0.0.1:1/nothing", window=WINDOW)
        with pytest.raises(LedgerUnreachable, match="nothing"):
            commit(writer, unreadable(b"one"))
        writer.stop()

    def test_any_other_error_comes_back_in_words(self, apart: RelayWriter, ledger: Database) -> None:
        broken = Arrival(CallbackKind.CALL, b"{}", number="2348020000000", started_at="yesterday")  # type: ignore[arg-type]
        with pytest.raises(StoringFailed, match=r"^TypeError: '<' not supported between"):
            commit(apart, broken)
        commit(apart, unreadable(b"one"))
        assert len(rows(ledger, schema.callback)) == 1

    def test_what_cannot_be_handed_over_is_an_error_and_the_next_is_stored(
        self, apart: RelayWriter, ledger: Database
    ) -> None:
        with pytest.raises(StoringFailed, match="is lost"):
            commit(apart, Arrival(CallbackKind.CALL, b"{}", detail=lambda: None))  # type: ignore[arg-type]
        commit(apart, unreadable(b"one"))
        assert len(rows(ledger, schema.callback)) == 1

    def test_the_password_of_the_ledger_is_in_no_list_of_processes(self) -> None:
        writer = RelayWriter("postgresql://somebody:hidden@127.0.0.1:1/nothing", window=WINDOW)
        writer.start()
        child = child_of_this()
        assert "hidden" not in " ".join(child.cmdline())
        writer.stop()
        assert not child.is_running()

    def test_hanging_it_is_given_up_and_another_one_stores(
        self, apart: RelayWriter, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit(apart, Arrival(CallbackKind.CALL, b"one", identity="a"))
        child = child_of_this()
        child.suspend()
        # The other one has to store within it, too.
        monkeypatch.setattr("airflow_provider_ninebits.webhook.relay.HANG_SECONDS", 3.0)
        commit(apart, Arrival(CallbackKind.CALL, b"two", identity="b"))
        assert not child.is_running()
        assert [each["raw"] for each in rows(ledger, schema.callback)] == [b"one", b"two"]

    async def test_hanging_at_the_end_it_is_aborted_and_no_other_one_is_started(
        self, apart: RelayWriter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_ninebits.webhook.writer.STOP_SECONDS", 0.1)
        await asyncio.to_thread(apart.start)
        child = child_of_this()
        child.suspend()
        waiting = asyncio.create_task(apart.commit([unreadable(b"one")], PATIENCE_SECONDS))
        await asyncio.sleep(0)
        await asyncio.to_thread(apart.stop)
        with pytest.raises(StoringFailed, match="is lost"):
            await waiting
        assert not child.is_running()
        assert not children_that_store()

    @pytest.mark.parametrize(("python", "said"), [("/bin/false", "is lost"), ("/nowhere/python", "cannot be started")])
    def test_one_that_cannot_start_is_an_error_each_time(
        self, apart: RelayWriter, ledger: Database, monkeypatch: pytest.MonkeyPatch, python: str, said: str
    ) -> None:
        monkeypatch.setattr(sys, "executable", python)
        for _ in range(2):
            with pytest.raises(StoringFailed, match=said):
                commit(apart, unreadable(b"one"))
        monkeypatch.undo()
        commit(apart, unreadable(b"two"))
        assert [each["raw"] for each in rows(ledger, schema.callback)] == [b"two"]

    @pytest.mark.parametrize(
        ("name", "now"), [("Arrival", NamedTuple("Arrival", [("raw", bytes)])), ("__version__", "0.0.1")]
    )
    def test_one_of_another_version_is_not_used(
        self, apart: RelayWriter, monkeypatch: pytest.MonkeyPatch, name: str, now: object
    ) -> None:
        """The package was upgraded on disk, under a receiver that runs."""
        monkeypatch.setattr(f"airflow_provider_ninebits.webhook.apart.{name}", now)
        with pytest.raises(StoringFailed, match="restart it"):
            commit(apart, unreadable(b"one"))

    def test_without_a_file_descriptor_left_it_cannot_be_started_and_says_so(
        self, apart: RelayWriter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def none_left() -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(socket, "socketpair", none_left)
        with pytest.raises(StoringFailed, match=r"cannot be started .*Too many open files"):
            apart.start()

    def test_one_that_does_not_end_though_it_was_killed_is_not_waited_for(
        self, apart: RelayWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        apart.start()
        assert apart._process is not None
        process = apart._process._process
        with monkeypatch.context() as in_the_kernel:
            # As in an uninterruptible sleep, which no test can put it into.
            in_the_kernel.setattr(subprocess.Popen, "wait", _never_ends)
            with caplog.at_level("ERROR"):
                apart.stop()
        assert f"The process {process.pid}, which stored callbacks, does not end" in caplog.text
        process.wait(PATIENCE_SECONDS)

    def test_stopped_it_begins_anew(self, apart: RelayWriter, ledger: Database) -> None:
        for raw in (b"one", b"two"):
            commit(apart, unreadable(raw))
            apart.stop()
        assert [each["raw"] for each in rows(ledger, schema.callback)] == [b"one", b"two"]
