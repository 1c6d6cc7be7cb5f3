"""What the commands print: the same in JSON and YAML, and nothing of it is a command to a terminal or a parser."""

from __future__ import annotations

import argparse
import io
import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.cli.output import only_answers_on, print_plain, print_table
from airflow_provider_ninebits.cli.tree import add_commands
from airflow_provider_ninebits.ledger.states import MessageState

SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["no", "2348020000000", "~", "1e3"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def printed(value: Any, output: str) -> str:
    stdout = io.StringIO()
    with only_answers_on(stdout):
        print_plain(value, output)
    return stdout.getvalue()


@given(VALUES)
def test_yaml_says_what_json_says(value: Any) -> None:
    assert yaml.safe_load(printed(value, "yaml")) == json.loads(printed(value, "json")) == value


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_what_has_no_json_of_its_own_is_text(output: str) -> None:
    value = {
        "state": MessageState.SENDING,
        "amount": Decimal("0.5"),
        "at": datetime(2023, 10, 24, 22, 54, 6, tzinfo=UTC),
    }
    shown = yaml.safe_load(printed(value, output))
    assert shown == {"state": "sending", "amount": "0.5", "at": "2023-10-24 22:54:06+00:00"}


@pytest.mark.parametrize("text", ["0", "-1", "", "1.5", "many"])
@pytest.mark.parametrize("command", [["messages", "list", "--limit"], ["send", "--media-url=x", "--max-recipients"]])
def test_how_many_is_one_or_more(command: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_commands(parser)
    with pytest.raises(SystemExit):
        parser.parse_args([*command[:-1], f"{command[-1]}={text}"])
    assert f"argument {command[-1]}: {text!r} is not a whole number of 1 or more" in capsys.readouterr().err


def test_what_others_print_meanwhile_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with only_answers_on(sys.stdout):
        print("a library says something")
        print_plain({}, "json")
        print_table("title", ("a",), [{"a": 1}])
    out, err = capsys.readouterr()
    assert err == "a library says something\n"
    assert out.startswith("{}\n")
    assert "title" in out


def test_afterwards_stdout_is_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), only_answers_on(sys.stdout):
        raise KeyError
    print("as before")
    assert capsys.readouterr().out == "as before\n"


def test_a_closed_pipe_is_noticed_while_somebody_catches_it() -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError), only_answers_on(Closed()):
        print_plain({}, "json")
