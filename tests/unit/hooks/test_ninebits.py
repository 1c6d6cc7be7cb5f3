from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

ADA = "2348020000000"
MEDIA = "https://media.test/a.mp3"


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "ninebits.db"
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{file}")
    return file


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    def setting(conn_id: str = "ninebits_default", **fields: Any) -> None:
        values = {"conn_type": "ninebits", "password": "a-key-of-mine", "host": "http://127.0.0.1:9"} | fields
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(values))

    setting()
    return setting


def test_constructing_a_hook_needs_neither_connection_nor_ledger(ledger: Path) -> None:
    NineBitsHook("nobody_made_this")
    assert not ledger.exists()


def test_the_connection_gives_key_base_url_and_timeout(connection: Any) -> None:
    connection("alerts", host="https://voice.test/", extra={"timeout": 7})
    client = NineBitsHook("alerts").get_conn()
    assert (client.base_url, client.timeout_seconds) == ("https://voice.test", 7.0)


@pytest.mark.parametrize("extra", [{}, {"timeout": None}, {"timeout": ""}])
def test_what_a_connection_leaves_out_has_a_default(connection: Any, extra: dict[str, Any]) -> None:
    connection(host="", extra=extra)
    client = NineBitsHook().get_conn()
    assert (client.base_url, client.timeout_seconds) == ("https://api.9bits.net", 30.0)


@pytest.mark.parametrize("timeout", ["soon", 0, -1, 3601, "nan", "inf", [5]])
def test_a_timeout_that_is_none_is_named(connection: Any, timeout: object) -> None:
    connection(extra={"timeout": timeout})
    with pytest.raises(InvalidArgument, match="'ninebits_default': timeout"):
        NineBitsHook().get_conn()


def test_a_connection_without_a_key_says_where_to_get_one(connection: Any) -> None:
    connection(password="")
    with pytest.raises(InvalidArgument, match=r"no API key.*settings > security"):
        NineBitsHook().get_conn()


@pytest.mark.parametrize("fields", [{"host": "localhost:9009"}, {"host": "ftp://x"}, {"password": "two words"}])
def test_a_connection_that_cannot_be_used_is_not_retried(connection: Any, fields: dict[str, str]) -> None:
    connection(**fields)
    with pytest.raises(InvalidArgument, match="connection 'ninebits_default'"):
        NineBitsHook().send_voice(ADA, MEDIA)


@pytest.mark.parametrize(
    ("to", "media_url", "says"),
    [
        (None, MEDIA, "to is"),
        ("", MEDIA, "to is"),
        ("08020000000", MEDIA, "country code"),
        ([ADA, "letters"], MEDIA, "number"),
        (ADA, "file:///etc/passwd", "media_url"),
        (ADA, "", "media_url"),
    ],
)
def test_what_cannot_be_sent_is_an_error_before_anything_is_recorded(
    connection: Any, ledger: Path, to: Any, media_url: str, says: str
) -> None:
    with pytest.raises(InvalidArgument, match=says):
        NineBitsHook().send_voice(to, media_url)
    assert not ledger.exists()


@pytest.mark.parametrize("nobody", [[], (), "[]", iter(())])
def test_nobody_at_all_is_an_error(connection: Any, nobody: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"to is|nobody would be rung"):
        NineBitsHook().send_voice(nobody, MEDIA)


def test_the_error_masks_the_number(connection: Any) -> None:
    with pytest.raises(InvalidArgument) as raised:
        NineBitsHook().send_voice("+2348020000000999999", MEDIA)
    assert "2348020000000999999" not in str(raised.value)


def test_a_misspelt_on_uncertain_sends_nothing(connection: Any, ledger: Path) -> None:
    with pytest.raises(InvalidArgument, match="'again'"):
        NineBitsHook().send_voice(ADA, MEDIA, on_uncertain="again")  # type: ignore[arg-type]
    assert not ledger.exists()


def test_the_form_hides_what_it_does_not_use() -> None:
    behaviour = NineBitsHook.get_ui_field_behaviour()
    assert behaviour["relabeling"]["password"] == "API key"
    assert {"schema", "login", "port", "extra"} <= set(behaviour["hidden_fields"])


def test_a_hook_can_be_closed_and_used_again(connection: Any) -> None:
    hook = NineBitsHook()
    hook.close()
    assert hook.look(["nobody"]).progress.unknown_ref_ids == ("nobody",)
    hook.close()
    assert hook.look(["nobody"]).progress.unknown_ref_ids == ("nobody",)
    hook.close()
