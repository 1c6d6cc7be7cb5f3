from __future__ import annotations

import pytest

from airflow_provider_ninebits.webhook.settings import ReceiverSettings


@pytest.mark.parametrize(
    ("passwords", "allow_unauthenticated", "takes"),
    [((), False, False), (("secret",), False, True), ((), True, True), (("secret",), True, True)],
)
def test_callbacks_are_taken_with_a_password_or_where_none_is_asked(
    passwords: tuple[str, ...], allow_unauthenticated: bool, takes: bool
) -> None:
    settings = ReceiverSettings("sqlite://", passwords=passwords, allow_unauthenticated=allow_unauthenticated)
    assert settings.takes_callbacks is takes


def test_settings_show_no_secret() -> None:
    settings = ReceiverSettings("postgresql://ledger:hidden-one@db/x", passwords=("hidden-two",))
    assert "hidden" not in repr(settings)
