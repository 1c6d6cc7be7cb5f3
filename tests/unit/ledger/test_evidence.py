from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.evidence import Evidence, Witness, silence_until, why_unproved

REQUESTED = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
TIMEOUT = timedelta(minutes=5)
UNTIL = REQUESTED + TIMEOUT
GAP = timedelta(seconds=15)
SECOND = timedelta(seconds=1)


def witness(**differently: object) -> Witness:
    """A receiver that 9bits reaches, up from before the request until after the wait."""
    facts: dict[str, object] = {
        "host": "a-host",
        "up_since": REQUESTED - timedelta(hours=1),
        "heartbeat_at": UNTIL + SECOND,
        "reached_at": REQUESTED - timedelta(minutes=1),
    }
    return Witness(**{**facts, **differently})  # type: ignore[arg-type]


def reason(*witnesses: Witness, possible_callbacks: int = 0) -> str | None:
    return why_unproved(Evidence(REQUESTED, witnesses, possible_callbacks), UNTIL, longest_gap=GAP)


def test_it_must_have_been_silent_after_the_request_and_after_the_resume() -> None:
    later = REQUESTED + timedelta(hours=3)
    assert silence_until(REQUESTED, REQUESTED, TIMEOUT) == REQUESTED + TIMEOUT
    assert silence_until(REQUESTED, later, TIMEOUT) == later + TIMEOUT
    assert silence_until(later, REQUESTED, TIMEOUT) == later + TIMEOUT


@pytest.mark.parametrize(
    "witnesses",
    [
        pytest.param([witness()], id="one that was up all the time"),
        pytest.param([witness(turned_away_at=REQUESTED - SECOND)], id="it turned one away before"),
        pytest.param([witness(heartbeat_at=UNTIL, up_since=REQUESTED, reached_at=REQUESTED)], id="to the moment"),
        pytest.param([witness(), witness(reached_at=None)], id="another one that 9bits does not reach"),
        pytest.param([witness(), witness(up_since=REQUESTED + SECOND)], id="another one that came later"),
        pytest.param([witness(), witness(heartbeat_at=REQUESTED - GAP - SECOND)], id="one that died long before"),
        pytest.param([witness(), witness(heartbeat_at=REQUESTED + SECOND, stopped=True)], id="one that ended in order"),
    ],
)
def test_silence_proves_where_all_would_have_been_heard(witnesses: list[Witness]) -> None:
    assert reason(*witnesses) is None


@pytest.mark.parametrize(
    ("witnesses", "because"),
    [
        pytest.param([], "no receiver that 9bits is known to reach", id="none at all"),
        pytest.param([witness(reached_at=None)], "known to reach", id="one that 9bits never reached"),
        pytest.param([witness(reached_at=REQUESTED + SECOND)], "known to reach", id="reached only since"),
        pytest.param([witness(up_since=REQUESTED + SECOND)], "known to reach", id="down when it was requested"),
        pytest.param([witness(heartbeat_at=UNTIL - SECOND)], "fell silent", id="down before the wait was over"),
        pytest.param([witness(turned_away_at=REQUESTED)], "turned callbacks away", id="a callback turned away"),
        pytest.param(
            [witness(), witness(turned_away_at=UNTIL + SECOND)], "turned callbacks away", id="turned away by another"
        ),
        pytest.param(
            [witness(), witness(heartbeat_at=REQUESTED - SECOND)], "fell silent", id="another died around the request"
        ),
        pytest.param(
            [witness(heartbeat_at=UNTIL - SECOND, stopped=True)],
            "known to reach",
            id="stopped before the wait was over",
        ),
    ],
)
def test_silence_proves_nothing_where_something_may_not_have_been_heard(witnesses: list[Witness], because: str) -> None:
    assert because in (reason(*witnesses) or "")


def test_nor_where_a_callback_came_that_could_be_its() -> None:
    assert "2 callbacks came" in (reason(witness(), possible_callbacks=2) or "")


moments = st.integers(-7200, 7200).map(lambda seconds: REQUESTED + timedelta(seconds=seconds))
receivers = st.builds(
    Witness,
    host=st.just("a-host"),
    up_since=moments,
    heartbeat_at=moments,
    stopped=st.booleans(),
    reached_at=st.none() | moments,
    turned_away_at=st.none() | moments,
)


@given(st.lists(receivers, max_size=4), st.integers(0, 1))
def test_whatever_the_receivers_were_a_proof_has_a_witness_and_nothing_against_it(
    witnesses: list[Witness], possible: int
) -> None:
    if reason(*witnesses, possible_callbacks=possible) is not None:
        return
    assert not possible
    assert not any(w.turned_away_at and w.turned_away_at >= REQUESTED for w in witnesses)
    assert any(
        w.reached_at and w.reached_at <= REQUESTED and w.up_since <= REQUESTED and w.heartbeat_at >= UNTIL
        for w in witnesses
    )


@given(st.lists(receivers, max_size=3), receivers)
def test_a_receiver_more_never_proves_what_silence_of_the_others_contradicts(
    witnesses: list[Witness], another: Witness
) -> None:
    objection = reason(*witnesses)
    if objection is not None and "known to reach" not in objection:
        assert reason(*witnesses, another) is not None
