from __future__ import annotations

import pytest

from airflow_provider_ninebits.webhook.waiting import Delivery, Waiting
from tests.unit.webhook.clock import Clock


class Scene:
    """Deliveries by name, and what those who wait were told, with the second in which they were."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.waiting = Waiting(self.clock)
        self.told: dict[str, tuple[float, Exception | None]] = {}

    def add(self, name: str, ends_at: float) -> Delivery:
        def settled(error: Exception | None) -> None:
            assert name not in self.told
            self.told[name] = (self.clock.time(), error)

        delivery = Delivery((), 0, self.waiting, ends_at, settled)
        self.waiting.add(delivery)
        return delivery

    @property
    def given_up(self) -> dict[str, float]:
        return {name: at for name, (at, error) in self.told.items() if isinstance(error, TimeoutError)}


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_each_is_given_up_at_its_own_time(scene: Scene) -> None:
    scene.add("a callback", 2.0)
    scene.add("a list", 22.0)
    scene.clock.go_to(0.5)
    scene.add("one more", 2.5)
    # After those of longer patience.
    scene.add("a ping", 1.0)
    scene.clock.go_to(30.0)
    assert scene.given_up == {"a ping": 1.0, "a callback": 2.0, "one more": 2.5, "a list": 22.0}


def test_what_was_ended_is_not_given_up_and_delays_nobody(scene: Scene) -> None:
    first, error = scene.add("first", 2.0), ValueError()
    scene.clock.go_to(1.0)
    scene.add("second", 3.0)
    first.error = error
    scene.waiting.end([first])
    scene.clock.go_to(10.0)
    assert scene.told["first"] == (1.0, error)
    assert scene.given_up == {"second": 3.0}


def test_what_was_given_up_is_told_of_no_end(scene: Scene) -> None:
    late = scene.add("late", 2.0)
    scene.clock.go_to(2.0)
    late.error = None
    scene.waiting.end([late])
    assert scene.given_up == {"late": 2.0}


def test_all_have_one_timer_and_nobody_none(scene: Scene) -> None:
    deliveries = [scene.add(str(place), 9.0 - place) for place in range(5)]
    assert scene.clock.timers == 1
    scene.waiting.end(deliveries)
    scene.clock.go_to(9.0)
    assert scene.clock.timers == 0
    scene.add("anew", 11.0)
    scene.clock.go_to(11.0)
    assert scene.given_up == {"anew": 11.0}


def test_one_who_cannot_be_told_keeps_nobody_from_being_told(scene: Scene) -> None:
    def fails(_: Exception | None) -> None:
        raise RuntimeError("the connection is in no state for it")

    unlucky = [Delivery((), 0, scene.waiting, ends_at, fails) for ends_at in (2.0, 9.0)]
    for each in unlucky:
        scene.waiting.add(each)
    others = [scene.add("given up", 2.0), scene.add("ended", 9.0)]
    scene.clock.go_to(2.0)
    scene.waiting.end([*unlucky, *others])
    assert scene.told["ended"] == (2.0, None)
    assert scene.given_up == {"given up": 2.0}
