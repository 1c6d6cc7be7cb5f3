"""
What can go wrong between us and 9bits.

::

    NineBitsError
    ├── InvalidMessage (ValueError)    cannot be sent; nothing was
    │   ├── InvalidRecipient
    │   └── InvalidMediaURL
    ├── InvalidClient (ValueError)     a key, base URL or time-out that cannot be used
    └── SendError                      knows the status, and whether a call was placed
        ├── SendRefused                no call was placed
        │   ├── AuthenticationFailed   401: the key is wrong
        │   ├── RateLimited            429: later
        │   └── NotConnected           9bits never saw the request
        └── SendUncertain              nobody knows

Catch :class:`SendRefused` to send again, :class:`SendUncertain` to ask somebody first.
"""

from __future__ import annotations


class NineBitsError(Exception):
    """Base of all errors of the API."""


class InvalidMessage(NineBitsError, ValueError):
    """What was given cannot be sent; nothing was."""


class InvalidRecipient(InvalidMessage):
    """A destination that is no possible international number."""


class InvalidMediaURL(InvalidMessage):
    """A media URL that 9bits could not fetch."""


class InvalidClient(NineBitsError, ValueError):
    """The API key, the base URL or the time-out cannot be used; nothing was sent."""


class SendError(NineBitsError):
    """
    A request did not end in a receipt.

    :param detail: what 9bits or the network said, without secrets.
    :param status: the HTTP status (or the ``status_code`` of the body); None: no answer.
    """

    placed: bool | None = None
    """False: no call was placed. None: unknown."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail, status)
        self.detail = detail
        self.status = status

    def __str__(self) -> str:
        return self.detail if self.status is None else f"{self.detail} (HTTP status {self.status})"


class SendRefused(SendError):
    """No call was placed; sending again rings nobody twice."""

    placed = False


class AuthenticationFailed(SendRefused):
    """9bits refused the API key."""


class RateLimited(SendRefused):
    """
    Too many requests (429).

    :param retry_after_seconds: what ``Retry-After`` asked for, where it came (not documented by 9bits).
    """

    def __init__(self, detail: str, status: int | None = 429, retry_after_seconds: float | None = None) -> None:
        super().__init__(detail, status)
        # What pickle hands to the constructor of the copy.
        self.args = (detail, status, retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class NotConnected(SendRefused):
    """Nothing of the request was written: 9bits never saw it."""


class SendUncertain(SendError):
    """The request was written, and no clear answer came: calls may have been placed."""
