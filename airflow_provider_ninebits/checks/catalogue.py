"""Every kind of finding, for the documentation and for the test that each can come."""

from __future__ import annotations

from airflow_provider_ninebits.checks import (
    callback_url,
    callbacks,
    connection,
    escalation,
    ledger,
    options,
    receivers,
    times,
    triggerer,
)

KINDS = (
    *options.KINDS,
    *connection.KINDS,
    *ledger.KINDS,
    *callback_url.KINDS,
    *receivers.KINDS,
    *callbacks.KINDS,
    *times.KINDS,
    *escalation.KINDS,
    *triggerer.KINDS,
)
SUBJECTS = tuple(dict.fromkeys(kind.subject for kind in KINDS))
"""In the order in which they are shown."""
