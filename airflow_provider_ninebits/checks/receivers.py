"""The receivers: whether one is up, and what they have turned away lately."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level, shown_moment
from airflow_provider_ninebits.ledger.receivers import LONGEST_GAP

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.vitals import ReceiverRow, ReceiverRows

LATELY = timedelta(hours=24)
_NO_WAIT_ENDS = "Callbacks reach nobody, and without them no wait ends."

NONE_YET = FindingKind(
    "receiver_none_yet",
    "receivers",
    "No receiver has ever written into this ledger; nothing was sent yet either.",
    _NO_WAIT_ENDS,
    "Before the first send start the API server with this package installed, or `python -m "
    "airflow_provider_ninebits.webhook`.",
    Level.NOTE,
)
NEVER = FindingKind(
    "receiver_never",
    "receivers",
    "No receiver has ever written into this ledger, and calls were sent.",
    _NO_WAIT_ENDS + " Nobody mounts one, or it has another ledger.",
    "Install the package where the API server runs and restart that, or run `python -m "
    "airflow_provider_ninebits.webhook`; give it the [ninebits] sql_alchemy_conn of this machine.",
)
SILENT = FindingKind(
    "receiver_silent",
    "receivers",
    "No receiver is up: the last, on {host}, has given no sign of life since {last}.",
    _NO_WAIT_ENDS + " It was killed, or is cut off from the ledger.",
    "Look at its process and log on {host}, and start it again.",
)
STOPPED = FindingKind(
    "receiver_stopped",
    "receivers",
    "No receiver is up: the last, on {host}, was stopped at {last}.",
    _NO_WAIT_ENDS,
    "Start it again: the API server, or `python -m airflow_provider_ninebits.webhook`.",
)
PLUGIN_MISSING = FindingKind(
    "plugin_missing",
    "receivers",
    "Airflow finds no plugin of this package in this environment.",
    "An API server of this environment mounts no receiver.",
    "Install it with pip, not by a path alone: `pip install airflow-provider-ninebits`; then restart the API server.",
)
UNAUTHORIZED = FindingKind(
    "callbacks_unauthorized",
    "receivers",
    "The receiver on {host} answered 401 to {count} callbacks since its start at {started}, the last at {last}.",
    "Each may be a lost outcome: 9bits never resends a callback that was answered with 401. (A test callback of "
    "`ninebits check` with a wrong password counts as one.)",
    "Make the user and password in the dashboard's callback URL those of [ninebits] webhook_username and "
    "webhook_password, and restart the receiver. While you change them, set both: `new,old`. Where only the dashboard "
    "was wrong and is right now, do nothing: this shows for 24 hours after the last 401, until {until}.",
)
WERE_UNAUTHORIZED = FindingKind(
    "callbacks_were_unauthorized",
    "receivers",
    "A receiver on {host}, which has ended, answered 401 to {count} callbacks since its start at {started}, the last "
    "at {last}. A newer one has taken callbacks since.",
    "Each may be a lost outcome: 9bits never resends a callback that was answered with 401.",
    "Nothing, if the password was wrong and is right now. `ninebits messages list` shows who was rung, and what came.",
    Level.NOTE,
)
OVERSIZED = FindingKind(
    "callbacks_oversized",
    "receivers",
    "The receiver on {host} answered 413 to {count} callbacks since its start at {started}, the last at {last}.",
    "They were larger than 1 MiB. 9bits does not send them again.",
    "Look in the proxy's log who sent them. 9bits' own callbacks have some hundred bytes.",
)
UNAVAILABLE = FindingKind(
    "callbacks_unavailable",
    "receivers",
    "The receiver on {host} answered 503 to {count} callbacks since its start at {started}, the last at {last}.",
    "9bits sends them again for about an hour, as its pages on SMS say.",
    "Its log says why: no password was configured, or the ledger took no write.",
    Level.NOTE,
)
KINDS = (
    *(NONE_YET, NEVER, SILENT, STOPPED, PLUGIN_MISSING),
    *(UNAUTHORIZED, WERE_UNAUTHORIZED, OVERSIZED, UNAVAILABLE),
)


def is_plugin_installed() -> bool:
    """Return whether Airflow finds this package's plugin here."""
    from importlib.metadata import entry_points

    return any(point.value.startswith("airflow_provider_ninebits.") for point in entry_points(group="airflow.plugins"))


def judge(seen: ReceiverRows, *, plugin_installed: bool) -> list[Finding]:
    """Return what is to be said of the receivers."""
    found = []
    if not any_up(seen):
        found.append(_none_up(seen))
        if not plugin_installed:
            found.append(PLUGIN_MISSING.found())
    for row in seen.rows:
        for kind, count, last in (
            (WERE_UNAUTHORIZED if _is_mended(row, seen) else UNAUTHORIZED, row.unauthorized, row.last_unauthorized_at),
            (OVERSIZED, row.oversized, row.last_oversized_at),
            (UNAVAILABLE, row.unavailable, row.last_unavailable_at),
        ):
            if last is not None and seen.now - last <= LATELY:
                found.append(
                    kind.found(
                        host=row.host,
                        count=count,
                        started=shown_moment(row.started_at),
                        last=shown_moment(last),
                        until=shown_moment(last + LATELY),
                    )
                )
    return found


def any_up(seen: ReceiverRows) -> bool:
    """Return whether a receiver is up."""
    return any(_is_up(row, seen) for row in seen.rows)


def without_password(seen: ReceiverRows, here: str) -> str | None:
    """
    Return what shows that a receiver lacks the password that these options lack; None: nothing does.

    :param here: the name of this machine.
    """
    for row in filter(lambda row: _is_up(row, seen), seen.rows):
        refused_at = row.last_unavailable_at
        stored_since = refused_at is not None and seen.stored_at is not None and seen.stored_at > refused_at
        if refused_at is not None and seen.now - refused_at <= LATELY and not stored_since:
            return f"the receiver on {row.host} answered 503 to callbacks, at {shown_moment(refused_at)} the last time"
        if row.host == here:
            return "a receiver is up on this machine"
    return None


def _is_up(row: ReceiverRow, seen: ReceiverRows) -> bool:
    return not row.stopped and seen.now - row.heartbeat_at <= LONGEST_GAP


def _is_mended(row: ReceiverRow, seen: ReceiverRows) -> bool:
    """Return whether a receiver that turned callbacks away has made room for one that takes them."""
    if _is_up(row, seen) or row.last_unauthorized_at is None or seen.stored_at is None:
        return False
    last = row.last_unauthorized_at
    return any(last < other.started_at < seen.stored_at for other in seen.rows)


def _none_up(seen: ReceiverRows) -> Finding:
    if not seen.rows:
        return (NEVER if seen.sent else NONE_YET).found()
    last = max(seen.rows, key=lambda row: row.heartbeat_at)
    return (STOPPED if last.stopped else SILENT).found(host=last.host, last=shown_moment(last.heartbeat_at))
