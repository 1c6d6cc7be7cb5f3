"""What a receiver is given."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

RETRY_AFTER_SECONDS = 30
"""Where a callback cannot be taken: as 9bits retries, the first time after 30 s (9bits: SMS REST pages)."""
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
"""Of a process of ours where nobody has set up logging."""


@dataclass(frozen=True)
class ReceiverSettings:
    """
    The options of a receiver; see the ``[ninebits]`` options of the same names.

    :param passwords: all that are taken, so that they can be rotated; none: nothing is taken.
    """

    ledger_url: str = field(repr=False)
    deployment: str = "default"
    username: str = "ninebits"
    passwords: tuple[str, ...] = field(default=(), repr=False)
    allow_unauthenticated: bool = False
    callback_timezone: str = "UTC"
    match_window_seconds: float = 86400.0

    @property
    def takes_callbacks(self) -> bool:
        """Whether anybody can deliver."""
        return bool(self.passwords) or self.allow_unauthenticated

    @cached_property
    def credential_digests(self) -> tuple[bytes, ...]:
        """The SHA-256 of each ``username:password`` that is taken."""
        return tuple(hashlib.sha256(f"{self.username}:{each}".encode()).digest() for each in self.passwords)
