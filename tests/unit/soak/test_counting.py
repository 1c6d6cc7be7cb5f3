"""The soak's count must find what it is there for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from scripts.soak.counting import Account, CallSeen, Played, RecipientSeen, differences, summed_up

ADA, BEN = "2348020000001", "2348020000002"


def shown(number: str = ADA, *, second: int = 1, answered: bool = True, named: bool = True, **callback: Any) -> Any:
    """A call as the simulator shows it."""
    body = {
        "start_at": f"2026-01-01 10:00:0{second}",
        "answer_at": f"2026-01-01 10:00:0{second + 1}" if answered else "0000-00-00 00:00:00",
        "end_at": f"2026-01-01 10:00:0{second + 2}",
        "total_duration": 2,
        "call_duration": 1,
        "total_amount": "3.50" if answered else "0",
    } | ({"ref_id": "r1"} if named else {})
    delivery = {"state": "delivered", "body": body, "tries": [{"status": 200}]} | callback
    return {"ref_id": "r1", "number": number, "callback": delivery}


def call(number: str = ADA, *, second: int = 1, answered: bool = True, named: bool = True) -> CallSeen:
    """The same as the ledger has it."""

    def moment(place: int) -> datetime:
        return datetime(2026, 1, 1, 10, 0, place, tzinfo=UTC)

    return CallSeen(
        "r1",
        number,
        "r1" if named else None,
        moment(second),
        moment(second + 1) if answered else None,
        moment(second + 2),
        2,
        1,
        Decimal("3.5") if answered else Decimal(0),
    )


def recipient(number: str = ADA, state: str = "answered", attempts: int = 1, amount: str = "3.5") -> RecipientSeen:
    return RecipientSeen("r1", number, state, attempts, Decimal(amount))


def found(calls: list[Any], kept: Account) -> list[str]:
    played = Played()
    played.add(calls)
    return differences(played.close(["r1"]), kept)


def kept(*calls: CallSeen, recipients: tuple[RecipientSeen, ...] = (recipient(),), times: int = 1) -> Account:
    return Account(calls=dict.fromkeys(calls, (times, times)), recipients=Counter(recipients), answers=Counter(["r1"]))


def test_what_is_the_same_has_no_difference() -> None:
    two = [shown(answered=False), shown(second=4), shown(BEN, answered=False)]
    ledger = kept(
        call(answered=False),
        call(second=4),
        call(BEN, answered=False),
        recipients=(recipient(attempts=2), recipient(BEN, "unanswered", amount="0")),
    )
    assert found(two, ledger) == []


@pytest.mark.parametrize(
    ("ledger", "says"),
    [
        pytest.param(kept(), "callback is missing in the ledger", id="lost"),
        pytest.param(kept(call(), call(BEN)), "callback was never played", id="out of nowhere"),
        pytest.param(kept(replace(call(), total_amount=Decimal(4))), "is missing", id="another amount"),
        pytest.param(kept(replace(call(), ref_id="r2")), "is missing", id="another recipient's"),
        pytest.param(kept(call(), times=2), "counted 2 times, brought 1 to 1 times", id="counted too often"),
        pytest.param(kept(call(), recipients=(recipient(attempts=2),)), "recipient is missing", id="applied twice"),
        pytest.param(kept(call(), recipients=(recipient(state="unanswered"),)), "recipient", id="another state"),
        pytest.param(kept(call(), recipients=(recipient(), recipient(BEN))), "never played", id="one too many"),
    ],
)
def test_what_differs_is_found(ledger: Account, says: str) -> None:
    differing = found([shown()], ledger)
    assert any(says in each for each in differing)
    assert ADA not in summed_up(differing)


def test_an_answer_to_a_send_that_is_missing_is_found() -> None:
    ledger = kept(call())
    ledger.answers.clear()
    assert found([shown()], ledger) == ["API answer is missing in the ledger: r1"]


def test_a_callback_that_was_not_taken_in_the_end_is_found() -> None:
    assert any("is given_up" in each for each in found([shown(state="given_up", tries=[{"status": 503}])], kept()))


def test_one_that_was_brought_twice_may_count_twice() -> None:
    lost_answer = [{"status": None}, {"status": 200}]
    assert found([shown(tries=lost_answer)], kept(call(), times=2)) == []
    assert found([shown(tries=lost_answer)], kept(call(), times=1)) == []


@pytest.mark.parametrize(("times", "fits"), [(1, True), (2, True), (3, False)])
def test_one_that_a_proxy_may_bring_to_two_receivers_may_count_twice(times: int, fits: bool) -> None:
    played = Played(receivers=2)
    played.add([shown()])
    assert (differences(played.close(["r1"]), kept(call(), times=times)) == []) is fits


def late(first: CallSeen) -> Account:
    """A ledger that has the answered second call of somebody, and the first one unmatched."""
    ledger = kept(call(second=4, named=False))
    ledger.unmatched[replace(first, ref_id=None)] = 1
    return ledger


def test_an_unanswered_call_without_a_ref_id_may_be_too_late() -> None:
    calls = [shown(answered=False, named=False), shown(second=4, named=False)]
    assert found(calls, late(call(answered=False, named=False))) == []


@pytest.mark.parametrize(
    ("first", "stored"),
    [
        pytest.param(shown(answered=False), call(answered=False), id="with a ref_id"),
        pytest.param(shown(named=False), call(named=False), id="answered"),
        pytest.param(shown(BEN, answered=False, named=False), call(BEN, answered=False, named=False), id="of another"),
    ],
)
def test_no_other_call_may_stay_unmatched(first: Any, stored: CallSeen) -> None:
    assert any("unmatched" in each for each in found([first, shown(second=4, named=False)], late(stored)))
