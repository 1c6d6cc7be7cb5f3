"""When a callback comes again: the real postman and receiver, with a clock that jumps."""

from __future__ import annotations

import asyncio
import socket

import pytest

from airflow_provider_ninebits.simulator import SimulatorSettings
from airflow_provider_ninebits.simulator.journal import Delivery
from airflow_provider_ninebits.simulator.postman import Postman

SCHEDULE = [30, 60, 120, 240, 480, 960, 1920, 3600]


class JumpingClock:
    """Time passes only while somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.woke_at: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.woke_at.append(self.now - 1000.0)


async def brought(settings: SimulatorSettings, clock: JumpingClock, *, repeated: bool = False) -> Delivery:
    postman = Postman(settings, sleep=clock.sleep, clock=clock)
    delivery = Delivery({"to_number": "2348020000000"})
    await postman.open()
    try:
        await postman.deliver(delivery, repeated=repeated, tried=asyncio.Event())
    finally:
        await postman.close()
    return delivery


@pytest.mark.parametrize("failure", [500, 429])
@pytest.mark.parametrize("speed", [1, 10])
async def test_redeliveries_follow_the_schedule_counted_from_the_first_failure(receiver, failure, speed) -> None:
    receiver.answers.extend([failure] * 100)
    clock = JumpingClock()
    delivery = await brought(SimulatorSettings(callback_url=receiver.url, speed=speed), clock)
    assert clock.woke_at == pytest.approx([seconds / speed for seconds in SCHEDULE])
    assert (delivery.state, len(receiver.bodies)) == ("given_up", 9)


async def test_nothing_is_waited_for_after_a_refusal(receiver) -> None:
    receiver.answers.append(401)
    clock = JumpingClock()
    delivery = await brought(SimulatorSettings(callback_url=receiver.url, repeat_rate=1), clock, repeated=True)
    assert (delivery.state, clock.woke_at, len(receiver.bodies)) == ("refused", [], 1)


async def test_a_receiver_that_recovers_ends_the_schedule(receiver) -> None:
    receiver.answers.extend([503, None, 429, 200])
    clock = JumpingClock()
    delivery = await brought(SimulatorSettings(callback_url=receiver.url), clock)
    assert (delivery.state, clock.woke_at) == ("delivered", pytest.approx([30, 60, 120]))


async def test_what_was_broken_off_keeps_no_connection_from_those_that_come_after_it(receiver) -> None:
    postman = Postman(SimulatorSettings(callback_url=receiver.url, callback_timeout_seconds=1))
    await postman.open()
    try:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            postman.point_to(f"http://127.0.0.1:{silent.getsockname()[1]}/callback")
            # At every step of a request, more than there are clients.
            for turns in range(60):
                delivering = asyncio.create_task(
                    postman.deliver(Delivery({"to_number": "2348020000000"}), repeated=False, tried=asyncio.Event())
                )
                for _ in range(turns):
                    await asyncio.sleep(0)
                delivering.cancel()
                await asyncio.wait([delivering])
        postman.point_to(receiver.url)
        deliveries = [Delivery({"to_number": f"23480200000{each}"}) for each in range(40)]
        for delivery in deliveries:
            await postman.deliver(delivery, repeated=False, tried=asyncio.Event())
    finally:
        await postman.close()
    assert {delivery.state for delivery in deliveries} == {"delivered"}
    assert [len(delivery.tries) for delivery in deliveries] == [1] * 40
