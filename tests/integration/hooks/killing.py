"""
A worker in a process of its own, which stops at a named step and can be killed there.

The steps are found from outside of the package: in the statements that the ledger is asked, in SQLAlchemy's commits,
and in the connection to 9bits. The processes are forked from one that has Airflow loaded, since that takes seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from airflow_provider_ninebits.api.client import NineBitsClient
from airflow_provider_ninebits.api.transport import WriteGate, _GatedConnection
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.sending import Sender
from airflow_provider_ninebits.ledger import driver
from airflow_provider_ninebits.operators.escalation import EscalateVoiceOperator
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from tests.integration.hooks.playing import Task
from tests.integration.statements import seen_by

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

MEDIA = "https://media.test/a.mp3"
# What a worker looks for, until its process ends.
_watching = ExitStack()
PATIENCE_SECONDS = 60

Stop = Callable[[], None]
# Loaded by the first send, else: in each of the forked processes again.
LOADED = (NineBitsClient, Sender)


@dataclass(frozen=True)
class Order:
    """
    What a worker is to do.

    :param stop_at: a name of :data:`STEPS`.
    :param occurrence: the how many-th time that it comes there.
    :param is_ladder: whether those whom it rings are the contacts of a ladder.
    """

    task: Task
    to: list[str]
    stop_at: str | None = None
    occurrence: int = 1
    arguments: dict[str, Any] = field(default_factory=dict)
    is_ladder: bool = False

    def operator(self) -> BaseOperator:
        given = {"task_id": self.task.task_id, "media_url": MEDIA, **self.arguments}
        if self.is_ladder:
            return EscalateVoiceOperator(contacts=self.to, **given)
        return SendVoiceOperator(to=self.to, **given)


@dataclass(frozen=True)
class End:
    """How a worker ended by itself."""

    returned: Any = None
    raised: str | None = None
    says: str = ""
    pushed: dict[str, Any] = field(default_factory=dict)


class Worker:
    """A running worker, seen from outside."""

    def __init__(self, process: Any, pipe: Connection) -> None:
        self.process = process
        self._pipe = pipe

    def wait_until_it_stops(self) -> None:
        """Wait until it has come to the step where it is to stop."""
        said = self._hear()
        assert said == "stopped", f"it never came there: {said}"

    def wait_until_it_sleeps(self) -> None:
        """Wait until it waits for somebody else's lease."""
        said = self._hear()
        assert said == "sleeps", said

    def go_on(self) -> None:
        self._pipe.send("go on")

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def end(self) -> End:
        """Wait for its end."""
        while (said := self._hear()) == "sleeps":
            pass
        assert isinstance(said, End), said
        self.process.join()
        return said

    def end_within(self, seconds: float) -> End | None:
        """Wait for its end for so long, and kill it then: None."""
        deadline = time.monotonic() + seconds
        while self._pipe.poll(max(deadline - time.monotonic(), 0.0)):
            said = self._pipe.recv()
            if isinstance(said, End):
                self.process.join()
                return said
        self.kill()
        # It may have said it in the very last moment.
        return self._pipe.recv() if self._pipe.poll() and self.process.exitcode == 0 else None

    def _hear(self) -> Any:
        assert self._pipe.poll(PATIENCE_SECONDS), "the worker says nothing"
        return self._pipe.recv()


