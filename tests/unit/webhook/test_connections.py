"""How long a connection may be idle, or owe its request; over a socket test_slow_senders.py asks that."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from airflow_provider_ninebits.webhook.connections import HEAD_SECONDS
from airflow_provider_ninebits.webhook.direct import INTAKE, DirectConnection
from airflow_provider_ninebits.webhook.intake import TAKEN, UNAUTHORIZED
from airflow_provider_ninebits.webhook.serving import KEEP_ALIVE_SECONDS
from tests.unit.webhook.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_ninebits.webhook.intake import Answer

REQUEST = b"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
HALF = REQUEST[:30]


class Wire(asyncio.Transport):
    """What a connection writes to, and when it closed it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.closed_at: float | None = None
        self.written = b""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, what: Any) -> None:
        self.written += what

    def is_closing(self) -> bool:
        return self.closed_at is not None

    def close(self) -> None:
        self.closed_at = self._clock.time()


class Scene:
    """A connection, and an intake that answers when it is told to."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.wire = Wire(self.clock)
        self.asked: list[Callable[[Answer], None]] = []
        config = Config(lambda: None, timeout_keep_alive=KEEP_ALIVE_SECONDS, log_config=None, ws="none")
        state = {INTAKE: (self, b"/callback")}
        self.connection = DirectConnection(config, ServerState(), state, _loop=self.clock)
        self.connection.connection_made(self.wire)

    def take(self, _: Sequence[bytes], __: bytes, ___: object, answer: Callable[[Answer], None]) -> None:
        self.asked.append(answer)

    def play(self, steps: dict[float, bytes | Answer]) -> None:
        """Send what is bytes, and answer what is none."""
        for at, step in steps.items():
            self.clock.go_to(at)
            assert not self.wire.is_closing()
            if isinstance(step, bytes):
                self.connection.data_received(step)
            else:
                self.asked.pop()(step)
        self.clock.go_to(1000.0)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene()
    monkeypatch.setattr(time, "monotonic", made.clock.time)
    made.connection.free_since = 0.0
    return made


@pytest.mark.parametrize(
    ("steps", "answered_at"),
    [
        pytest.param({0.1: REQUEST, 0.2: TAKEN}, 0.2, id="after its first answer"),
        pytest.param({3.0: REQUEST, 4.0: TAKEN, 8.9: REQUEST, 9.0: TAKEN}, 9.0, id="after the last of its answers"),
        pytest.param({1.0: REQUEST, 31.0: UNAUTHORIZED}, 31.0, id="after an answer that took long"),
        pytest.param({9.9: REQUEST, 10.0: TAKEN}, 10.0, id="after an answer when its first time was over"),
        pytest.param({0.1: REQUEST, 0.2: TAKEN, 5.1: HALF, 5.3: REQUEST[30:], 5.4: TAKEN}, 5.4, id="after pieces"),
        pytest.param(
            {4.0: REQUEST, 4.8: TAKEN, 4.9: HALF, 5.1: REQUEST[30:], 5.2: TAKEN},
            5.2,
            id="after pieces, looked at between",
        ),
    ],
)
def test_one_that_is_idle_is_closed_without_a_word(
    scene: Scene, steps: dict[float, bytes | Answer], answered_at: float
) -> None:
    scene.play(steps)
    assert scene.wire.closed_at == pytest.approx(answered_at + KEEP_ALIVE_SECONDS)
    assert b"503" not in scene.wire.written


@pytest.mark.parametrize(
    ("steps", "free_since"),
    [
        pytest.param({0.1: HALF}, 0.0, id="the first request"),
        pytest.param({3.0: HALF[:5], 9.9: HALF[5:]}, 0.0, id="the first request, in pieces"),
        pytest.param({0.1: REQUEST, 0.2: TAKEN, 5.1: HALF}, 0.2, id="the second request"),
        pytest.param({7.0: REQUEST, 9.0: TAKEN, 9.1: REQUEST, 9.5: TAKEN, 14.4: HALF}, 9.5, id="the third request"),
    ],
)
def test_one_that_owes_the_rest_of_its_request_is_told_to_come_again(
    scene: Scene, steps: dict[float, bytes | Answer], free_since: float
) -> None:
    scene.play(steps)
    assert scene.wire.closed_at == pytest.approx(free_since + HEAD_SECONDS)
    assert b"503" in scene.wire.written


def test_one_that_says_nothing_has_the_time_of_a_request(scene: Scene) -> None:
    scene.play({})
    assert (scene.wire.closed_at, scene.wire.written) == (HEAD_SECONDS, b"")


def test_one_that_waits_for_its_answer_stays(scene: Scene) -> None:
    scene.play({0.1: REQUEST})
    assert not scene.wire.is_closing()
    assert scene.clock.timers == 0


def test_one_that_was_lost_has_no_timer(scene: Scene) -> None:
    scene.connection.connection_lost(None)
    assert scene.clock.timers == 0
