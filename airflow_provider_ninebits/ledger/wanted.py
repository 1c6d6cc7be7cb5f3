"""Which events somebody wants, and the name under which the ledger keeps them. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from airflow_provider_ninebits.ledger.states import RecipientState

TOLD_STATES = (RecipientState.ANSWERED, RecipientState.UNANSWERED, RecipientState.FAILED)
"""The states that an event can be about."""


@dataclass(frozen=True)
class Wanted:
    """
    What a subscription wants. Two that want the same have one name, and so share what is kept for them.

    :param deployment: which Airflow waits: several that share a ledger are told of their own messages only.
    :param conn_id: of messages over this connection; None: over any.
    :param number_prefixes: of numbers that begin with one of these, canonical; none: of any.
    :param states: of recipients that reach one of these.
    """

    deployment: str
    conn_id: str | None = None
    number_prefixes: tuple[str, ...] = ()
    states: tuple[RecipientState, ...] = TOLD_STATES

    @cached_property
    def subscription_id(self) -> str:
        """The name: the same after a restart, on another machine, and in whichever order things were given."""
        said = [self.deployment, self.conn_id, sorted(set(self.number_prefixes)), sorted(set(self.states))]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def covers(self, *, deployment: str, conn_id: str, number: str, state: RecipientState) -> bool:
        """Return whether an event is wanted."""
        return (
            deployment == self.deployment
            and self.conn_id in (None, conn_id)
            and state in self.states
            and (not self.number_prefixes or number.startswith(self.number_prefixes))
        )