@contextmanager
def worker(order: Order) -> Iterator[Worker]:
    """Start a worker with the Airflow options and connections of this process; none outlives the block."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ours, theirs = context.Pipe()
    options = {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW_")}
    process = context.Process(target=work, args=(order, options, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Worker(process, ours)
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def work(order: Order, options: dict[str, str], pipe: Connection) -> None:
    """Run the operator: what the process does."""
    os.environ.update(options)
    _tell_of_sleep(pipe)
    if order.stop_at is not None:
        left = iter(range(order.occurrence - 1, -1, -1))

        def stop() -> None:
            if next(left, None) == 0:
                pipe.send("stopped")
                # Where nobody says "go on" any more, the test is over.
                pipe.recv()

        STEPS[order.stop_at](stop)
    try:
        end = End(returned=order.operator().execute(order.task.context))
    except BaseException as error:
        end = End(raised=type(error).__name__, says=str(error))
    pipe.send(End(end.returned, end.raised, end.says, order.task.pushed))


def _tell_of_sleep(pipe: Connection) -> None:
    made = NineBitsHook.sender

    def sender(hook: NineBitsHook, *arguments: Any, **named: Any) -> Sender:
        found = made(hook, *arguments, **named)
        sleep = found.sleep

        def tell(seconds: float) -> None:
            pipe.send("sleeps")
            sleep(seconds)

        found.sleep = tell
        return found

    NineBitsHook.sender = sender  # type: ignore[method-assign]


def _before_statement(*words: str) -> Callable[[Stop], None]:
    """Stop before a statement that has all these words, its parameters among them."""
    return lambda stop: _on_statement(words, lambda _: stop())


def _before_commit_of(*words: str) -> Callable[[Stop], None]:
    """Stop with such a statement done and not committed."""

    def install(stop: Stop) -> None:
        touched = _touched_connections(words)
        at_once = driver.ask_at_once

        @event.listens_for(Engine, "commit")
        def on_commit(connection: Any) -> None:
            each = id(connection.connection.dbapi_connection)
            if each in touched:
                touched.discard(each)
                stop()

        def commit_apart(connection: Any, asked: Sequence[driver.BoundStatement]) -> list[list[tuple[Any, ...]]]:
            if asked[-1] is not driver.COMMIT:
                return at_once(connection, asked)
            found = at_once(connection, asked[:-1])
            on_commit(connection)
            return [*found, *at_once(connection, asked[-1:])]

        driver.ask_at_once = commit_apart

    return install


def _after_commit_of(*words: str) -> Callable[[Stop], None]:
    """Stop with such a statement committed."""

    def install(stop: Stop) -> None:
        touched = _touched_connections(words)

        @event.listens_for(Pool, "checkin")
        def on_checkin(dbapi_connection: Any, _: Any) -> None:
            if id(dbapi_connection) in touched:
                touched.discard(id(dbapi_connection))
                stop()

    return install


def _touched_connections(words: tuple[str, ...]) -> set[int]:
    touched: set[int] = set()
    _on_statement(words, lambda connection: touched.add(id(connection.connection.dbapi_connection)))
    return touched


def _on_statement(words: tuple[str, ...], then: Callable[[Any], None]) -> None:
    def on_statement(connection: Any, statement: str, parameters: Any) -> None:
        whole = f"{statement} {parameters!r}"
        if all(word in whole for word in words):
            then(connection)

    _watching.enter_context(seen_by(on_statement))


def _around(owner: type, method: str, *, before: bool) -> Callable[[Stop], None]:
    """Stop before or after a method of the way to 9bits."""

    def install(stop: Stop) -> None:
        real = getattr(owner, method)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            if before:
                stop()
            result = real(*arguments, **named)
            if not before:
                stop()
            return result

        setattr(owner, method, wrapped)

    return install


_PLAN = ("INSERT INTO ninebits_message",)
_CLAIM = ("INSERT INTO ninebits_request",)
_ANSWER = ("UPDATE ninebits_request", "accepted")
_MARK = ("UPDATE ninebits_task", "finished")

STEPS: dict[str, Callable[[Stop], None]] = {
    "before the ledger hears of the attempt": _before_statement("INSERT INTO ninebits_task"),
    "before it begins": _around(SendVoiceOperator, "_begin", before=True),
    "before the ledger's row": _before_statement("INSERT INTO ninebits_send"),
    "planned, not committed": _before_commit_of(*_PLAN),
    "planned": _after_commit_of(*_PLAN),
    "claimed, not committed": _before_commit_of(*_CLAIM),
    "sending": _after_commit_of(*_CLAIM),
    "sending, before the first byte": _around(WriteGate, "begin_write", before=False),
    "the request has left": _around(_GatedConnection, "getresponse", before=True),
    "answered": _before_statement(*_ANSWER),
    "answered, not committed": _before_commit_of(*_ANSWER),
    "accepted": _after_commit_of(*_ANSWER),
    "before XCom": _around(Task, "push", before=True),
    "before the mark": _before_statement(*_MARK),
    "after the mark": _after_commit_of(*_MARK),
}
