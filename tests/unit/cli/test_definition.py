"""The commands as Airflow has them: the same tree, and light, since every ``airflow`` command builds it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from airflow.cli.cli_config import ActionCommand, DefaultHelpParser
from airflow.cli.cli_parser import _add_command

from airflow_provider_ninebits.cli.definition import get_commands, run
from airflow_provider_ninebits.cli.tree import add_commands
from airflow_provider_ninebits.get_provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Iterator


def airflows_parser() -> argparse.ArgumentParser:
    parser = DefaultHelpParser(prog="airflow")
    commands = parser.add_subparsers(dest="subcommand", metavar="GROUP_OR_COMMAND")
    for command in get_commands():
        _add_command(commands, command)
    return parser


def own_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ninebits")
    add_commands(parser)
    return parser


def options(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from options(below, (*path, name))
        else:
            yield path, "/".join(action.option_strings) or str(action.metavar)


def test_both_doors_have_the_same_tree() -> None:
    airflows = {(path[1:], option) for path, option in options(airflows_parser()) if path[:1] == ("ninebits",)}
    assert airflows == set(options(own_parser()))
    commands = {path for path, _ in airflows}
    assert {("send",), ("outcome",), ("messages", "list"), ("db", "current"), ("simulator",)} <= commands


def test_airflow_is_told_of_one_command() -> None:
    [command] = get_commands()
    assert isinstance(command, ActionCommand)
    assert (command.name, command.func) == ("ninebits", run)


def test_the_metadata_names_it() -> None:
    assert get_provider_info()["cli"] == [f"{get_commands.__module__}.{get_commands.__name__}"]


@pytest.mark.parametrize("parser", [airflows_parser, own_parser])
def test_every_command_can_be_run(parser: object) -> None:
    arguments = {
        "messages list": "",
        "outcome r1": "",
        "send --to 2348020000000 --media-url https://example.com/a.mp3": "",
        "db upgrade": "",
        "receiver": "",
    }
    first = ["ninebits"] if parser is airflows_parser else []
    for line in arguments:
        parsed = parser().parse_args([*first, *line.split()])  # type: ignore[operator]
        assert callable(parsed.run)
        assert isinstance(parsed.needs_ledger, bool)


def test_a_wrong_option_is_told_by_the_command_and_not_with_airflows_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        airflows_parser().parse_args(["ninebits", "messages", "list", "--bogus"])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: airflow ninebits messages list")
    assert "--bogus" in err


def test_who_holds_stdout_from_before_writes_to_stderr() -> None:
    """Airflow's handlers hold the stream itself, in whichever version."""
    script = (
        "import argparse, sys\n"
        "from airflow_provider_ninebits.cli import definition, output\n"
        "held = sys.stdout\n"
        "def run(given, database, settings):\n"
        "    held.write('a line of a log\\n')\n"
        "    print('and one that is printed')\n"
        "    output.print_plain({'is': 'it'}, 'json')\n"
        "    return 1\n"
        "definition.run(argparse.Namespace(output='json', run=run, needs_options=False))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)) == (1, {"is": "it"})
    assert "a line of a log\n" in done.stderr
    assert "and one that is printed\n" in done.stderr
