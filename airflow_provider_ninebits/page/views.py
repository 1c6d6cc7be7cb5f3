"""What each page shows: looked up in the ledger, for one reader."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.api.defaults import CONN_ID
from airflow_provider_ninebits.ledger import browsing, calls, dead_letter_pages, known_names, receivers
from airflow_provider_ninebits.ledger.browsing import Seen
from airflow_provider_ninebits.ledger.dead_letters import Fate
from airflow_provider_ninebits.ledger.errors import NoSuchMessage
from airflow_provider_ninebits.ledger.listing import amounts_of, read_message
from airflow_provider_ninebits.ledger.states import RecipientState
from airflow_provider_ninebits.page import filters, refreshing
from airflow_provider_ninebits.page.summaries import summarized

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ninebits.ledger.listing import MessageSummary
    from airflow_provider_ninebits.page.access import Reader
    from airflow_provider_ninebits.page.desk import Desk
    from airflow_provider_ninebits.page.filters import Given

MESSAGES, CALLS, CALLBACKS = 50, 50, 50
"""How many of them are on a page."""
DAGS_OFFERED = 200
TURNED_AWAY_WITHIN = timedelta(days=1)
_PLACE = ("dag_id", "run_id", "task_id", "map_index")


class Forbidden(Exception):
    """The reader may not see what was asked for; its text is for them."""


@dataclass(frozen=True)
class Sight:
    """
    Which connections a reader may look into.

    :param readable: those of the ledger's, or the one that is asked for.
    :param every: whether these are all that the ledger knows.
    :param offered: those to choose among: which this Airflow has sent over.
    """

    readable: tuple[str, ...]
    every: bool
    offered: tuple[str, ...] = ()

    @property
    def conn_ids(self) -> tuple[str, ...] | None:
        """What is asked of the ledger: None, where nothing has to be left out."""
        return None if self.every else self.readable


def sight(desk: Desk, who: Reader, conn_id: str | None = None) -> Sight:
    """
    Return which connections a reader may look into.

    :param conn_id: the only one that they ask for; None: all that they may.
    :raises Forbidden: where they may look into none.
    """
    with desk.reading() as connection:
        known = known_names.connections_of(connection)
        own = known_names.connections_of(connection, deployment=desk.deployment())
    # Where nothing was sent yet, whoever may read the default connection is told what to do next.
    readable = who.connections([conn_id] if conn_id else known or [CONN_ID], "GET")
    if not readable:
        raise Forbidden(
            "Messages are shown to whoever may read the Airflow connection that they go over, and you may read "
            f"{f'not {conn_id}' if conn_id else 'none of them'}. Ask whoever runs this Airflow for that right."
        )
    offered = readable & {*own, *([conn_id] if conn_id else ())}
    return Sight(tuple(sorted(readable)), conn_id is None and readable >= set(known), tuple(sorted(offered)))


def messages(desk: Desk, who: Reader, given: Given) -> dict[str, Any]:
    """Return what the list of messages shows."""
    wanted = filters.read_wanted(given)
    after, zone = filters.read_key(given.get("after")), filters.read_zone(given)
    seen = sight(desk, who, given.get("conn_id"))
    _check_dag(who, wanted.dag_id)
    wanted = replace(
        wanted, deployment=desk.deployment(), conn_ids=seen.conn_ids if wanted.number is None else _by_number(who, seen)
    )
    with desk.reading() as connection:
        page = browsing.browse(connection, wanted, after=after, limit=MESSAGES)
        dags = known_names.dags_of(connection, limit=DAGS_OFFERED, deployment=wanted.deployment)
        turned_away = _turned_away(connection)
    found = [listed.message for listed in page.messages]
    readable = who.dags({*dags, *_dags_of(found)})
    return {
        "zone": zone,
        "listed": [(listed, _place(listed.message, readable)) for listed in page.messages],
        "counts": refreshing.counts,
        "next": filters.write_key(page.after),
        "is_first": after is None,
        "is_filtered": bool(given.only(*filters.MESSAGE_FILTERS).with_(tz=None) != "?"),
        "cut_short": page.cut_short,
        "looked_at": browsing.LOOKED_AT,
        "dags": [dag for dag in dags if dag in readable],
        "conn_ids": seen.offered,
        "states": list(Seen),
        "refresh_seconds": refreshing.refresh_seconds(desk, given, found) if after is None else None,
        "turned_away": turned_away,
    }


def _check_dag(who: Reader, dag_id: str | None) -> None:
    """
    Make sure that a reader may read the DAG that they ask for.

    :raises Forbidden: where they may not.
    """
    if dag_id is not None and not who.dags([dag_id]):
        raise Forbidden(f"You may not read the DAG {dag_id}. Ask whoever runs this Airflow for that right.")


def _by_number(who: Reader, seen: Sight) -> tuple[str, ...] | None:
    """
    Return over which connections a reader may look for a number: whoever may try them could read what is masked.

    :raises Forbidden: where they may edit none.
    """
    editable = who.connections(seen.readable, "PUT")
    if not editable:
        raise Forbidden(
            "Messages are found by a number for whoever may edit the Airflow connection that they go over: numbers are "
            "masked for all others. Ask whoever runs this Airflow for that right, or look for the message's ref_id."
        )
    return None if seen.every and editable >= set(seen.readable) else tuple(sorted(editable))


def message(desk: Desk, who: Reader, given: Given, message_id: str) -> dict[str, Any]:
    """
    Return what the page of one message shows.

    :raises NoSuchMessage: where there is none, or the reader may not see it.
    """
    if not filters.is_message_id(message_id):
        raise NoSuchMessage("no message has such an id")
    zone, state = filters.read_zone(given), given.get("state")
    if state is not None and state not in set(RecipientState):
        raise filters.NotUnderstood(f"state: there are {', '.join(RecipientState)}")
    with desk.reading() as connection:
        summary, requests = read_message(connection, message_id)
    # Another Airflow's may go over a connection that is called as one here.
    if summary.deployment != desk.deployment() or not who.connections([summary.conn_id], "GET"):
        raise NoSuchMessage(message_id)
    with desk.reading() as connection:
        page = calls.read_calls(
            connection,
            message_id,
            state=None if state is None else RecipientState(state),
            after=filters.read_place(given.get("after")),
            limit=CALLS,
        )
        answers = calls.answers_of(connection, message_id)
        cost = amounts_of(connection, [message_id]).get(message_id)
    return {
        "zone": zone,
        "message": summary,
        "place": _place(summary, who.dags(_dags_of([summary]))),
        "counts": refreshing.counts,
        "amount": cost,
        "requests": requests,
        "calls": page.calls,
        "next": page.after,
        "is_first": given.get("after") is None,
        "state": state,
        "answers": answers,
        "whole": bool(who.connections([summary.conn_id], "PUT")),
        "refresh_seconds": refreshing.refresh_seconds(desk, given, [summary]),
    }


def callbacks(desk: Desk, who: Reader, given: Given) -> dict[str, Any]:
    """Return what the page of callbacks that settled nobody shows."""
    zone, fate = filters.read_zone(given), given.get("fate")
    if fate is not None and fate not in set(Fate):
        raise filters.NotUnderstood(f"fate: there are {', '.join(Fate)}")
    after = filters.read_callback_key(given.get("after"))
    seen = _sight_of_callbacks(desk, who)
    # What came over the account's one path may be about any connection.
    conn_paths, deployment = None if seen.every else seen.readable, desk.deployment()
    with desk.reading() as connection:
        page = dead_letter_pages.browse_dead_letters(
            connection,
            fate=Fate(fate) if fate else None,
            conn_paths=conn_paths,
            deployment=deployment,
            after=after,
            limit=CALLBACKS,
        )
        counted = dead_letter_pages.count_dead_letters(connection, conn_paths=conn_paths, deployment=deployment)
        turned_away = _turned_away(connection)
    # Older than what was looked at, one may have come over a path that nothing else has.
    named = {each.summary.conn_path for each in page.callbacks if each.summary.conn_path is not None}
    readable = who.connections(named, "GET") | {None}
    editable: set[str | None] = {*who.connections({*named, *seen.readable}, "PUT")}
    if seen.every and editable >= set(seen.readable):
        editable.add(None)
    return {
        "zone": zone,
        "callbacks": [
            (callback, callback.summary.conn_path in editable)
            for callback in page.callbacks
            if callback.summary.conn_path in readable
        ],
        "counted": counted,
        "counted_of": dead_letter_pages.COUNTED,
        "looked_at": dead_letter_pages.LOOKED_AT if page.cut_short else None,
        "every": seen.every,
        "fate": fate,
        "next": filters.write_key(page.after),
        "is_first": after is None,
        "turned_away": turned_away,
    }


def _sight_of_callbacks(desk: Desk, who: Reader) -> Sight:
    """
    Return which connections a reader may look into, those included that have callbacks and no message yet.

    :raises Forbidden: where they may look into none that has messages.
    """
    seen = sight(desk, who)
    with desk.reading() as connection:
        named = dead_letter_pages.conn_paths_of(connection)
    readable = who.connections(named, "GET")
    return Sight(tuple(sorted({*seen.readable, *readable})), seen.every and readable >= named)


def statistics(desk: Desk, who: Reader, given: Given) -> dict[str, Any]:
    """Return what the page of pictures shows."""
    seen = sight(desk, who, given.get("conn_id"))
    _check_dag(who, given.get("dag_id"))
    return summarized(desk, who, given, seen.conn_ids, seen.offered)


def _place(summary: MessageSummary, readable: set[str]) -> dict[str, Any] | None:
    """Return who asked for a message; None: a DAG that the reader may not read."""
    place = {name: value for name, value in asdict(summary).items() if name in _PLACE}
    return place if summary.dag_id is None or summary.dag_id in readable else None


def _dags_of(found: Iterable[MessageSummary]) -> set[str]:
    return {each.dag_id for each in found if each.dag_id is not None}


def _turned_away(connection: Any) -> receivers.TurnedAwayLately:
    from airflow_provider_ninebits.ledger.database import ledger_now

    return receivers.turned_away_since(connection, ledger_now(connection) - TURNED_AWAY_WITHIN)
