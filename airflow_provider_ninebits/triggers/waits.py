"""The waits of a triggerer process, and which messages each of them waits for. No I/O: the watcher has that."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    from airflow_provider_ninebits.ledger.counts import Asked, Look, MessageCounts
    from airflow_provider_ninebits.ledger.notices import Notice


class Watching(Protocol):
    """What a wait needs of its watcher."""

    @property
    def pause_seconds(self) -> float:
        """From one look of a wait to the next, at least."""

    def add(self, wait: Wait) -> None:
        """Take a wait on."""

    def remove(self, wait: Wait) -> None:
        """Forget a wait."""

    def ask(self, wait: Wait) -> None:
        """Look for a wait."""

    def listen(self) -> None:
        """Hear of changes from here on."""


class Wait:
    """One wait, while its ``with`` block lasts."""

    def __init__(self, watcher: Watching, asked: Asked) -> None:
        self._watcher = watcher
        self.asked = asked
        self._answer: asyncio.Future[Look] | None = None
        self.message_ids: Collection[str] = ()
        self._woken = asyncio.Event()
        self._told = False
        self._has_to_look = True
        self._went_on_at = float("-inf")
        self._pausing: asyncio.TimerHandle | None = None
        self._failure: Exception | None = None

    def __enter__(self) -> Wait:
        self._watcher.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pausing is not None:
            self._pausing.cancel()
        self._watcher.remove(self)

    async def look(self) -> Look:
        """
        Return how far the messages are; from there on a change of them ends :meth:`changed`.

        :raises Exception: the ledger's error, when it could not be read several times in a row.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._watcher.ask(self)
        return await self._answer

    async def changed(self, timeout_seconds: float) -> None:
        """
        Return when one of the messages may have changed since the last look, or after some time.

        :raises Exception: the ledger's error, when it could not be read several times in a row.
        """
        self._watcher.listen()
        with suppress(TimeoutError):
            # Not wait_for, which would be a task more for each of ten thousand waits.
            async with asyncio.timeout(max(timeout_seconds, 0.0)):
                await self._woken.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def knows(self) -> bool:
        """Whether all that has changed since the last look was told, so that the ledger need not be asked."""
        return self._told and not self._has_to_look

    def looking(self) -> None:
        """Note that a look begins: what is heard from here on counts."""
        self._went_on_at = time.monotonic()
        self._woken.clear()
        self._told = self._has_to_look = False

    def see(self, look: Look) -> None:
        """Answer the wait."""
        # A ref_id that no message has: one may come, and nobody would tell.
        self._has_to_look |= bool(look.progress.unknown_ref_ids)
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(look)

    def wake(self) -> None:
        """Let the wait look again."""
        self._has_to_look = True
        self._woken.set()

    def tell(self) -> None:
        """Let the wait go on with what is known of its messages now, but not again and again at once."""
        self._told = True
        if self._woken.is_set() or self._pausing is not None:
            return
        rest_seconds = self._went_on_at + self._watcher.pause_seconds - time.monotonic()
        if rest_seconds <= 0:
            self._woken.set()
        else:
            # A message may have a thousand waits, and change a hundred times a second.
            self._pausing = asyncio.get_running_loop().call_later(rest_seconds, self._go_on)

    def _go_on(self) -> None:
        self._pausing = None
        self._woken.set()

    def fail(self, error: Exception) -> None:
        """Let the wait end with an error."""
        self._failure = error
        self._woken.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


