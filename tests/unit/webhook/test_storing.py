from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored
from airflow_provider_ninebits.ledger.states import CallbackKind
from airflow_provider_ninebits.webhook.storing import Committed, commit_group

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD, GOOD = (Arrival(CallbackKind.UNREADABLE, raw) for raw in (b"bad", b"good"))
REFUSED = RuntimeError("one of them is bad")


class Picky:
    """A store that takes no group with a bad callback."""

    def __init__(self) -> None:
        self.asked: list[list[bytes]] = []

    def store(self, arrivals: Sequence[Arrival], _: str | None) -> Stored:
        self.asked.append([arrival.raw for arrival in arrivals])
        if BAD in arrivals:
            raise REFUSED
        return Stored(new=len(arrivals))


def test_a_group_is_committed_as_one() -> None:
    store = Picky()
    assert commit_group(store.store, [[GOOD], [GOOD, GOOD]], None, lambda _: False) == Committed({}, [Stored(new=3)])
    assert store.asked == [[b"good"] * 3]


def test_where_one_is_bad_each_is_tried_by_itself() -> None:
    store = Picky()
    committed = commit_group(store.store, [[GOOD], [BAD, GOOD], [GOOD]], None, lambda _: False)
    assert committed == Committed({1: REFUSED}, [Stored(new=1), Stored(new=1)])
    assert store.asked == [[b"good", b"bad", b"good", b"good"], [b"good"], [b"bad", b"good"], [b"good"]]


def test_one_alone_is_tried_once() -> None:
    store = Picky()
    assert commit_group(store.store, [[BAD]], None, lambda _: False) == Committed({0: REFUSED}, [])
    assert len(store.asked) == 1


def test_for_whom_nobody_waits_is_not_tried_again() -> None:
    store = Picky()
    committed = commit_group(store.store, [[BAD], [GOOD], [GOOD]], None, lambda place: place < 2)
    assert (committed.errors.keys(), committed.stored) == ({0, 1}, [Stored(new=1)])
    assert store.asked[1:] == [[b"good"]]
