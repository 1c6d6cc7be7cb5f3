from __future__ import annotations

import base64
import logging
from typing import Any

import pytest

from airflow_provider_ninebits.webhook.authentication import is_authorized
from airflow_provider_ninebits.webhook.intake import UNAUTHORIZED, Intake
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from airflow_provider_ninebits.webhook.throttle import ThrottledLog


def settings(*passwords: str, username: str = "ninebits", allow_unauthenticated: bool = False) -> ReceiverSettings:
    return ReceiverSettings(
        "sqlite://", username=username, passwords=passwords, allow_unauthenticated=allow_unauthenticated
    )


def basic(credentials: str, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(credentials.encode()).decode()}"


GOOD = basic("ninebits:secret")
BEARER = "Bearer eyJhbGciOi"

WRONG = {
    "missing": [],
    "empty": [""],
    "the scheme alone": ["Basic"],
    "the scheme and a blank": ["Basic "],
    "another scheme": [BEARER],
    "another password": [basic("ninebits:other")],
    "a part of the password": [basic("ninebits:secre")],
    "more than the password": [basic("ninebits:secrets")],
    "another user": [basic("somebody:secret")],
    "the user alone": [basic("ninebits")],
    "no user": [basic(":secret")],
    "the password in capitals": [basic("ninebits:SECRET")],
    "twice, both right": [GOOD, GOOD],
    "twice, one right": [GOOD, basic("ninebits:other")],
    "no base64": ["Basic ninebits:secret"],
    "base64 with a stray character": [GOOD + "!"],
    "base64 cut short": [GOOD.rstrip("=")[:-1]],
    "not ASCII": ["Basic bmluZWJpdHM6c2VjcmV0\xe9"],
    "not even latin-1": ["Basic bmluZWJpdHM6c2VjcmV0☎"],
    "bytes that are no text": ["Basic " + base64.b64encode(b"ninebits:\xff\xfe").decode()],
    "a blank that is none after it": [GOOD + "\xa0"],
    "two in one header": [f"{GOOD}, {GOOD}"],
    "a token and the password in one header": [f"{BEARER}, {GOOD}"],
    "a tab after the scheme": [GOOD.replace(" ", "\t")],
    "far too long": [basic("ninebits:" + "x" * 10_000)],
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG.keys())
def test_what_is_not_clearly_right_is_refused(headers: list[str]) -> None:
    assert not is_authorized(headers, settings("secret"))


RIGHT = {
    "as it should be": [GOOD],
    "the scheme in small letters": [basic("ninebits:secret", "basic")],
    "the scheme in capitals": [basic("ninebits:secret", "BASIC")],
    "blanks around": ["Basic   " + GOOD.removeprefix("Basic ") + " "],
    "beside a Bearer header, which Airflow's simple auth manager adds": [GOOD, BEARER],
}


@pytest.mark.parametrize("headers", RIGHT.values(), ids=RIGHT.keys())
def test_the_password_is_taken(headers: list[str]) -> None:
    assert is_authorized(headers, settings("secret"))


@pytest.mark.parametrize("password", ["new", "old"])
def test_while_passwords_are_rotated_both_are_taken(password: str) -> None:
    assert is_authorized([basic(f"ninebits:{password}")], settings("new", "old"))


def test_a_rotated_password_is_taken_no_more() -> None:
    assert not is_authorized([basic("ninebits:old")], settings("new"))


@pytest.mark.parametrize("password", ["with:colon", "pässwörd ☎", " inner blank x"])
def test_a_password_may_hold_anything(password: str) -> None:
    assert is_authorized([basic(f"ninebits:{password}")], settings(password))


def test_without_any_password_nobody_may_deliver() -> None:
    assert not is_authorized([basic("ninebits:")], settings())
    assert not is_authorized([], settings())


class TestWithUnauthenticatedCallbacksAllowed:
    def test_nothing_is_asked_where_no_password_is_set(self) -> None:
        allowed = settings(allow_unauthenticated=True)
        assert all(is_authorized(headers, allowed) for headers in ([], [BEARER], [basic("any:body")]))

    def test_beside_a_password_a_callback_without_one_is_taken(self) -> None:
        allowed = settings("secret", allow_unauthenticated=True)
        assert is_authorized([], allowed)
        assert is_authorized([BEARER], allowed)
        assert is_authorized([GOOD], allowed)

    @pytest.mark.parametrize(
        "header", ["", "Basic", "Basic ", "Digest x", "secret", f"{BEARER}, {GOOD}", f"{BEARER} x"]
    )
    def test_what_is_neither_a_password_nor_a_token_is_not_nothing(self, header: str) -> None:
        assert not is_authorized([header], settings("secret", allow_unauthenticated=True))

    def test_a_wrong_password_is_still_wrong(self) -> None:
        assert not is_authorized([basic("ninebits:other")], settings("secret", allow_unauthenticated=True))


class _Uncounted:
    def turn_away(self, **_: int) -> None: ...


def intake(*passwords: str) -> Intake:
    nobody: Any = None
    upkeep: Any = _Uncounted()
    return Intake(settings(*passwords), nobody, upkeep, ThrottledLog(logging.getLogger(__name__)))


class TestOneAfterTheOther:
    """What was shown last is known again, and lets nobody else in."""

    @pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG.keys())
    def test_after_a_right_one_a_wrong_one_is_refused_each_time(self, headers: list[str]) -> None:
        asked, wrong = intake("secret"), [each.encode("utf-8") for each in headers]
        for shown in ([GOOD.encode()], [GOOD.encode()]):
            assert asked.refusal(shown) is None
            assert asked.refusal(wrong) is UNAUTHORIZED
            assert asked.refusal(wrong) is UNAUTHORIZED

    def test_any_password_of_several_is_taken_whichever_came_before(self) -> None:
        asked = intake("secret", "other")
        for password in ("secret", "other", "secret", "secret"):
            assert asked.refusal([basic(f"ninebits:{password}").encode()]) is None
            assert asked.refusal([basic(f"ninebits:{password}s").encode()]) is UNAUTHORIZED

    def test_before_anybody_has_shown_anything_an_empty_header_is_refused(self) -> None:
        assert intake("secret").refusal([b""]) is UNAUTHORIZED
