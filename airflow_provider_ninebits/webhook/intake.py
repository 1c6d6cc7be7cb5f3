"""What becomes of a callback that was sent here: who may deliver, what is answered, and that it is committed before."""

from __future__ import annotations

import hashlib
import logging
from hmac import compare_digest
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.webhook.arrivals import read_arrivals
from airflow_provider_ninebits.webhook.authentication import is_authorized
from airflow_provider_ninebits.webhook.reasons import reason
from airflow_provider_ninebits.webhook.settings import RETRY_AFTER_SECONDS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from airflow_provider_ninebits.webhook.settings import ReceiverSettings
    from airflow_provider_ninebits.webhook.throttle import ThrottledLog
    from airflow_provider_ninebits.webhook.upkeep import Upkeep
    from airflow_provider_ninebits.webhook.writer import Writer

COMMIT_SECONDS = 2.0
BODY = b"{}"


class Answer:
    """
    An answer to a callback, as both doors write it.

    :param headers: beside those that all of them have; an underscore stands for a hyphen.
    """

    def __init__(self, status: int, **headers: str) -> None:
        self.status = status
        self.headers = [(b"content-length", b"%d" % len(BODY)), (b"content-type", b"application/json")]
        self.headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.first_line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        self.rest = b"".join(b"%b: %b\r\n" % header for header in self.headers) + b"\r\n" + BODY

    @property
    def start(self) -> dict[str, Any]:
        """The ASGI message that begins it. Anew for each: who is in between may add to the headers."""
        return {"type": "http.response.start", "status": self.status, "headers": [*self.headers]}


TAKEN = Answer(200)
UNAUTHORIZED = Answer(401, www_authenticate='Basic realm="ninebits"')
TOO_LARGE = Answer(413, connection="close")
UNAVAILABLE = Answer(503, retry_after=str(RETRY_AFTER_SECONDS))


class Intake:
    """
    Takes callbacks, however they came in: 2xx says that one is on disk.

    :param throttled: where it says what it turns away.
    """

    def __init__(self, settings: ReceiverSettings, writer: Writer, upkeep: Upkeep, throttled: ThrottledLog) -> None:
        self.settings = settings
        self.writer = writer
        self._upkeep = upkeep
        self._throttled = throttled
        self._last_authorized = b""

    def refusal(self, shown: Sequence[bytes]) -> Answer | None:
        """
        Return what somebody is answered who may not deliver; None: they may.

        :param shown: the values of all ``Authorization`` headers.
        """
        if not self.settings.takes_callbacks:
            return self.unavailable("No password is configured", "Set [ninebits] webhook_password.")
        if self._is_authorized(shown):
            return None
        self._upkeep.turn_away(unauthorized=1)
        self._throttled.note(
            logging.ERROR,
            "A callback was answered 401",
            "9bits does not send it again: compare its callback URL with [ninebits] webhook_password.",
        )
        return UNAUTHORIZED

    def _is_authorized(self, shown: Sequence[bytes]) -> bool:
        if len(shown) != 1:
            return is_authorized([value.decode("latin-1") for value in shown], self.settings)
        # Nearly all show the same, and to read it takes longer than to tell that.
        digest = hashlib.sha256(shown[0]).digest()
        if compare_digest(digest, self._last_authorized):
            return True
        authorized = is_authorized([shown[0].decode("latin-1")], self.settings)
        if authorized:
            self._last_authorized = digest
        return authorized

    def too_large(self) -> Answer:
        """Return what a body over the limit is answered."""
        self._upkeep.turn_away(oversized=1)
        self._throttled.note(logging.ERROR, "A callback was answered 413", "It was larger than 1 MiB.")
        return TOO_LARGE

    def unavailable(self, kind: str, advice: str) -> Answer:
        """Return what is answered where a callback is to come again: any reason, but no other status."""
        self._upkeep.turn_away(unavailable=1)
        self._throttled.note(logging.ERROR, kind, f"9bits sends it again. {advice}")
        return UNAVAILABLE

    def failed(self, error: Exception) -> Answer:
        """Return what is answered where taking a callback went wrong."""
        return self.unavailable("A callback could not be taken", reason(error))

    def not_stored(self, error: Exception) -> Answer:
        """Return what is answered where a callback was not committed."""
        return self.unavailable("A callback could not be stored", reason(error))

    def take(
        self,
        shown: Sequence[bytes],
        body: bytes,
        loop: asyncio.AbstractEventLoop,
        answer: Callable[[Answer], None],
    ) -> None:
        """
        Take one callback that came whole, over the account's one path.

        :param body: a JSON object, if it is any: what is one callback and no list.
        :param answer: called with the answer, in the loop; at once, or when it is committed.
        """

        def settled(error: Exception | None) -> None:
            answer(TAKEN if error is None else self.not_stored(error))

        try:
            refused = self.refusal(shown)
            if refused is None:
                arrivals = read_arrivals(body, None, self.settings.callback_timezone)
        except Exception as error:  # never a 5xx but this one: 9bits sends it again
            refused = self.failed(error)
        if refused is not None:
            answer(refused)
            return
        try:
            self.writer.submit(arrivals, loop, loop.time() + COMMIT_SECONDS, settled)
        except Exception as error:  # likewise
            settled(error)
