"""Log lines that a person understands and a machine parses. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.hooks.receipts import SendReceipt
    from airflow_provider_ninebits.ledger.outcome import Outcome

_BARE = re.compile(r"[A-Za-z0-9_.:/@+*,-]+", re.ASCII)
_MOST_REF_IDS = 10


def log_line(sentence: str, event: str, **pairs: object) -> str:
    """
    Return a sentence with pairs behind it: ``9bits accepted message 1f: event=send_accepted message=1f recipients=2``.

    The pairs begin at the last `` event=``, whatever the sentence quotes: no value holds a ``=``.

    :param event: what happened, in a word that stays the same over versions, as the keys do.
    :param pairs: ids, states and counts; None is left out. A value that is not a plain word is a JSON string. No whole
        number may be among them.
    """
    shown = [f"{key}={_shown(value)}" for key, value in {"event": event, **pairs}.items() if value is not None]
    return f"{sentence} {' '.join(shown)}"


def outcome_line(sentence: str, event: str, outcome: Outcome) -> str:
    """Return the line about an outcome, with its counts."""
    return log_line(
        f"{sentence}: {outcome.summary()}.",
        event,
        **ref_id_pairs(outcome.ref_ids),
        recipients=outcome.recipients,
        answered=outcome.answered,
        unanswered=outcome.unanswered,
        failed=outcome.failed,
        pending=outcome.pending,
    )


def ref_id_pairs(ref_ids: Sequence[str]) -> dict[str, object]:
    """Return the pairs that name what was sent: the first ten, with commas between them, and how many there are."""
    return {"ref_id": ",".join(ref_ids[:_MOST_REF_IDS]) or None, "ref_ids": len(ref_ids)}


def resumed_line(receipt: SendReceipt, conn_id: str) -> str:
    """Return the line about a send of which nothing was left to be sent."""
    return log_line(
        "This send was placed before, so nobody was rung again.",
        "send_resumed",
        **ref_id_pairs(receipt.ref_ids),
        recipients=receipt.recipients,
        conn_id=conn_id,
    )


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text).replace("=", "\\u003d")
