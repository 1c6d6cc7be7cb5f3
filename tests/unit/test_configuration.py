from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from airflow_provider_ninebits import configuration
from airflow_provider_ninebits.configuration import (
    OPTIONS,
    InvalidOption,
    Option,
    Settings,
    read_settings,
)

ROOT = Path(__file__).parents[2]


def option(name: str) -> Option:
    return next(option for option in OPTIONS if option.name == name)


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch):
    def set_option(name: str, value: str) -> None:
        monkeypatch.setenv(option(name).variable, value)

    return set_option


def test_without_any_option_the_defaults_are_those_of_the_documentation() -> None:
    ledger = URL.create("sqlite", database=str(Path(os.environ["AIRFLOW_HOME"]) / "ninebits.db"))
    assert read_settings() == Settings(
        sql_alchemy_conn=ledger.render_as_string(),
        deployment="default",
        webhook_username="ninebits",
        webhook_passwords=(),
        webhook_allow_unauthenticated=False,
        callback_timezone="UTC",
        match_window_seconds=86400,
        attempt_window_seconds=0,
        outage_tolerance_seconds=300,
    )


def test_every_option_is_read_from_its_environment_variable(write) -> None:
    write("sql_alchemy_conn", "postgresql+psycopg://ninebits:pw@db/ninebits")
    write("deployment", "production")
    write("webhook_username", "nine")
    write("webhook_password", "new, old,,")
    write("webhook_allow_unauthenticated", "true")
    write("callback_timezone", "Africa/Lagos")
    write("match_window", "3600")
    write("attempt_window", "600")
    write("outage_tolerance", "900")
    assert read_settings() == Settings(
        sql_alchemy_conn="postgresql+psycopg://ninebits:pw@db/ninebits",
        deployment="production",
        webhook_username="nine",
        webhook_passwords=("new", "old"),
        webhook_allow_unauthenticated=True,
        callback_timezone="Africa/Lagos",
        match_window_seconds=3600,
        attempt_window_seconds=600,
        outage_tolerance_seconds=900,
    )


@pytest.mark.parametrize("name", [option.name for option in OPTIONS])
def test_an_option_set_to_nothing_counts_as_not_set(write, name: str) -> None:
    untouched = read_settings()
    write(name, "")
    assert read_settings() == untouched


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("callback_timezone", "Mars/Olympus", "no time zone is called"),
        ("callback_timezone", "Africa", "no time zone is called"),
        ("callback_timezone", "../etc/passwd", "no time zone is called"),
        ("match_window", "-1", "write 0 to 315360000"),
        ("attempt_window", "-600", "write 0 to"),
        ("match_window", "99999999999999", "ten years"),
        ("match_window", "a day", "whole number of seconds"),
        ("outage_tolerance", "-1", "write 0 to"),
        ("outage_tolerance", "5m", "whole number of seconds"),
        ("attempt_window", "0.5", "whole number of seconds"),
        ("webhook_allow_unauthenticated", "perhaps", "True or False"),
        ("webhook_username", "nine:bits", "colon"),
        ("sql_alchemy_conn", "not a url", "no database URL"),
        ("sql_alchemy_conn", "postgresql://u:hidden@host:port/name", "no database URL"),
        ("sql_alchemy_conn", "mysql://u:hidden@host/name", "mysql"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error_that_names_the_option(write, name, value, problem) -> None:
    write(name, value)
    with pytest.raises(InvalidOption) as caught:
        read_settings()
    message = str(caught.value)
    assert f"[ninebits] {name} (environment: AIRFLOW__NINEBITS__{name.upper()})" in message
    assert problem in message
    assert "hidden" not in message


def test_settings_show_no_secret(write) -> None:
    write("sql_alchemy_conn", "postgresql://ninebits:hidden-one@db/ninebits")
    write("webhook_password", "hidden-two,hidden-three")
    shown = f"{read_settings()} {read_settings()!r}"
    assert "hidden" not in shown
    assert "deployment='default'" in shown


def test_the_sqlite_file_is_found_under_a_home_with_odd_characters(tmp_path: Path) -> None:
    home = tmp_path / "air flow? #1"
    home.mkdir()
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "from airflow_provider_ninebits.configuration import read_settings\n"
            "from sqlalchemy.engine import make_url\n"
            "print(make_url(read_settings().sql_alchemy_conn).database)",
        ],
        env={**os.environ, "AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == str(home / "ninebits.db")


def test_the_options_page_says_what_the_code_does() -> None:
    """Run ``python docs/options_page.py`` where this fails."""
    page = subprocess.run(
        [sys.executable, "docs/options_page.py", "--print"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert page.stdout == (ROOT / "docs" / "options.md").read_text()


def test_importing_the_options_imports_nothing_of_airflow() -> None:
    subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, {configuration.__name__}\n"
            "assert not [name for name in sys.modules if name.split('.')[0] == 'airflow']",
        ],
        check=True,
    )


def test_a_command_that_fails_is_told_by_its_option_and_without_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD_CMD", "ls s3cret-that-is-not-there")
    with pytest.raises(InvalidOption, match=r"webhook_password.*cannot be read: its command") as caught:
        read_settings()
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
