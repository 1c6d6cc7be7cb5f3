"""Committing a group: all of it at once, or what can be of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.kept_connection import KeptConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored
    from airflow_provider_ninebits.ledger.database import Database


class StoringFailed(Exception):
    """A group was not stored, for a reason that is no error of the ledger's; its text is one that may be logged."""


class Store(Protocol):
    """What commits groups of callbacks, one after the other. One thread uses it."""

    def store(self, arrivals: Sequence[Arrival], receiver_id: str | None) -> Stored:
        """
        Commit a group.

        :raises Exception: when none of it was stored.
        """

    def rest(self) -> None:
        """Hold nothing until the next group."""

    def close(self) -> None:
        """Let go of everything. The next group begins anew."""


class Committed(NamedTuple):
    """
    What became of a group's deliveries.

    :param errors: why some were not stored, by their places.
    """

    errors: dict[int, Exception]
    stored: list[Stored]


def commit_group(
    commit: Callable[[Sequence[Arrival], str | None], Stored],
    deliveries: Sequence[Sequence[Arrival]],
    receiver_id: str | None,
    is_over: Callable[[int], bool],
) -> Committed:
    """
    Commit some deliveries in one transaction; or else, since one of them may be to blame, each by itself.

    :param commit: as :meth:`Store.store`.
    :param is_over: whether nobody waits any more for the delivery at a place, so that it need not be tried again.
    """
    try:
        return Committed({}, [commit([arrival for each in deliveries for arrival in each], receiver_id)])
    except Exception as error:
        if len(deliveries) == 1:
            return Committed({0: error}, [])
    committed = Committed({}, [])
    for place, delivery in enumerate(deliveries):
        if is_over(place):
            committed.errors[place] = TimeoutError()
            continue
        try:
            committed.stored.append(commit(delivery, receiver_id))
        except Exception as error:
            committed.errors[place] = error
    return committed


class StoreHere:
    """
    Stores in this process.

    :param window: ``[ninebits] match_window``.
    """

    def __init__(self, database: Database, *, window: timedelta) -> None:
        self._database = database
        self._window = window
        self._kept = KeptConnection(database)

    def store(self, arrivals: Sequence[Arrival], receiver_id: str | None) -> Stored:
        """Commit a group."""
        return store(self._database, arrivals, window=self._window, receiver_id=receiver_id, kept=self._kept)

    def rest(self) -> None:
        """Give the connection back, and have SQLite tidy up while nobody waits."""
        self._kept.give_back()
        self._database.write_back()

    def close(self) -> None:
        """Give the connection back; the database is its owner's to close."""
        self._kept.give_back()