class Awaited:
    """
    Which waits each message has, and how far it was when that was heard of last.

    A notice may call messages by their names, which two may share: who is woken for another's looks once in vain.
    """

    def __init__(self) -> None:
        self._by_name: defaultdict[str, set[Wait]] = defaultdict(set)
        self._counts: dict[str, MessageCounts] = {}
        self._looking: frozenset[Wait] = frozenset()
        self._named_meanwhile: set[str] = set()
        self._counted_meanwhile: dict[str, MessageCounts] = {}

    @contextmanager
    def looking(self, waits: Sequence[Wait]) -> Iterator[None]:
        """Note that some waits look at the same time: what is heard from here on counts, and wakes them again."""
        self._looking = frozenset(waits)
        self._named_meanwhile.clear()
        self._counted_meanwhile.clear()
        for wait in waits:
            wait.looking()
        try:
            yield
        finally:
            self._looking = frozenset()

    def enlist(self, wait: Wait, messages: Sequence[MessageCounts]) -> None:
        """Let changes of the messages that a wait has seen wake it."""
        from airflow_provider_ninebits.ledger.notices import name_of

        self.unlist(wait)
        wait.message_ids = dict.fromkeys(message.id for message in messages)
        for seen in messages:
            name = name_of(seen.id)
            known = self._counts.get(seen.id)
            heard = self._counted_meanwhile.get(seen.id, seen)
            newest = heard if heard.revision > seen.revision else seen
            if known is not None and newest.revision != known.revision:
                # The looks of the others are older, and a sweep will find nothing new.
                self._wake(self._by_name[name] - self._looking)
            self._counts[seen.id] = newest
            self._by_name[name].add(wait)
            if name in self._named_meanwhile or newest.revision > seen.revision + 1:
                wait.wake()
            elif newest is not seen:
                wait.tell()

    def unlist(self, wait: Wait) -> None:
        """Forget what a wait has seen."""
        from airflow_provider_ninebits.ledger.notices import name_of

        for message_id in wait.message_ids:
            name = name_of(message_id)
            self._by_name[name].discard(wait)
            if not any(message_id in other.message_ids for other in self._by_name[name]):
                self._counts.pop(message_id, None)
            if not self._by_name[name]:
                del self._by_name[name]
        wait.message_ids = ()

    def hear(self, notice: Notice) -> None:
        """Wake the waits for the messages of a notice."""
        from airflow_provider_ninebits.ledger.notices import name_of

        if self._looking:
            self._named_meanwhile.update(notice.names)
            self._counted_meanwhile.update({told.id: told for told in notice.counts})
        for name in notice.names:
            self._wake(self._by_name.get(name, ()))
        for told in notice.counts:
            known = self._counts.get(told.id)
            if known is None or told.revision <= known.revision:
                continue
            self._counts[told.id] = told
            # Where a revision was not heard of, it may have been one that says more than counts: another message behind
            # a ref_id, say.
            all_was_heard = told.revision == known.revision + 1
            for wait in self._by_name[name_of(told.id)]:
                if told.id in wait.message_ids:
                    wait.tell() if all_was_heard else wait.wake()

    def known_look(self, wait: Wait, now: datetime) -> Look | None:
        """
        Return what a wait would see in the ledger, where that was told; None: it has to be looked for.

        :param now: the time on the ledger's clock.
        """
        from airflow_provider_ninebits.ledger.counts import look_of

        if not wait.knows:
            return None
        messages = [self._counts[message_id] for message_id in wait.message_ids]
        return look_of(wait.asked, messages, now) if wait.asked.is_answered_by(messages) else None

    def revisions(self) -> dict[str, int]:
        """Return the messages that are waited for, each at the revision that was heard of last."""
        return {message_id: known.revision for message_id, known in self._counts.items()}

    def compare(self, found: Mapping[str, int | None]) -> None:
        """Wake the waits for messages that were found at another revision; None: that are gone."""
        from airflow_provider_ninebits.ledger.notices import name_of

        for message_id, revision in found.items():
            if known := self._counts.get(message_id):
                # A message that is gone is found so until its waits have looked. How far another is, they look for.
                self._counts[message_id] = known._replace(revision=-1 if revision is None else revision)
                self._wake(self._by_name[name_of(message_id)])

    def _wake(self, waits: Collection[Wait]) -> None:
        for wait in waits:
            wait.wake()
