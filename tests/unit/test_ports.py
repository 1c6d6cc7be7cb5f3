"""Ports as they are written."""

from __future__ import annotations

import argparse

import pytest

from airflow_provider_ninebits.cli.tree import add_commands
from airflow_provider_ninebits.ports import port_number


@pytest.mark.parametrize("text", ["0", "80", "65535"])
def test_a_port_is_read(text: str) -> None:
    assert port_number(text) == int(text)


@pytest.mark.parametrize("command", ["receiver", "simulator"])
@pytest.mark.parametrize("text", ["65536", "99999", "-1", "", "http", "1.5", "\u0661"])
def test_what_is_no_port_is_wrong_use(command: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_commands(parser)
    with pytest.raises(SystemExit) as left:
        parser.parse_args([command, f"--port={text}"])
    assert left.value.code == 2
    assert "is no port; write a number from 0 to 65535" in capsys.readouterr().err
