"""What is sent."""

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

MEDIA_URL = "https://example.com/reminder.mp3"


def test_the_payload_is_the_documented_one() -> None:
    message = VoiceMessage(("2348020000000", "2348030000000"), MEDIA_URL)
    assert message.payload() == {"to": ["2348020000000", "2348030000000"], "media_url": MEDIA_URL}


def test_a_caller_id_goes_out_as_from() -> None:
    assert VoiceMessage(("2348020000000",), MEDIA_URL, "07080670000").payload()["from"] == "07080670000"


@pytest.mark.parametrize(
    "url",
    [
        MEDIA_URL,
        "http://example.com/a.mp3",
        "HTTPS://EXAMPLE.COM/a",
        "https://user:word@example.com:8443/a?signed=1#x",
        "https://[2001:db8::1]/a.mp3",
        "https://b\u00fccher.example/a.mp3",
    ],
)
def test_what_9bits_can_fetch_is_taken_as_it_is(url: str) -> None:
    assert check_media_url(f" {url}\n") == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        " ",
        "None",
        "null",
        7,
        b"https://example.com/a",
        [MEDIA_URL],
        "reminder.mp3",
        "/srv/reminder.mp3",
        "ftp://example.com/a",
        "file:///a.mp3",
        "https://",
        "https:///a.mp3",
        "https://example.com:0/a",
        "https://example.com:99999/a",
        "https://[half/a",
        "https://example.com/a file.mp3",
        "https://example.com/a\tb",
        "https://example.com/\u202eb",
        "https://example.com/" + "a" * 9000,
    ],
)
def test_what_9bits_cannot_fetch_is_refused(url: object) -> None:
    with pytest.raises(InvalidMediaURL, match="^media_url"):
        check_media_url(url)


@pytest.mark.parametrize(
    "url", ["ftp://me:hunter2@example.com/a?signature=hunter2", "https://me:hunter2@[half/a?signature=hunter2"]
)
def test_an_error_shows_neither_credentials_nor_query(url: str) -> None:
    with pytest.raises(InvalidMediaURL) as caught:
        check_media_url(url)
    assert "hunter2" not in str(caught.value)


def test_numbers_given_as_a_url_by_mistake_are_masked() -> None:
    with pytest.raises(InvalidMediaURL) as caught:
        check_media_url("2348020000000,2348030000000")
    assert "2348020000000" not in str(caught.value)
    assert "2348030000000" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_url_or_an_invalid_one(text: str) -> None:
    try:
        assert check_media_url(text) == text.strip()
    except InvalidMediaURL as error:
        assert "\n" not in str(error)


@given(st.text())
def test_a_shown_url_never_raises_and_is_one_short_ascii_line(text: str) -> None:
    shown = shown_url(text)
    assert shown.isascii()
    assert shown.isprintable()


@pytest.mark.parametrize(
    "same",
    [
        MEDIA_URL,
        f"{MEDIA_URL}?X-Signature=1",
        f"{MEDIA_URL}#part",
        "https://me:word@example.com/reminder.mp3",
        "https://EXAMPLE.com/reminder.mp3",
    ],
)
def test_a_url_signed_anew_is_the_same_recording(same: str) -> None:
    assert media_identity(same) == MEDIA_URL


def test_another_path_is_another_recording() -> None:
    assert media_identity("https://example.com/other.mp3") != media_identity(MEDIA_URL)


@pytest.mark.parametrize("value", [None, "", "  ", "None", "null"])
def test_no_caller_id_leaves_the_choice_to_9bits(value: object) -> None:
    assert check_caller_id(value) is None


@pytest.mark.parametrize(
    ("value", "caller_id"),
    [("07080670000", "07080670000"), (" ACME Ltd. ", "ACME Ltd."), ("+2347080670000", "+2347080670000"), (708, "708")],
)
def test_a_caller_id_is_a_number_or_a_name(value: object, caller_id: str) -> None:
    assert check_caller_id(value) == caller_id


@pytest.mark.parametrize("value", [True, 7080670000.0, ["07080670000"], {}, b"0708", "a\nb", "-", "a" * 33, "\u0660"])
def test_what_is_no_caller_id_is_refused_and_not_shown(value: object) -> None:
    with pytest.raises(InvalidMessage, match="^from_number is no caller ID"):
        check_caller_id(value)
