"""Errors carry what a caller decides by, also out of another process."""

from __future__ import annotations

import pickle

import pytest

from airflow_provider_ninebits.api import errors

ERRORS = [
    errors.NineBitsError("what happened"),
    errors.InvalidMessage("what happened"),
    errors.InvalidRecipient("what happened"),
    errors.InvalidMediaURL("what happened"),
    errors.InvalidClient("what happened"),
    errors.SendError("what happened"),
    errors.SendRefused("what happened", 400),
    errors.AuthenticationFailed("what happened", 401),
    errors.RateLimited("what happened", 429, 7.5),
    errors.NotConnected("what happened"),
    errors.SendUncertain("what happened", 500),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickle(error: errors.NineBitsError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_every_error_is_in_that_table() -> None:
    named = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert {type(error) for error in ERRORS} == named


@pytest.mark.parametrize(
    ("kind", "placed"),
    [
        (errors.SendError, None),
        (errors.SendRefused, False),
        (errors.AuthenticationFailed, False),
        (errors.RateLimited, False),
        (errors.NotConnected, False),
        (errors.SendUncertain, None),
    ],
)
def test_a_send_error_says_whether_a_call_was_placed(kind: type[errors.SendError], placed: bool | None) -> None:
    assert kind("what happened").placed is placed


def test_what_is_invalid_is_a_value_error() -> None:
    assert issubclass(errors.InvalidMessage, ValueError)
    assert issubclass(errors.InvalidClient, ValueError)


def test_the_status_is_shown_where_there_is_one() -> None:
    assert str(errors.SendRefused("refused", 400)) == "refused (HTTP status 400)"
    assert str(errors.NotConnected("no way")) == "no way"
