"""What goes to XCom while a send is under way, and when it has failed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.operators import pushing
from airflow_provider_ninebits.operators.pushing import PlacedParts, push_what_was_placed

if TYPE_CHECKING:
    import pytest


class Instance:
    """A task instance that keeps what is pushed, or cannot take it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.pushed: list[Any] = []
        self._error = error

    def xcom_push(self, key: str, value: object) -> None:
        assert key == "ref_id"
        if self._error is not None:
            raise self._error
        self.pushed.append(value)


def test_ref_ids_are_in_the_order_of_the_parts_whichever_is_placed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "PUSH_INTERVAL_SECONDS", -1.0)
    instance = Instance()
    placed = PlacedParts(instance)
    for ref_id, place in (("b", 1), ("k", 10), ("a", 0)):
        placed.add(ref_id, place)
    assert instance.pushed == ["b", ["b", "k"], ["a", "b", "k"]]


def test_a_push_after_a_failure_raises_no_error_of_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.ledger.sends.placed_refs", lambda *_: ["a", "b"])
    plan: Any = SimpleNamespace(idempotency_key="k")
    instance = Instance()
    push_what_was_placed(object(), plan, instance)  # type: ignore[arg-type]
    assert instance.pushed == [["a", "b"]]
    push_what_was_placed(object(), plan, Instance(RuntimeError("XCom is away")))  # type: ignore[arg-type]
    assert "XCom is away" in caplog.text
