"""The process that stores what the stand-alone receiver takes: killed, told to end, left alone."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable
from airflow_provider_ninebits.ledger.states import CallbackKind
from airflow_provider_ninebits.webhook.storing import StoreApart, StoringFailed
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
def apart(ledger_url: str) -> Iterator[StoreApart]:
    store = StoreApart(ledger_url, window=WINDOW)
    yield store
    store.close()


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


class TestAlone:
    def test_it_tells_what_it_stored(self, apart: StoreApart, ledger: Database) -> None:
        some = [Arrival(CallbackKind.UNREADABLE, b"one"), Arrival(CallbackKind.CALL, b"two", identity="a")]
        assert apart.store(some, "r") == Stored(new=2)
        assert apart.store(some[1:], None) == Stored(repeats=1)
        stored = rows(ledger, schema.callback)
        assert [(each["raw"], each["receiver_id"], each["repeats"]) for each in stored] == [
            (b"one", "r", 0),
            (b"two", "r", 1),
        ]

    def test_left_alone_it_has_sqlite_write_its_log_into_the_file(
        self, apart: StoreApart, ledger: Database, tmp_path: Path
    ) -> None:
        """What a burst has left in the log is written in a pause, not when the next burst commits."""
        apart.store([Arrival(CallbackKind.UNREADABLE, b"one")], None)
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

    def test_an_error_of_the_ledger_comes_back_as_it_is(self, tmp_path: Path) -> None:
        store = StoreApart("postgresql://nobody@127.0.0.1:1/nothing", window=timedelta(days=1))
        with pytest.raises(LedgerUnreachable, match="nothing"):
            store.store([Arrival(CallbackKind.UNREADABLE, b"one")], None)
        store.close()

    def test_any_other_error_comes_back_in_words(self, apart: StoreApart) -> None:
        broken = Arrival(CallbackKind.CALL, b"{}", number="2348020000000", started_at="yesterday")  # type: ignore[arg-type]
        with pytest.raises(StoringFailed, match=r"^TypeError: '<' not supported between"):
            apart.store([broken], None)
        assert apart.store([Arrival(CallbackKind.UNREADABLE, b"one")], None) == Stored(new=1)

    def test_the_password_of_the_ledger_is_in_no_list_of_processes(self) -> None:
        store = StoreApart("postgresql://somebody:hidden@127.0.0.1:1/nothing", window=timedelta(days=1))
        store.start()
        (child,) = [each for each in psutil.Process().children() if "store_process" in " ".join(each.cmdline())]
        assert "hidden" not in " ".join(child.cmdline())
        store.close()
        assert not child.is_running()

    def test_hanging_it_is_given_up_and_another_one_stores(
        self, apart: StoreApart, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        apart.store([Arrival(CallbackKind.CALL, b"one", identity="a")], None)
        (child,) = [each for each in psutil.Process().children() if "store_process" in " ".join(each.cmdline())]
        child.suspend()
        monkeypatch.setattr("airflow_provider_ninebits.webhook.storing.HANG_SECONDS", 0.5)
        assert apart.store([Arrival(CallbackKind.CALL, b"two", identity="b")], None) == Stored(new=1)
        assert not child.is_running()
        assert [each["raw"] for each in rows(ledger, schema.callback)] == [b"one", b"two"]

    def test_aborted_it_stores_no_more(self, apart: StoreApart) -> None:
        apart.start()
        apart.abort()
        with pytest.raises(StoringFailed, match="the receiver ends"):
            apart.store([Arrival(CallbackKind.UNREADABLE, b"one")], None)

    @pytest.mark.parametrize(("python", "said"), [("/bin/false", "is lost"), ("/nowhere/python", "cannot be started")])
    def test_one_that_cannot_start_is_an_error_each_time(
        self, apart: StoreApart, monkeypatch: pytest.MonkeyPatch, python: str, said: str
    ) -> None:
        monkeypatch.setattr(sys, "executable", python)
        for _ in range(2):
            with pytest.raises(StoringFailed, match=said):
                apart.store([Arrival(CallbackKind.UNREADABLE, b"one")], None)
        monkeypatch.undo()
        assert apart.store([Arrival(CallbackKind.UNREADABLE, b"one")], None) == Stored(new=1)

    def test_one_of_another_version_is_not_used(self, apart: StoreApart, monkeypatch: pytest.MonkeyPatch) -> None:
        """The package was upgraded on disk, under a receiver that runs."""
        monkeypatch.setattr(
            "airflow_provider_ninebits.webhook.storing.Arrival", NamedTuple("Arrival", [("raw", bytes)])
        )
        with pytest.raises(StoringFailed, match="restart it"):
            apart.store([Arrival(CallbackKind.UNREADABLE, b"one")], None)

    def test_closed_it_begins_anew(self, apart: StoreApart, ledger: Database) -> None:
        for raw in (b"one", b"two"):
            apart.store([Arrival(CallbackKind.UNREADABLE, raw)], None)
            apart.close()
        assert [each["raw"] for each in rows(ledger, schema.callback)] == [b"one", b"two"]
