"""Brings callbacks to the receiver, again and again where 9bits would."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from airflow_provider_ninebits.api.numbers import mask_number
from airflow_provider_ninebits.simulator.outcomes import REDELIVERY_AFTER_SECONDS, verdict_on
from airflow_provider_ninebits.simulator.settings import CallbackAddress

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from airflow_provider_ninebits.simulator.journal import Delivery
    from airflow_provider_ninebits.simulator.settings import SimulatorSettings

log = logging.getLogger(__name__)

_REPEAT_AFTER_SECONDS = 1.0
_CONNECTIONS_AT_ONCE = 20


class Postman:
    """
    Posts bodies to the callback URL of the account.

    :param sleep: and ``clock``: seconds of this machine, of which a test has its own.
    """

    def __init__(
        self,
        settings: SimulatorSettings,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._speed = settings.speed
        self._timeout_seconds = settings.callback_timeout_seconds
        # One client for each connection: for each request a client looks through all its connections and all who wait
        # for one, which with thousands of callbacks on their way is most of its work.
        self._clients: set[httpx.AsyncClient] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._certificates: ssl.SSLContext | None = None
        self._idle: asyncio.LifoQueue[httpx.AsyncClient] = asyncio.LifoQueue()
        self.address: CallbackAddress | None = None
        self.point_to(settings.callback_url)

    def point_to(self, url: str | None) -> None:
        """
        Change where callbacks go, those that wait for redelivery too.

        :raises ValueError: it is no http(s) URL; the old one stays.
        """
        self.address = None if url is None else CallbackAddress.read(url)

    async def open(self) -> None:
        """Get ready to post."""
        self._certificates = httpx.create_ssl_context()
        for _ in range(_CONNECTIONS_AT_ONCE):
            self._idle.put_nowait(self._client())

    async def close(self) -> None:
        """Let go of the connections."""
        for client in self._clients:
            await client.aclose()
        await asyncio.gather(*self._closing)

    def _client(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            timeout=self._timeout_seconds,
            limits=httpx.Limits(max_connections=1),
            verify=self._certificates or httpx.create_ssl_context(),
            # A proxy of the environment would get the callbacks for localhost.
            trust_env=False,
        )
        self._clients.add(client)
        return client

    def _another_than(self, client: httpx.AsyncClient) -> httpx.AsyncClient:
        self._clients.discard(client)
        closing = asyncio.get_running_loop().create_task(client.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        return self._client()

    async def deliver(self, delivery: Delivery, *, repeated: bool, tried: asyncio.Event) -> None:
        """
        Bring one callback, and tell its state in ``delivery``.

        :param repeated: bring it a second time once it was taken.
        :param tried: set after the first POST, whatever came of it.
        """
        try:
            await self._bring(delivery, tried)
            if repeated and delivery.state == "delivered":
                await self._wait(_REPEAT_AFTER_SECONDS)
                await self._post(delivery)
        finally:
            tried.set()

    async def _bring(self, delivery: Delivery, tried: asyncio.Event) -> None:
        first_failure: float | None = None
        for after_seconds in (0, *REDELIVERY_AFTER_SECONDS):
            if first_failure is not None:
                await self._sleep(max(first_failure + after_seconds / self._speed - self._clock(), 0.0))
            if self.address is None:
                delivery.state = "no_url"
                return
            verdict = verdict_on(await self._post(delivery))
            tried.set()
            if verdict != "again":
                delivery.state = verdict
                return
            first_failure = self._clock() if first_failure is None else first_failure
        delivery.state = "given_up"

    async def _post(self, delivery: Delivery) -> int | None:
        if not self._clients:
            raise RuntimeError("the simulator was not started: run its app with a server that plays its lifespan")
        # It may wait for its turn as long as it takes: it is not the receiver who is slow then.
        client, status = await self._idle.get(), None
        try:
            address = self.address
            if address is None:
                return None
            at, status = datetime.now(UTC), await self._answer(client, address, delivery)
        finally:
            # Without an answer (one that is cancelled, too) its one connection may be lost to it: whatever it were to
            # bring from then on would wait for that for ever.
            self._idle.put_nowait(self._another_than(client) if status is None else client)
        delivery.tries.append({"at": at.isoformat(), "status": status})
        to = (delivery.body or {}).get("to_number")
        log.info("callback for %s: %s", mask_number(to) if to else "a send", status or "to be sent again")
        return status

    async def _answer(self, client: httpx.AsyncClient, address: CallbackAddress, delivery: Delivery) -> int | None:
        auth = httpx.Auth() if address.credentials is None else httpx.BasicAuth(*address.credentials)
        try:
            answer = await client.post(address.url, json=delivery.body, auth=auth)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Without its query, in which some receivers have a token.
            log.info("callback: no answer from %s: %s", address.url.partition("?")[0], type(error).__name__)
            return None
        return answer.status_code

    async def _wait(self, seconds: float) -> None:
        await self._sleep(seconds / self._speed)
