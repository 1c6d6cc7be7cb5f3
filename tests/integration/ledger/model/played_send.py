"""
The real sender, held wherever it waits for somebody else: for 9bits' answer, or for time to pass.

It runs in a thread of its own, but never beside the test: the test goes on when the sender is held or has ended, the
sender when the test lets it. So every interleaving is the test's choice, and comes out the same again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.api.answers import Receipt
from airflow_provider_ninebits.hooks.sending import Sender, SendReceipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from airflow_provider_ninebits.api.messages import VoiceMessage
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import SendPlan

TIMEOUT_SECONDS = 20.0
_HELD_SECONDS = 60


@dataclass(frozen=True)
class Posting:
    """Its request has left, and waits for the answer."""

    message: VoiceMessage


@dataclass(frozen=True)
class Sleeping:
    """It waits for a lease, or out a rate limit."""


@dataclass(frozen=True)
class Ended:
    receipt: SendReceipt | None
    error: BaseException | None


Standing = Posting | Sleeping | Ended


class Killed(BaseException):
    """kill -9: nothing more is recorded."""


class PlayedSend:
    """
    A task that sends a plan.

    :ivar standing: where it is held.
    """

    def __init__(self, database: Database, plan: SendPlan, *, window: timedelta, resend: bool) -> None:
        self.plan = plan
        self.resend = resend
        self.standing: Standing = Sleeping()
        self._held: SimpleQueue[Standing] = SimpleQueue()
        self._let_go: SimpleQueue[Any] = SimpleQueue()
        sender = Sender(database, self, window, TIMEOUT_SECONDS, sleep=self._sleep)  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self._run, args=[sender], daemon=True)

    def begin(self) -> None:
        self._thread.start()
        self.standing = self._held.get(timeout=_HELD_SECONDS)

    def go_on(self, with_what: Receipt | BaseException | None = None) -> None:
        """Let it go on with this answer, until it is held again."""
        self._let_go.put(with_what)
        self.standing = self._held.get(timeout=_HELD_SECONDS)

    def kill(self) -> None:
        if not isinstance(self.standing, Ended):
            self.go_on(Killed())
        self._thread.join(_HELD_SECONDS)

    def send_voice(self, message: VoiceMessage, may_write: Callable[[], bool]) -> Receipt:
        """What the client does for the sender."""
        assert may_write()
        answer = self._hold(Posting(message))
        assert isinstance(answer, Receipt)
        return answer

    def _sleep(self, _: float) -> None:
        self._hold(Sleeping())

    def _hold(self, standing: Standing) -> Any:
        self._held.put(standing)
        answer = self._let_go.get(timeout=_HELD_SECONDS)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _run(self, sender: Sender) -> None:
        try:
            receipt = sender.send(self.plan, media_url=self.plan.media, resend=self.resend, replan=False)
        except BaseException as error:
            self._held.put(Ended(None, error))
        else:
            self._held.put(Ended(receipt, None))
