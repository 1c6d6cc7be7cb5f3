"""What became of the newest callbacks, and what waits for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level, shown_moment
from airflow_provider_ninebits.ledger.states import MatchState

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.vitals import CallbackRows

STILL_WAITING = timedelta(minutes=10)
"""A callback may come before the answer to its request is recorded, and is matched then."""
LATELY = timedelta(days=7)
_ENOUGH = 5

UNMATCHED = FindingKind(
    "callbacks_unmatched",
    "callbacks",
    "{count} of the {newest} newest callbacks are about nobody whom this ledger has rung, the last at {last}.",
    "They settle nobody: their waits end by their time-outs. Or somebody else rings over the same account.",
    "`ninebits callbacks list --state unmatched` shows them. If they came late, raise [ninebits] match_window and run "
    "`ninebits callbacks rematch`.",
    Level.NOTE,
)
NONE_MATCHED = FindingKind(
    "callbacks_none_matched",
    "callbacks",
    "None of the {newest} newest callbacks is about anybody whom this ledger has rung, and calls were sent meanwhile.",
    "No wait ends: calls are recorded in another ledger than callbacks.",
    "Give receivers, workers and triggerers the same [ninebits] sql_alchemy_conn. `ninebits callbacks list --state "
    "unmatched` shows what came.",
)
UNREADABLE = FindingKind(
    "callbacks_unreadable",
    "callbacks",
    "Callbacks of the last 7 days that cannot be read: {count}, the last at {last}.",
    "Each may be an outcome that is lost to its wait.",
    "`ninebits callbacks list --state unreadable` says why, `ninebits callbacks show ID` shows the body. If it is "
    "9bits' own, report it to this project; if not, somebody else has the password: change it.",
)
UNCERTAIN = FindingKind(
    "messages_uncertain",
    "callbacks",
    "Messages in doubt: {count}. Nobody knows whether their phones rang.",
    "Their tasks have failed, and are not retried, until a person says what happened.",
    "`ninebits messages list --state uncertain`; look for the calls in the 9bits dashboard, then `ninebits messages "
    "resolve ID --placed` or `--not-placed`, and clear the task.",
)
KINDS = (UNMATCHED, NONE_MATCHED, UNREADABLE, UNCERTAIN)


def judge(seen: CallbackRows) -> list[Finding]:
    """Return what is to be said of the newest callbacks."""
    found = []
    settled = [row for row in seen.rows if row.received_at < seen.now - STILL_WAITING]
    unmatched = [row.received_at for row in settled if row.match_state == MatchState.UNMATCHED]
    unreadable = [
        row.received_at
        for row in seen.rows
        if row.match_state == MatchState.UNREADABLE and row.received_at >= seen.now - LATELY
    ]
    nobody = len(unmatched) >= _ENOUGH and not any(row.match_state == MatchState.MATCHED for row in seen.rows)
    # Before anything is sent they are somebody else's: another Airflow's of the account, or a person's tries.
    if nobody and seen.accepted_meanwhile:
        found.append(NONE_MATCHED.found(newest=len(unmatched)))
    elif unmatched:
        last = shown_moment(max(unmatched))
        found.append(UNMATCHED.found(count=len(unmatched), newest=len(settled), last=last))
    if unreadable:
        last = shown_moment(max(unreadable))
        found.append(UNREADABLE.found(count=len(unreadable), last=last))
    if seen.uncertain:
        found.append(UNCERTAIN.found(count=seen.uncertain))
    return found
