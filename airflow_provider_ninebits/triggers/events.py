"""The trigger that starts DAGs because calls were answered, or were not: for an ``AssetWatcher``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_ninebits.exceptions import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable

    from airflow.triggers.shared_stream import SharedStreamProducer

    from airflow_provider_ninebits.ledger.wanted import Wanted
    from airflow_provider_ninebits.triggers.event_watcher import EventWatcher

PERSISTED_AFTER_SECONDS = 30.0
"""Before 3.3 Airflow does not tell when it has written an event down; it does so within some two seconds."""

_STATES = ("answered", "unanswered", "failed")


class CallEvent(TriggerEvent):
    """An event that may be logged: Airflow does so with each that a trigger fires."""

    def __init__(self, payload: dict[str, Any], **fields: Any) -> None:
        super().__init__(payload, **fields)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        from airflow_provider_ninebits.api.numbers import mask_number

        call = self.payload["call"]
        return f"CallEvent<{self.payload['event_id']}, {mask_number(call['to_number'])} {call['state']}>"

    __str__ = __repr__


class CallbackEventTrigger(BaseEventTrigger):
    """
    Fires each time that a recipient of this Airflow's calls has answered, has not, or has failed.

    For an ``AssetWatcher``: each event becomes an event of the asset, and starts the DAGs that are scheduled on it. Its
    payload is plain JSON: ``event_id``, ``ref_id``, ``conn_id``, ``dag_id``, ``run_id``, ``task_id`` and ``map_index``
    of who sent, and ``call``, as in an outcome, with the whole number.

    No event is lost, whatever dies; after a crash some may come again, with the same ``event_id``.

    :param ninebits_conn_id: of messages over this connection only; None: over any.
    :param number_prefix: of numbers that begin so only, or with one of several: with the country code, ``+`` or not.
    :param state: ``"answered"``, ``"unanswered"`` or ``"failed"``, or several of them; None: all three.
    :raises InvalidArgument: for a prefix or a state that no call can have.
    """

    def __init__(
        self,
        *,
        ninebits_conn_id: str | None = None,
        number_prefix: str | Collection[str] | None = None,
        state: str | Collection[str] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ninebits_conn_id = ninebits_conn_id
        self.number_prefix = read_prefixes(number_prefix)
        self.state = read_states(state)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the trigger is made from again in another process; the same whichever way it was written."""
        return (
            "airflow_provider_ninebits.triggers.events.CallbackEventTrigger",
            {
                "ninebits_conn_id": self.ninebits_conn_id,
                "number_prefix": self.number_prefix,
                "state": self.state,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """
        Fire for each event, for ever; on Airflow before 3.3.

        An event leaves the ledger some time after Airflow has taken it, since it has to be written down first.
        """
        watcher, wanted = await self.watched()
        with watcher.subscribed(wanted) as subscriber:
            while True:
                queued_id, event = await subscriber.next()
                yield CallEvent(event.as_dict())
                subscriber.handed_on_after(queued_id, PERSISTED_AFTER_SECONDS)

    def shared_stream_key(self) -> Hashable | None:
        """
        Return which stream the trigger takes its events from: from 3.3 on one that hears what was written down.

        It is this trigger's own, so that one which is slow or gone keeps no other's events; the loop below, which asks
        the ledger, is one for all of a process.
        """
        if not hasattr(BaseEventTrigger, "create_shared_stream_producer"):
            return None
        classpath, arguments = self.serialize()
        return classpath, json.dumps(arguments, sort_keys=True)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Return what gives the events, and takes them out of the ledger once Airflow has written them down."""
        from airflow_provider_ninebits.triggers.event_stream import EventProducer

        return EventProducer(cls(**kwargs))

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Fire for each event, for ever; from Airflow 3.3 on."""
        async for handed in shared_stream:
            yield CallEvent(handed.event)
            handed.taken += 1

    async def watched(self) -> tuple[EventWatcher, Wanted]:
        """Return the watcher of this process, and what it is asked for."""
        from airflow_provider_ninebits.configuration import read_settings
        from airflow_provider_ninebits.ledger.states import RecipientState
        from airflow_provider_ninebits.ledger.wanted import Wanted
        from airflow_provider_ninebits.triggers.event_watcher import shared_event_watcher

        settings = await asyncio.to_thread(read_settings)
        wanted = Wanted(
            deployment=settings.deployment,
            conn_id=self.ninebits_conn_id,
            number_prefixes=tuple(self.number_prefix or ()),
            states=tuple(RecipientState(state) for state in self.state or _STATES),
        )
        return shared_event_watcher(settings.sql_alchemy_conn), wanted


def read_prefixes(number_prefix: str | Collection[str] | None) -> list[str] | None:
    """
    Return the beginnings of numbers that an argument holds: canonical, each once, in a fixed order.

    :return: None: numbers may begin in any way.
    :raises InvalidArgument: for one with which no number begins; masked.
    """
    from airflow_provider_ninebits.api.numbers import canonical_number, mask_number

    if number_prefix is None:
        return None
    prefixes = set()
    for given in _several(number_prefix, "number_prefix"):
        prefix = canonical_number(given)
        if prefix is None or prefix.startswith("0"):
            raise InvalidArgument(
                f"number_prefix: {mask_number(given)} begins no number; give digits, with the country code: '234802'"
            )
        prefixes.add(prefix)
    return sorted(prefixes)


def read_states(state: str | Collection[str] | None) -> list[str] | None:
    """
    Return the states that an argument holds, each once, in a fixed order.

    :return: None: all there are.
    :raises InvalidArgument: for what is none.
    """
    if state is None:
        return None
    states = {str(each) for each in _several(state, "state")}
    if unknown := sorted(states - set(_STATES)):
        raise InvalidArgument(f"state: {unknown[0]!r} is not a state; give one or more of {', '.join(_STATES)}")
    return [each for each in _STATES if each in states]


def _several(given: object, argument: str) -> list[object]:
    """Return what is given as a list. An empty one would be a trigger that never fires."""
    several = [*given] if isinstance(given, Collection) and not isinstance(given, (str, bytes)) else [given]
    if not several:
        raise InvalidArgument(f"{argument} is empty; leave it out for all there are")
    return several
