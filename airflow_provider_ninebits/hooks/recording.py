"""What 9bits has answered goes into the ledger, and is tried again where the ledger does not take it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.errors import LedgerUnreachable
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.rematching import rematch

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.states import MessageState

_RECORD_TRIES = 6

log = logging.getLogger(__name__)


def record_in_time(
    database: Database,
    message_id: str,
    request_id: int,
    answer: Answer,
    *,
    recipients: int,
    window: timedelta,
    sleep: Callable[[float], object],
    hurried: Callable[[], bool],
) -> MessageState:
    """
    Record what came of a request, and match the callbacks that waited for it.

    :param recipients: how many the message has.
    :param window: ``[ninebits] match_window``.
    :param hurried: asked after a failure: whether there is no time to try again.
    :return: the message's state.
    :raises LedgerUnreachable: when the ledger did not take it.
    """
    for attempt in range(1, _RECORD_TRIES + 1):
        try:
            recorded = record_answer(database, request_id, answer, message_id, recipients)
            break
        except LedgerUnreachable as error:
            if attempt == _RECORD_TRIES or hurried():
                raise
            log.warning("The answer to message %s is not recorded yet: %s", message_id, error)
            sleep(2.0 ** (attempt - 1))
    rematch(database, window=window, ref_ids=recorded.ref_ids, message_ids=recorded.message_ids)
    return recorded.state
