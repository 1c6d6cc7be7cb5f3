"""``on_uncertain="evidence"``: waiting until a callback, or silence, tells whether a message was placed."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.exceptions import MessageUncertain
from airflow_provider_ninebits.ledger.evidence import silence_until, why_unproved
from airflow_provider_ninebits.ledger.receivers import HEARTBEAT_SECONDS, LONGEST_GAP
from airflow_provider_ninebits.ledger.sends import read_part
from airflow_provider_ninebits.ledger.states import MessageState
from airflow_provider_ninebits.ledger.witnesses import read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_provider_ninebits.ledger.database import Database

POLL_SECONDS = 1.0
# The receivers' heartbeats from after the wait, which tell what they turned away in it, come that much later.
_HEARTBEATS_COME_WITHIN = timedelta(seconds=2 * HEARTBEAT_SECONDS)

log = logging.getLogger(__name__)


def silence_proves(
    database: Database,
    message_id: str,
    doubt: str,
    *,
    resumed_at: datetime,
    timeout: timedelta,
    window: timedelta,
    pause: Callable[[float], None],
) -> int | None:
    """
    Wait for evidence of a message in doubt.

    :param doubt: why it is in doubt, for the error.
    :param resumed_at: when this attempt met it, on the ledger's clock.
    :param timeout: ``evidence_timeout``, counted from then and from the message's last request.
    :param pause: sleeps, or raises where the task is to stop.
    :return: the message's revision: nothing was placed, and as long as it stays at that, it may be sent again. None:
        it is in doubt no more, or being sent.
    :raises MessageUncertain: when the silence proves nothing.
    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    revision, until = -1, resumed_at
    while True:
        part, now = read_part(database, message_id)
        lapsed = part.lease_expires_at is None or part.lease_expires_at <= now
        if not (part.state is MessageState.UNCERTAIN or (part.state is MessageState.SENDING and lapsed)):
            return None
        if part.revision != revision:
            # Another process with this key may have sent it again meanwhile: the silence begins anew.
            revision = part.revision
            requested_at = read_evidence(database, message_id, window=window).requested_at
            until = silence_until(requested_at, resumed_at, timeout)
            log.info("Message %s is in doubt; its callbacks are waited for until %s.", message_id, until.isoformat())
        if now >= until:
            reason = why_unproved(read_evidence(database, message_id, window=window), until, longest_gap=LONGEST_GAP)
            if reason is None:
                log.warning("Message %s was not placed: its callback would have been heard.", message_id)
                return revision
            if now >= until + _HEARTBEATS_COME_WITHIN:
                raise MessageUncertain([message_id], f"{doubt}, and {reason}")
        pause(POLL_SECONDS)
