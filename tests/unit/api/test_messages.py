"""What is sent, and what is refused before it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.errors import InvalidMediaURL, InvalidMessage
from airflow_provider_ninebits.api.messages import (
    VoiceMessage,
    check_caller_id,
    check_media_url,
    media_identity,
    shown_url,
)


def test_the_payload_is_that_of_the_documentation() -> None:
    message = VoiceMessage(("2348020000000", "2348030000000"), "https://example.com/reminder.mp3")
    assert message.payload() == {
        "to": ["2348020000000", "2348030000000"],
        "media_url": "https://example.com/reminder.mp3",
    }


def test_the_caller_id_is_sent_where_one_is_set() -> None:
    message = VoiceMessage(("2348020000000",), "https://example.com/reminder.mp3", "07080670000")
    assert message.payload()["from"] == "07080670000"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/reminder.mp3",
        "http://example.com:8000/a%20b.mp3?signature=abc&x=1#t",
        "HTTPS://example.com/a.mp3",
        "https://user:secret@example.com/a.mp3",
        "https://[2001:db8::1]/a.mp3",
    ],
)
def test_an_http_address_can_be_fetched(url: str) -> None:
    assert check_media_url(url) == url


def test_blanks_around_an_address_are_not_sent() -> None:
    assert check_media_url(" https://example.com/a.mp3\n") == "https://example.com/a.mp3"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        " ",
        "None",
        7,
        ["https://example.com/a.mp3"],
        "example.com/a.mp3",
        "/srv/a.mp3",
        "file:///srv/a.mp3",
        "ftp://example.com/a.mp3",
        "s3://bucket/a.mp3",
        "https://",
        "https:///a.mp3",
        "https://example.com/a b.mp3",
        "https://example.com/a\n.mp3",
        "https://example.com/\x00.mp3",
        "https://example.com/\u2028.mp3",
        "https://[broken/a.mp3",
        "https://example.com:99999/a.mp3",
        "https://example.com:port/a.mp3",
        "https://example.com/" + "a" * 8000,
    ],
)
def test_what_cannot_be_fetched_is_an_error(url: object) -> None:
    with pytest.raises(InvalidMediaURL, match=r"^media_url "):
        check_media_url(url)


@given(st.text())
def test_any_text_is_an_address_or_an_invalid_one(text: str) -> None:
    try:
        found = check_media_url(text)
    except InvalidMediaURL as error:
        found = str(error).encode("ascii").decode()
    assert found.isprintable()


@pytest.mark.parametrize(
    "url", ["ftp://user:hunter2@example.com/a.mp3?signature=hunter2", "https://user:hunter2@[broken/a.mp3?x=hunter2"]
)
def test_the_error_shows_no_secret_of_an_address(url: str) -> None:
    with pytest.raises(InvalidMediaURL) as caught:
        check_media_url(url)
    assert "hunter2" not in str(caught.value)


def test_the_error_shows_no_number_that_was_given_for_an_address() -> None:
    with pytest.raises(InvalidMediaURL, match=r"234802\*\*\*0000"):
        check_media_url("2348020000000")


def test_a_shown_address_is_short() -> None:
    assert shown_url("https://user:pw@example.com/a.mp3?q=1#f") == "'https://example.com/a.mp3'"
    assert len(shown_url("https://example.com/" + "a" * 5000)) < 150


def test_the_same_recording_signed_anew_is_the_same() -> None:
    first = media_identity("https://example.com/a.mp3?signature=1")
    assert first == media_identity("https://Example.com/a.mp3?signature=2#t=3") == "https://example.com/a.mp3"
    assert first != media_identity("https://example.com/b.mp3?signature=1")


@pytest.mark.parametrize("value", [None, "", "  ", "None", "null"])
def test_an_empty_caller_id_is_not_set(value: object) -> None:
    assert check_caller_id(value) is None


@pytest.mark.parametrize(
    ("value", "caller_id"),
    [
        ("07080670000", "07080670000"),
        (" +2347080670000 ", "+2347080670000"),
        (2347080670000, "2347080670000"),
        ("9bits", "9bits"),
        ("Shop Lagos", "Shop Lagos"),
    ],
)
def test_a_caller_id_is_a_number_or_a_name(value: object, caller_id: str) -> None:
    assert check_caller_id(value) == caller_id


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "['07080670000']", "x" * 40, True, 7080670000.0, {}, "{{ x }}"])
def test_another_caller_id_is_an_error(value: object) -> None:
    with pytest.raises(InvalidMessage, match="from_number"):
        check_caller_id(value)
