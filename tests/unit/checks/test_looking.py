"""What is read of the surroundings, without a ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ninebits.checks.callback_url import InvalidCallbackURL, Target, read_target
from airflow_provider_ninebits.checks.ledger import file_system_of
from airflow_provider_ninebits.checks.options import look
from airflow_provider_ninebits.configuration import read_settings

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local\\040disk xfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "file_system"),
    [
        ("/var/ninebits.db", "ext4"),
        ("/home/ada/ninebits.db", "nfs4"),
        ("/home/local disk/ninebits.db", "xfs"),
        ("/homes/ninebits.db", "ext4"),
    ],
)
def test_a_file_is_on_the_innermost_mount(path: str, file_system: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == file_system


def test_credentials_come_from_the_url_or_else_from_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD", "new,old")
    settings = read_settings()
    url = "https://calls.example.com:8443/ninebits/callback"
    assert read_target(url, settings) == Target(url, "ninebits", "new")
    assert read_target(url.replace("//", "//ada:p%40ss@"), settings) == Target(url, "ada", "p@ss")
    assert read_target(url, None) == Target(url, "", None)
    # Over plain http only to this machine, or as it was written.
    http = "http://calls.example.com/ninebits/callback"
    assert read_target(http, settings) == Target(http, withheld=True)
    assert read_target(http, None) == Target(http, withheld=False)
    assert read_target("http://127.0.0.1:80/x", settings) == Target("http://127.0.0.1:80/x", "ninebits", "new")
    assert read_target(http.replace("//", "//ada:pw@"), settings) == Target(http, "ada", "pw")
    assert read_target("http://[::1]:80/x", None).url == "http://[::1]:80/x"


@pytest.mark.parametrize("url", ["calls.example.com/ninebits", "ftp://a:s3cret@x/", "https://a:s3cret@x:port/", ""])
def test_what_is_no_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidCallbackURL) as caught:
        read_target(url, None)
    assert "s3cret" not in str(caught.value)


def test_the_password_is_not_in_what_is_shown() -> None:
    assert "s3cret" not in repr(read_target("https://a:s3cret@calls.example.com/x", None))


def test_options_are_read_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD", "one,, two ")
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", "postgresql://localhost/x")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    seen = look()
    assert (seen.password_entries, seen.is_sqlite, seen.executors) == (("one", "", "two"), False, ("CeleryExecutor",))
    assert "two" not in repr(seen)
    monkeypatch.setenv("AIRFLOW__NINEBITS__MATCH_WINDOW", "soon")
    assert "match_window" in (look().invalid or "")
