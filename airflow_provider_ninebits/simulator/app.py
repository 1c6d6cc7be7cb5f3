"""The routes: 9bits' own, and those by which a test directs the simulator."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_ninebits.api.numbers import canonical_number
from airflow_provider_ninebits.simulator.answers import (
    BadRequest,
    answer_body,
    new_ref_id,
    read_json,
    read_send,
    token_is_good,
)
from airflow_provider_ninebits.simulator.connections import LOSE_CONNECTION
from airflow_provider_ninebits.simulator.player import Player

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from airflow_provider_ninebits.simulator.answers import SendRequest
    from airflow_provider_ninebits.simulator.script import Fault
    from airflow_provider_ninebits.simulator.settings import SimulatorSettings


Found = TypeVar("Found")

# The token is checked before the method: a client learns from a GET whether its key is bad, without ringing anybody.
_ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_LARGEST_BODY_BYTES = 1 << 20
# A request of 1000 numbers is about 20 KB; what is larger is not worth keeping.
_LARGEST_KEPT_BODY_BYTES = 64 << 10


def simulator_app(settings: SimulatorSettings) -> Starlette:
    """
    Return the simulator as an ASGI application.

    It plays calls on the server's event loop, from the server's start to its stop (ASGI lifespan). The fault ``drop``
    needs the server that ``running_simulator`` and the command line start; under another one it answers 500.

    :raises ValueError: the settings' script cannot be played.
    """
    player = Player(settings)
    sends, control = _Sends(player), _Control(player)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await player.open()
        try:
            yield
        finally:
            await player.close()

    routes = [
        Route("/v1/sendvoice", sends.send, methods=_ANY_METHOD),
        Route("/simulator/script", control.script, methods=["POST"]),
        Route("/simulator/callback-url", control.callback_url, methods=["POST"]),
        Route("/simulator/reset", control.reset, methods=["POST"]),
        Route("/simulator/calls", control.calls),
        Route("/simulator/requests", control.requests),
        Route("/simulator/rung", control.rung),
        Route("/simulator/summary", control.summary),
        Route("/simulator/health", control.health),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _refused})


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = None if status == 405 else getattr(error, "detail", None)
    return JSONResponse(answer_body(status, message=message), status)


class _Sends:
    """``POST /v1/sendvoice``."""

    def __init__(self, player: Player) -> None:
        self._player = player

    async def send(self, request: Request) -> Response:
        """Answer as 9bits does, or as the script says."""
        record: dict[str, object] = {"at": datetime.now(UTC).isoformat(), "method": request.method, "status": None}
        record |= {"ref_id": None, "fault": None, "recipients": 0, "media_url": None}
        self._player.journal.add_request(record)
        self._player.sends_open += 1
        try:
            response = await self._answer(request, record)
        except ClientDisconnect:
            # Nobody is there to read it; the record keeps its status of None.
            response = Response(status_code=400)
        finally:
            self._player.sends_open -= 1
        return response

    async def _answer(self, request: Request, record: dict[str, object]) -> Response:
        raw = await _read_body(request)
        record["body"] = _json_or_none(raw) if len(raw) <= _LARGEST_KEPT_BODY_BYTES else None
        if not token_is_good(request.headers.get("authorization"), self._player.settings.api_key):
            return _answered(record, 401)
        if request.method != "POST":
            return _answered(record, 405)
        try:
            if len(raw) > _LARGEST_BODY_BYTES:
                raise BadRequest("The body is larger than 1 MiB")
            send = read_send(raw)
        except BadRequest as error:
            return _answered(record, 400, message=str(error))
        record |= {"to": send.to, "recipients": len(send.to), "media_url": send.media_url}
        ref_id = new_ref_id()
        fault = self._player.script.next_fault()
        if fault is None:
            record["ref_id"] = ref_id
            await self._player.place(send, ref_id)
            return _answered(record, 200, ref_id)
        return await self._fail(request, record, fault, send, ref_id)

    async def _fail(
        self, request: Request, record: dict[str, object], fault: Fault, send: SendRequest, ref_id: str
    ) -> Response:
        record["fault"] = fault.kind
        if fault.placed:
            record["ref_id"] = ref_id
            await self._player.place(send, ref_id)
        if fault.kind == "drop":
            return await _lose_connection(request)
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "wrong_ref_id":
            record["status"] = fault.status
            return JSONResponse(answer_body(fault.status) | {"ref_id": fault.ref_id}, fault.status)
        told = ref_id if fault.kind != "no_ref_id" and fault.status < 300 else None
        response = _answered(record, fault.status, told, fault.message)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = fault.retry_after
        return response


class _Control:
    """``/simulator/...``: no part of 9bits."""

    def __init__(self, player: Player) -> None:
        self._player = player

    async def script(self, request: Request) -> Response:
        """Take orders."""
        try:
            self._player.script.add(_json_or_none(await request.body()))
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        return JSONResponse({"faults_waiting": len(self._player.script.faults)})

    async def callback_url(self, request: Request) -> Response:
        """Point callbacks elsewhere; null stops them."""
        body = _json_or_none(await request.body())
        url = body.get("url") if isinstance(body, dict) else ""
        if url is not None and not isinstance(url, str):
            raise HTTPException(400, 'give {"url": "http://..."}')
        try:
            self._player.postman.point_to(url)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        address = self._player.postman.address
        return JSONResponse({"callback_url": address.url if address else None})

    async def reset(self, _: Request) -> Response:
        """Stop and forget everything but the callback URL."""
        await self._player.reset()
        return JSONResponse({"reset": True})

    async def calls(self, request: Request) -> Response:
        """Show calls, of one number or one send where asked, a page of them where asked."""
        number = request.query_params.get("number")
        if number is not None:
            # A "+" in a query is a blank, which is no part of a number either.
            number = canonical_number(number) or number
        found = self._player.journal.calls_of(number, request.query_params.get("ref_id"))
        return _paged(request, found, lambda call: call.shown())

    async def requests(self, request: Request) -> Response:
        """Show every send that came, refused ones too; never its token."""
        return _paged(request, list(self._player.journal.requests), dict)

    async def rung(self, _: Request) -> Response:
        """Show how often each number was rung."""
        return JSONResponse(dict(self._player.journal.rung))

    async def summary(self, _: Request) -> Response:
        """Show counts, and whether anything is left to do."""
        waiting = len(self._player.script.faults)
        return JSONResponse(self._player.journal.counts() | {"faults_waiting": waiting, "idle": self._player.idle})

    async def health(self, _: Request) -> Response:
        """Say that it is up."""
        return JSONResponse({"status": "ok"})


def _paged(request: Request, found: list[Found], shown: Callable[[Found], object]) -> JSONResponse:
    """Answer with the page that ``offset`` and ``limit`` name, or all; ``X-Total-Count`` says how many there are."""
    offset = _count_in_query(request, "offset", 0)
    limit = _count_in_query(request, "limit", len(found))
    page = [shown(each) for each in found[offset : offset + limit]]
    return JSONResponse(page, headers={"X-Total-Count": str(len(found))})


def _count_in_query(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise HTTPException(400, f"{name} is no whole number; give 0 or more")
    return int(text)


async def _read_body(request: Request) -> bytes:
    """Return the body; of one that is too large a piece that is too large as well, the rest being read and dropped."""
    kept = bytearray()
    async for piece in request.stream():
        if len(kept) <= _LARGEST_BODY_BYTES:
            kept += piece
    return bytes(kept)


def _answered(
    record: dict[str, object], status: int, ref_id: str | None = None, message: str | None = None
) -> JSONResponse:
    record["status"] = status
    return JSONResponse(answer_body(status, ref_id, message), status)


async def _lose_connection(request: Request) -> Response:
    lose = getattr(request.state, LOSE_CONNECTION, None)
    if lose is None:
        raise HTTPException(500, "this server cannot lose a connection; start the simulator by its command line")
    lose()
    # The server hears of the loss on the loop's next turn, and drops the answer below without a word.
    await asyncio.sleep(0)
    return Response(status_code=500)


def _json_or_none(raw: bytes) -> object:
    try:
        return read_json(raw)
    except ValueError:
        return None
