"""What a resumed send keeps, and what it plans anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.staging import excluded_table, given_table
from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

KEPT = frozenset({MessageState.ACCEPTED, MessageState.SENDING, MessageState.UNCERTAIN})
"""Placed, or perhaps placed: such a part stays as it is, whatever is given when its send is resumed."""


@dataclass(frozen=True)
class Overlap:
    """
    What is given when a send is resumed, beside what the ledger has of it. All in numbers of recipients.

    :param unsent: of the stored ones, those whose part is not kept.
    :param given_and_stored: those that are in both.
    :param given_and_unsent: of these, those whose part is not kept.
    :param unsent_without_zones: whether there are such parts whose zones are not known, and have to be now.
    """

    given: int
    stored: int
    unsent: int
    given_and_stored: int
    given_and_unsent: int
    media_differs: bool = False
    unsent_media_differs: bool = False
    unsent_without_zones: bool = False


@dataclass(frozen=True)
class Difference:
    """
    How what is given differs from what is stored.

    :param difference: in words, for the log.
    :param plan_rest_anew: whether the parts that are not kept give way to what is given less the kept numbers.
    """

    difference: str
    plan_rest_anew: bool


def compare(overlap: Overlap) -> Difference | None:
    """
    Return what has changed when a send is resumed, or None where what is given is what is stored. Pure.

    Where only kept numbers are gone, the rest is what it was, and stays as it is planned.
    """
    added = overlap.given - overlap.given_and_stored
    gone = overlap.stored - overlap.given_and_stored
    if not (added or gone or overlap.media_differs or overlap.unsent_without_zones):
        return None
    words = [f"{added} numbers were added", f"{gone} are gone"]
    if overlap.media_differs:
        words.append("the media is another one")
    if overlap.unsent_without_zones:
        words.append("the calling hours are those of each destination now")
    rest_differs = bool(added) or overlap.given_and_unsent != overlap.unsent or overlap.unsent_without_zones
    return Difference(", ".join(words), plan_rest_anew=rest_differs or overlap.unsent_media_differs)


def read_overlap(connection: Connection, send_id: str, given: int, media: str, *, by_zones: bool) -> Overlap:
    """
    Count, in the database, what a send has in common with what is given now.

    :param connection: the one whose temporary table holds what is given.
    :param given: how many numbers that are.
    :param by_zones: whether each part has to have zones.
    """
    message, recipient = schema.message, schema.recipient
    of_the_send = (message.c.send_id == send_id) & (message.c.state != MessageState.REPLACED)
    unsent = message.c.state.not_in(KEPT)
    # One statement, so that no part changes its state between two counts.
    counts = connection.execute(
        select(
            func.count(),
            _count_if(unsent),
            func.count(given_table.c.number),
            _count_if(unsent & given_table.c.number.is_not(None)),
        )
        .select_from(message)
        .join(recipient, recipient.c.message_id == message.c.id)
        .outerjoin(given_table, given_table.c.number == recipient.c.number)
        .where(of_the_send)
    ).one()
    other_media = message.c.media_url != media
    media_differs, unsent_media_differs, without_zones = connection.execute(
        select(
            *(_count_if(other_media), _count_if(other_media & unsent)),
            _count_if(message.c.zones.is_(None) & unsent),
        ).where(of_the_send)
    ).one()
    stored, unsent_ones, given_and_stored, given_and_unsent = counts
    return Overlap(
        given,
        stored,
        unsent_ones,
        given_and_stored,
        given_and_unsent,
        media_differs=bool(media_differs),
        unsent_media_differs=bool(unsent_media_differs),
        unsent_without_zones=by_zones and bool(without_zones),
    )


def excluded_in_doubt(connection: Connection, send_id: str) -> frozenset[str]:
    """
    Return the parts of a send that may have been placed and hold excluded numbers: to send one again would ring them.

    :param connection: the one whose temporary table holds what is excluded.
    """
    message, recipient = schema.message, schema.recipient
    found = connection.execute(
        select(message.c.id)
        .distinct()
        .join(recipient, recipient.c.message_id == message.c.id)
        .join(excluded_table, excluded_table.c.number == recipient.c.number)
        .where(message.c.send_id == send_id, message.c.state.in_(KEPT - {MessageState.ACCEPTED}))
    ).scalars()
    return frozenset(found)


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
