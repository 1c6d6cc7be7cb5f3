"""No wait sleeps through a change, or sees what was not so, in whatever order changes are heard and looked for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from airflow_provider_ninebits.ledger.counts import Asked, Look, MessageCounts, look_of
from airflow_provider_ninebits.ledger.notices import Notice, name_of
from airflow_provider_ninebits.triggers.waits import Awaited, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 11, 24, tzinfo=UTC)
# Two of them share a name.
IDS = ("a" * 32, "a" * 31 + "b", "c" * 32)
WAITS = (IDS[:1], IDS[1:2], IDS[2:], IDS, IDS[1:])


class Deaf:
    """A watcher that does nothing by itself: the machine below is the one."""

    pause_seconds = 0.0

    def add(self, wait: Wait) -> None: ...

    def remove(self, wait: Wait) -> None: ...

    def ask(self, wait: Wait) -> None: ...

    def listen(self) -> None: ...


CHANGES = st.tuples(st.sets(st.sampled_from(IDS), min_size=1), st.booleans())
WHILE_A_LOOK_IS_UNDER_WAY = st.lists(CHANGES | st.just("a notice comes"), max_size=4)


class Watching(RuleBasedStateMachine):
    """A ledger that changes, notices that come late and in order or never, looks that take a while, sweeps."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = {each: MessageCounts(each, 1, None, 10**6, 0, 0, 0) for each in IDS}
        self.history = {each: {1: self.ledger[each]} for each in IDS}
        self.notices: list[Notice] = []
        self.awaited = Awaited()
        self.waits = [(Wait(Deaf(), Asked(ids)), ids) for ids in WAITS]
        self.seen: dict[Wait, Sequence[MessageCounts]] = {}
        self.missed = False

    @rule(change=CHANGES)
    def changes(self, change: tuple[set[str], bool]) -> None:
        ids, counted = change
        for each in ids:
            before = self.ledger[each]
            self.ledger[each] = before._replace(revision=before.revision + 1, answered=before.answered + 1)
            self.history[each][before.revision + 1] = self.ledger[each]
        told = tuple(self.ledger[each] for each in sorted(ids))
        self.notices.append(Notice(counts=told) if counted else Notice(names=frozenset(map(name_of, ids))))

    @rule(place=st.integers(0, len(WAITS) - 1), ids=st.sampled_from(WAITS))
    def what_is_waited_for_is_another_message(self, place: int, ids: tuple[str, ...]) -> None:
        """An answer says so, and the notice of it has names only."""
        wait, before = self.waits[place]
        if ids != before:
            self.changes((set(before), False))
            self.waits[place] = (wait, ids)

    @rule()
    def a_notice_comes(self) -> None:
        if self.notices:
            self.awaited.hear(self.notices.pop(0))

    @rule()
    def all_notices_come(self) -> None:
        while self.notices:
            self.a_notice_comes()

    @precondition(lambda self: self.notices)
    @rule()
    def a_notice_is_lost(self) -> None:
        self.notices.pop(0)
        self.missed = True

    @rule(place=st.integers(0, len(WAITS) - 1))
    def another_wait_begins(self, place: int) -> None:
        before, ids = self.waits[place]
        self.awaited.unlist(before)
        self.seen.pop(before, None)
        self.waits[place] = (Wait(Deaf(), Asked(ids)), ids)

    @rule(
        places=st.sets(st.integers(0, len(WAITS) - 1), min_size=1),
        before=WHILE_A_LOOK_IS_UNDER_WAY,
        after=WHILE_A_LOOK_IS_UNDER_WAY,
    )
    def waits_look(self, places: set[int], before: list[Any], after: list[Any]) -> None:
        looking = [self.waits[place] for place in sorted(places) if not self.is_told(self.waits[place][0])]
        if not looking:
            return
        with self.awaited.looking([wait for wait, _ in looking]):
            self.happens(before)
            read = [[self.ledger[each] for each in ids] for _, ids in looking]
            self.happens(after)
            for (wait, _), messages in zip(looking, read, strict=True):
                self.awaited.enlist(wait, messages)
                self.sees(wait, look_of(wait.asked, messages, NOW))

    @rule()
    def all_are_compared(self) -> None:
        known = self.awaited.revisions()
        self.awaited.compare(
            {each: self.ledger[each].revision for each in known if known[each] != self.ledger[each].revision}
        )
        self.missed = False

    def is_told(self, wait: Wait) -> bool:
        known = self.awaited.known_look(wait, NOW)
        if known is not None:
            wait.looking()
            self.sees(wait, known)
        return known is not None

    def happens(self, events: list[Any]) -> None:
        for each in events:
            if each == "a notice comes":
                self.a_notice_comes()
            else:
                self.changes(each)

    def sees(self, wait: Wait, look: Look) -> None:
        wait.see(look)
        self.check(wait, look)
        self.seen[wait] = look.messages

    def check(self, wait: Wait, look: Look) -> None:
        before = {each.id: each.revision for each in self.seen.get(wait, ())}
        for each in look.messages:
            assert each == self.history[each.id][each.revision]
            assert each.revision >= before.get(each.id, 0)

    @invariant()
    def what_is_known_was_so_and_is_no_older(self) -> None:
        for wait in self.seen:
            if (known := self.awaited.known_look(wait, NOW)) is not None:
                self.check(wait, known)

    @invariant()
    def nobody_sleeps_through_what_was_heard(self) -> None:
        if self.notices or self.missed:
            return
        for wait, ids in self.waits:
            if wait in self.seen and not wait._woken.is_set():
                assert [self.ledger[each] for each in ids] == list(self.seen[wait])


