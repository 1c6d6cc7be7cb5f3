from __future__ import annotations

import pickle

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_ninebits import exceptions
from airflow_provider_ninebits.exceptions import (
    CallsUnanswered,
    InvalidArgument,
    KeyReused,
    LedgerUnavailable,
    MessageUncertain,
    NobodyAnswered,
    OpeningTooLate,
    SendFailed,
    SendStopped,
    UnknownRefId,
)

OUTCOME = {
    "ref_ids": ["9azmf1ntcl358gczduzz4rs0u"],
    "settled": True,
    "recipients": 3,
    "answered": 1,
    "unanswered": 2,
    "failed": 0,
    "pending": 0,
    "total_amount": "30",
    "calls_truncated": False,
    "calls": [{"to_number": "2348020000000", "state": "answered"}],
}
ONE_OF_EACH = [
    SendFailed("9bits refused message m1", status=401),
    SendStopped("the task was stopped before message m1 was sent"),
    MessageUncertain(["m1", "m2"], "the connection was lost"),
    OpeningTooLate(3, "09:00-20:00, UTC", "2026-03-02T09:00:00+00:00", "2026-03-01T21:00:00+00:00"),
    CallsUnanswered(OUTCOME),
    NobodyAnswered(OUTCOME),
    UnknownRefId(["9azmf1ntcl358gczduzz4rs0u"], "sqlite:////a/ninebits.db"),
    KeyReused("the key belongs to other numbers"),
    InvalidArgument("to is empty"),
    LedgerUnavailable("postgresql://u:***@db/ninebits", "connection refused"),
]


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_an_error_is_the_same_after_it_went_to_another_process(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.args, vars(copy)) == (str(error), error.args, vars(error))


def test_every_public_error_is_tested_here() -> None:
    assert {type(error).__name__ for error in ONE_OF_EACH} == set(exceptions.__all__)


@pytest.mark.parametrize(
    "kind",
    [MessageUncertain, OpeningTooLate, CallsUnanswered, NobodyAnswered, UnknownRefId, KeyReused, InvalidArgument],
)
def test_what_a_retry_cannot_mend_is_not_retried(kind: type[Exception]) -> None:
    assert issubclass(kind, AirflowFailException)


def test_a_refusal_is_retried() -> None:
    assert issubclass(SendFailed, AirflowException)
    assert not issubclass(SendFailed, AirflowFailException)


def test_an_outage_can_never_become_a_skip() -> None:
    assert not issubclass(LedgerUnavailable, AirflowException)


def test_an_uncertain_message_names_the_messages_and_the_ways_on() -> None:
    text = str(MessageUncertain(["m1", "m2"], "the connection was lost"))
    for part in ("m1, m2", "the connection was lost", "--placed [--ref-id REF]", "--not-placed", "on_uncertain"):
        assert part in text


def test_unanswered_calls_are_counted_and_nobody_is_named() -> None:
    error = CallsUnanswered(OUTCOME)
    assert "Of 3 recipients of 9azmf1ntcl358gczduzz4rs0u: 1 answered, 2 unanswered" in str(error)
    assert "2348020000000" not in str(error) + repr(error)


def test_an_unknown_ref_id_names_the_ledger_and_the_option() -> None:
    text = str(UnknownRefId(["r1", "r2"], "sqlite:////a/ninebits.db"))
    for part in ("r1, r2", "sqlite:////a/ninebits.db", "[ninebits] sql_alchemy_conn"):
        assert part in text


def test_hours_that_open_too_late_say_when_they_do_and_what_to_do() -> None:
    text = str(OpeningTooLate(3, "09:00-20:00, UTC", "2026-03-02T09:00:00+00:00", "2026-03-01T21:00:00+00:00"))
    for said in (
        "Recipients not rung: 3.",
        "09:00-20:00, UTC",
        "2026-03-02T09:00",
        "until 2026-03-01T21:00",
        "clear the task",
    ):
        assert said in text
    assert "two weeks" in str(OpeningTooLate(3, "09:00-20:00, UTC", None, None))
