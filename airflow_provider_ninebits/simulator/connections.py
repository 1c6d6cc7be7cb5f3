"""A connection of the server that can be lost on demand, before a byte of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

LOSE_CONNECTION = "lose_connection"
"""Where a request's state has the function that does it."""


class LosableConnection(H11Protocol):
    """Gives each request a way to cut the connection that it came over; ASGI has none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lose: Callable[[], None] = self._lose
        self.app_state = {**self.app_state, LOSE_CONNECTION: lose}

    def _lose(self) -> None:
        self.transport.abort()