TestWatching = Watching.TestCase
TestWatching.settings = settings(max_examples=300, stateful_step_count=30)


@pytest.mark.parametrize(("revisions", "knows"), [([2], True), ([2, 3], True), ([3], False), ([3, 4], False)])
@pytest.mark.parametrize("meanwhile", [False, True])
def test_who_hears_that_something_was_not_heard_looks(revisions: list[int], knows: bool, meanwhile: bool) -> None:
    """It may have been more than counts: another message behind the ref_id, whose notice was lost."""
    at_first = MessageCounts(IDS[0], 1, None, 10, 0, 0, 0)
    awaited, wait = Awaited(), Wait(Deaf(), Asked(IDS[:1]))

    def hear() -> None:
        for revision in revisions:
            awaited.hear(Notice(counts=(at_first._replace(revision=revision),)))

    with awaited.looking([wait]):
        if meanwhile:
            hear()
        awaited.enlist(wait, [at_first])
        wait.see(look_of(wait.asked, [at_first], NOW))
    if not meanwhile:
        hear()
    assert wait._woken.is_set()
    # While it looked, nobody counted how many notices came: one more look, where it was more than one.
    assert wait.knows == (knows and not (meanwhile and len(revisions) > 1))


async def test_a_wait_that_is_told_again_and_again_goes_on_in_its_pace() -> None:
    at_first = MessageCounts(IDS[0], 1, None, 10, 0, 0, 0)
    watcher = Deaf()
    watcher.pause_seconds = 0.2
    awaited, wait = Awaited(), Wait(watcher, Asked(IDS[:1]))
    with awaited.looking([wait]):
        awaited.enlist(wait, [at_first])
        wait.see(look_of(wait.asked, [at_first], NOW))
    began = time.monotonic()
    for revision in (2, 3, 4):
        awaited.hear(Notice(counts=(at_first._replace(revision=revision),)))
        assert not wait._woken.is_set()
    await wait.changed(30)
    assert time.monotonic() - began >= 0.1
    known = awaited.known_look(wait, NOW)
    assert known is not None
    assert known.messages[0].revision == 4
